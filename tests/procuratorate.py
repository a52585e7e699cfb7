"""A small procuratorate with people of every role, and clues to handle."""

from __future__ import annotations

import itertools
from typing import Any

from jcml.records import Clue as GivenClue
from jcml.records import Names, Part, Reason, SourceRow, Statement
from jcml.review import handling
from jcml.review.intake import take_in
from jcml.review.journal import SYSTEM, Actor
from jcml.review.models import Clue, Grant, Unit, User
from jcml.review.verdicts import Opinion

PASSWORD = "correct horse battery"
TEXT = "已核对三家机关的记录，与线索所述一致，建议办理。"


def statement(feature: str, zh: str, contribution: float, *rows: SourceRow, value: float | None = 1.0) -> Statement:
    parts = (Part("记录", "records", rows[0].table, len(rows), rows),) if rows else ()
    return Statement(feature, value, contribution, zh, f"{feature} in words", "同类 11 个中位数 0，高于其中 91%", "median of 11 peers: 0", ("《行政处罚法》第二十七条",), parts)


def source_row(n: int, person: str = "p1", table: str = "penalty_decisions") -> SourceRow:
    return SourceRow(table, f"R-{n}", "row", f"digest{n:026d}", "b1", n + 2, {"决定日期": f"2025-0{1 + n % 9}-15", "当事人": "潘**"}, {"当事人": f"person:{person}"})


def given_clue(n: int, run: str = "run1", model: str = "reverse_penalty_link", *, band: str = "high", selected: str = "ranked", subject: str = "", person: str = "", title: str = "潘**", as_of: str = "2025-12-01") -> GivenClue:
    """One clue as the engine publishes it."""
    first, second = source_row(2 * n, person or f"p{n}"), source_row(2 * n + 1, person or f"p{n}")
    reasons = (Reason(1.2, statement("no_penalty", "同类行为前后一年内没有行政处罚决定", 1.2, first)), Reason(0.6, statement("opinion", "刑事检察部门建议给予行政处罚", 0.6, second)))
    against = (Reason(-0.3, statement("recent", "作出不起诉决定仅 11 天", -0.3, first)),)
    return GivenClue(
        f"c{run}{n:05d}", run, model, 1, as_of, {"case_person": subject or f"subject{n}"}, f"行刑反向衔接·{title}", f"Reverse link · {title}", selected, 1.0,  # type: ignore[arg-type]
        n + 1, 102, 2.3 - n / 100, 0.5, 0.3, 0.9, band, reasons, against, facts=(statement("charge", "罪名：故意伤害罪", 0.0, first),),
        legal_basis=("《行政处罚法》第二十七条",), lawful_explanations=(("同一行为已受处罚", "the same act has been penalised"),), limits=(("看不到未报送的处罚", "unreported penalties"),),
        promise={"capacity": 30, "labelled": 1242, "confirmed": 503, "metrics": {"precision_at_capacity": [0.76, 0.71, 0.8]}, "audit": {"n": 44, "rate": [0.4, 0.24, 0.59]}},
        queue="administrative",
    )


def run_facts(run: str, clues: int, model: str = "reverse_penalty_link", **more: Any) -> dict[str, Any]:
    return {"run": run, "model": model, "version": 1, "as_of": "2025-12-01", "scored": 102, "clues": clues, "clues_digest": f"digest of {run}", **more}


class House:
    """Units 省 → 市 → 甲区, 乙区; people named by role and unit; `act` gives the actor of a person."""

    def __init__(self) -> None:
        self.province = Unit.objects.create(code="99", zh="示例省院", en="Province")
        self.city = Unit.objects.create(code="9901", zh="示例市院", en="City", parent=self.province)
        self.first = Unit.objects.create(code="990101", zh="甲区院", en="First district", parent=self.city)
        self.second = Unit.objects.create(code="990102", zh="乙区院", en="Second district", parent=self.city)
        self.runs = itertools.count(1)

    def person(self, name: str, *roles: str, unit: Unit | None = None, department: str | None = None) -> User:
        user = User.objects.filter(username=name).first()
        if user is None:
            user = User(username=name, name=f"{name}检察官")
            user.set_unusable_password()
            user.save()
        for role in roles:
            Grant.objects.get_or_create(user=user, role=role, unit=unit or self.first, department_id=department)
        return user

    def act(self, user: User) -> Actor:
        user.__dict__.pop("_grants", None)
        return Actor(user, "", "127.0.0.1")

    def clues(self, n: int = 3, unit: Unit | None = None, **of_clue: Any) -> list[Clue]:
        run = of_clue.pop("run", f"run{next(self.runs)}")
        model = of_clue.get("model", "reverse_penalty_link")
        more = of_clue.pop("facts", {})
        given = [given_clue(k, run, **of_clue) for k in range(n)]
        names = [Names(c.id, "penalty_decisions", f"R-{2 * k}", {"当事人": f"潘某某{k}"}) for k, c in enumerate(given)]
        from jcml.review.models import Run

        if unit is None and Run.objects.filter(unit=self.first, scenario_id=model, as_of="2025-12-01").exists():
            more = {"supersede": "test", **more}
        made, _ = take_in(SYSTEM, unit or self.first, run_facts(run, n, model, **more), given, names)
        return list(made.clues.order_by("place"))


ACCEPTED = Opinion("accepted", subtype="advice", text=TEXT, department="administrative", worth_checking=True, feedback={"no_penalty": "true"})


def propose(house: House, user: Any, clue: Clue, opinion: Opinion = ACCEPTED) -> Any:
    clue.refresh_from_db()
    return handling.propose(house.act(user), clue.pk, opinion, version=clue.version, digest=clue.evidence_digest)


def decide(house: House, user: Any, clue: Clue, approved: bool = True, text: str = "同意") -> Any:
    clue.refresh_from_db()
    return handling.decide(house.act(user), clue.pk, approved=approved, text=text, version=clue.version, digest=clue.evidence_digest)
