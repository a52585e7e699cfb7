"""A synthetic office for the reverse link (行刑反向衔接): what became of non-prosecuted persons in eight districts.

After each decision somebody may have to be penalised by an agency. Offices differ in how well they hand over, review
and follow up; nobody writes that down, it only leaves traces. A person truly needs a follow-up when a penalty is due
and one of six mechanisms stopped it:

| mechanism | what happened | its trace |
|---|---|---|
| `unhanded` | the case never reached the administrative department | no reverse-link case |
| `co_person` | one person of a case was forgotten, the others were not | opinions on the others |
| `shelved` | the review was begun and never finished | no conclusion after the limit |
| `boilerplate` | the review was ended for no good reason | stock text, an unusual reason |
| `unanswered` | the agency did not reply in time, or did not act | no reply, or `noted` |
| `paper_penalty` | a warning was written and the driving licence left alone | a penalty beside a valid licence |

As many matters look alike and have a lawful explanation (`EXPLANATIONS`). Two limits became shorter in November 2024;
aiding network crime got a provision in December 2022; driving licences are delivered from July 2022 on, police detention
from July 2021; penalty decisions change their headers in 2024; two districts deliver in their own ways; in the second
quarter of 2024 a campaign looked at nearly everybody. From March 2025 on, offices that neglect a matter hand it over on
the last day allowed. The tracking grade and the tracking ledger say what checks found and are dated back: leaks, planted
on purpose. Rates follow the build sheet of the field: about 40 % positive, 95 % reviewed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from math import exp
from random import Random
from typing import Any

from jcml.simulation.identities import DISTRICTS, District, Identities, procuratorate
from jcml.simulation.reviewers import Candidate, Flaw, Practice, review
from jcml.simulation.world import Delivery, File, Row, World, known_after

FIRST, LAST, FIRST_LIST = date(2021, 1, 4), date(2025, 12, 31), date(2021, 7, 1)
GUIDE, LEARNED = date(2024, 11, 26), date(2025, 3, 1)
LICENCES_FROM, DETENTIONS_FROM, RENAMED = date(2022, 7, 4), date(2021, 7, 1), date(2024, 1, 1)
CAMPAIGN = (date(2024, 4, 1), date(2024, 5, 1), date(2024, 6, 1))
LONG_AGO = date(2013, 1, 1)
WAIT, REPLY, LIMITATION, LONG_LIMITATION = 90, 60, 730, 1826

MECHANISMS = ("unhanded", "co_person", "shelved", "boilerplate", "unanswered", "paper_penalty")
"""How a follow-up that was due came to nothing."""

EXPLANATIONS = (
    "no_provision", "time_barred", "unproven", "already_penalised", "slight", "paused", "entered_late", "unreported",
)
"""Why a matter that looks neglected needs nothing: the hard negatives."""


@dataclass(frozen=True)
class Charge:
    """What a charge means for the follow-up; `since` is None when no administrative provision exists.

    >>> CHARGES["embezzlement"].since is None
    True
    """

    share: float
    act_kind: str
    authority: str
    article: str = ""
    since: date | None = LONG_AGO
    long_limitation: bool = False
    licence: bool = False
    victim: bool = False
    amount: bool = False
    slow: bool = False


CHARGES: dict[str, Charge] = {
    "dangerous_driving": Charge(0.26, "driving", "traffic", "《道路交通安全法》第九十一条", licence=True),
    "traffic_accident": Charge(0.07, "driving", "traffic", "《道路交通安全法》第一百零一条", long_limitation=True, licence=True, victim=True),
    "theft": Charge(0.16, "property", "police", "《治安管理处罚法》第四十九条", victim=True, amount=True),
    "fraud": Charge(0.08, "property", "police", "《治安管理处罚法》第四十九条", victim=True, amount=True, slow=True),
    "injury": Charge(0.10, "person", "police", "《治安管理处罚法》第四十三条", victim=True),
    "provocation": Charge(0.05, "order", "police", "《治安管理处罚法》第二十六条", victim=True),
    "gambling": Charge(0.04, "order", "police", "《治安管理处罚法》第七十条", amount=True),
    "network_aid": Charge(0.10, "network", "telecom", "《反电信网络诈骗法》第四十四条", since=date(2022, 12, 1), amount=True, slow=True),
    "forged_documents": Charge(0.02, "order", "police", "《治安管理处罚法》第五十二条"),
    "illegal_business": Charge(0.03, "market", "market", "《无证无照经营查处办法》第十三条", amount=True, slow=True),
    "counterfeit_goods": Charge(0.03, "market", "market", "《商标法》第六十条", amount=True),
    "unsafe_food": Charge(0.02, "food", "market", "《食品安全法》第一百二十四条", long_limitation=True, amount=True),
    "illegal_fishing": Charge(0.02, "ecology", "fishery", "《渔业法》第三十八条"),
    "embezzlement": Charge(0.02, "property", "police", since=None, victim=True, amount=True, slow=True),
}
_WRITES = {"police": "公治", "traffic": "公交", "market": "市监", "fishery": "农渔", "telecom": "通管"}

_FACTS = (
    "到案后如实供述经过", "案发现场有监控录像", "相关物证已依法提取", "证人证言与书证相互印证", "当事人陈述前后一致", "涉案物品已清点登记",
    "现场勘查笔录附卷", "鉴定意见已告知双方", "通话与转账记录已调取", "辨认笔录程序完整", "相关单位出具了情况说明", "双方对经过没有争议",
    "行为发生在夜间路段", "行为发生在商业街区", "行为发生在居民小区", "行为发生在网络平台", "有邻里在场见证", "由群众报警后处理",
    "由单位内部发现后报案", "由巡逻人员现场查获",
)
_SLIGHT = ("情节显著轻微", "行为人及时改正", "没有造成危害后果")
_DEALT_WITH = ("行为人已被行政处罚", "主管机关已作出行政处罚", "行为人已行政拘留")
_STOCK = "经审查全案材料，综合考虑本案的具体情节和社会效果，认为没有必要提出检察意见，决定终结审查，案件归档，编号{}。"
_LAWFUL_STOCK = "经审查，对照现行规定，本案不符合提出检察意见的条件，依照规定决定终结审查，编号{}。"


@dataclass(frozen=True)
class _Office:
    name: str
    district: District
    share: float
    hands_over: float
    late: float
    careless: float
    answers: dict[str, float]


@dataclass
class _Matter:
    """One person in one case: what is on record, and what nobody can read from it."""

    office: _Office
    charge: Charge
    row: Row
    as_of: date
    severity: float
    why_not: str = ""
    mechanism: str = ""
    elsewhere: bool = False
    handed_over: date | None = None
    review: list[Row] = field(default_factory=list)

    @property
    def due(self) -> bool:
        """True when a penalty is due."""
        return not self.why_not

    @property
    def positive(self) -> bool:
        """True when a penalty is due and something stopped it."""
        return self.due and bool(self.mechanism)


def working_days_later(day: date, count: int) -> date:
    """The weekday so many weekdays later; holidays are left out of account, which makes nobody late.

    >>> working_days_later(date(2024, 11, 29), 1)
    datetime.date(2024, 12, 2)
    """
    while count or day.isoweekday() > 5:
        day += timedelta(days=1)
        count -= day.isoweekday() <= 5 and count > 0
    return day


def scored_on(decided: date, known: date) -> date:
    """The first day of a month on which a decision is scored: at least 90 days old, and known.

    >>> scored_on(date(2024, 1, 10), date(2024, 1, 12))
    datetime.date(2024, 5, 1)
    """
    due = max(known + timedelta(days=1), decided + timedelta(days=WAIT))
    return due if due.day == 1 else date(due.year + due.month // 12, due.month % 12 + 1, 1)


def limits(decided: date) -> tuple[int, int]:
    """Working days for the hand-over and for the review of a decision of that day.

    >>> limits(date(2024, 1, 10)), limits(date(2025, 1, 10))
    ((7, 15), (3, 10))
    """
    return (3, 10) if decided >= GUIDE else (7, 15)


def simulate(seed: int, *, size: int = 5000) -> World:
    """The records of the example city's reverse link.

    Parameters
    ----------
    seed : int
        Equal seeds give equal tables and truths.
    size : int
        Non-prosecuted persons, about; a tenth of them is decided too early or too late to be scored.

    Examples
    --------
    >>> world = simulate(1, size=60)
    >>> world.tables == simulate(1, size=60).tables, sorted(world.truth[0])
    (True, ['as_of', 'explanation', 'mechanism', 'outcome', 'rule_hits', 'unit'])
    """
    return _City(seed, size).world()


class _City:
    def __init__(self, seed: int, size: int) -> None:
        self.random = Random(f"reverse_penalty_link/{seed}")  # noqa: S311
        self.identities = Identities(self.random)
        self.size = size
        self.tables: dict[str, list[Row]] = {}
        self.offices = [self._office(number) for number in range(1, len(DISTRICTS) + 1)]
        self.matters: list[_Matter] = []

    def world(self) -> World:
        """Everything that was known by the last day."""
        self._provisions()
        while len(self.matters) < self.size:
            self._case()
        for matter in self.matters:
            self._write_down(matter)
        scored = [m for m in self.matters if FIRST_LIST <= m.as_of <= LAST]
        self.tables["non_prosecution_verdicts"] = verdicts = self._verdicts(scored)
        self._hindsight(verdicts)
        known = {name: [r for r in rows if r["received_on"] <= LAST] for name, rows in self.tables.items()}
        return World("reverse_penalty_link", known, [_truth(m) for m in scored], FIRST, LAST, _deliveries())

    def _add(self, table: str, **row: Any) -> None:
        self.tables.setdefault(table, []).append(row)

    # -- chance --------------------------------------------------------------------------------------------------------

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _odds(self, log_odds: float) -> bool:
        return self._chance(1 / (1 + exp(-log_odds)))

    def _later(self, day: date, low: int, high: int) -> date:
        return day + timedelta(days=self.random.randint(low, high))

    def _known(self, day: date, low: int, high: int) -> date:
        return known_after(self.random, day, low, high, late=0.06, latest=60)

    def _pick(self, **weights: float) -> str:
        return self.random.choices(list(weights), weights=list(weights.values()))[0]

    def _facts(self, count: int) -> str:
        return "，".join(self.random.sample(_FACTS, count))

    # -- who there is --------------------------------------------------------------------------------------------------

    def _office(self, number: int) -> _Office:
        def around(mean: float, spread: float) -> float:
            return min(0.97, max(0.1, self.random.gauss(mean, spread)))

        answers = {authority: around(0.52, 0.22) for authority in _WRITES}
        share, late, careless = (self.random.uniform(*r) for r in ((0.6, 1.6), (0.06, 0.35), (0.08, 0.38)))
        return _Office(procuratorate(number), DISTRICTS[number - 1], share, around(0.80, 0.09), late, careless, answers)

    def _provisions(self) -> None:
        for number, (name, charge) in enumerate(CHARGES.items(), 1):
            fixed: Row = {
                "charge": name, "authority": charge.authority, "long_limitation": charge.long_limitation, "licence_at_stake": charge.licence,
            }
            if charge.since != LONG_AGO:
                self._add("charge_provisions", entry=f"DZ{number:02d}-0", **fixed, has_provision=False, in_force_from=LONG_AGO, received_on=FIRST)
            if charge.since is not None:
                self._add(
                    "charge_provisions", entry=f"DZ{number:02d}-1", **fixed, has_provision=True, article=charge.article,
                    in_force_from=charge.since, received_on=max(FIRST, charge.since),
                )

    def _case(self) -> None:
        office = self.random.choices(self.offices, weights=[o.share for o in self.offices])[0]
        decided = working_days_later(self._later(FIRST, 0, (LAST - FIRST).days - 4), 0)
        name = self._pick(**{n: c.share for n, c in CHARGES.items()})
        kind = self._pick(relative=0.82, doubt=0.12, statutory=0.06)
        case_no = self.identities.serial(f"{office.district.code}{decided.year}")
        persons = self.random.choices((1, 2, 3), weights=(78, 15, 7))[0]
        matters = [self._matter(office, name, kind, decided) for _ in range(persons)]
        forgotten = matters[-1] if persons > 1 and matters[-1].due and self._chance(0.45) else None
        for number, matter in enumerate(matters, 1):
            matter.row |= {"case_no": case_no, "case_person": f"{case_no}-{number}", "persons_in_case": persons}
            self._follow(matter, forgotten)
            if matter.positive and self._chance(0.10):
                matter.why_not = "unreported"
        self.matters += matters

    # -- the merits ----------------------------------------------------------------------------------------------------

    def _matter(self, office: _Office, name: str, kind: str, decided: date) -> _Matter:
        charge, severity, known = CHARGES[name], self.random.gauss(0, 1), self._known(decided, 0, 3)
        act = decided - timedelta(days=60 + int(self.random.gammavariate(2.0, 170 if charge.slow else 75)))
        amount = round(exp(self.random.gauss(8.3, 0.9)), 2) if charge.amount else None
        is_open = amount is not None and self._odds(0.7 * severity - 0.6)
        forgiven = self._chance(0.55) if charge.victim else None
        row: Row = {
            "person": self.identities.resident_id(district=office.district), "person_name": self.identities.person_name(),
            "office": office.name, "district": office.district.code, "charge": name, "act_kind": charge.act_kind, "kind": kind,
            "act_on": act, "amount": amount, "forgiven": forgiven, "seized": self._chance(0.2),
            "unrecovered": amount and (round(amount * self.random.uniform(0.1, 1), 2) if is_open else 0.0),
            "decided_on": decided, "revoked": False, "received_on": known,
            "ethnicity": self._pick(汉族=0.9, 示例族=0.1), "domicile": self._pick(本市=0.7, 外地=0.3),
            "schooling": self._pick(primary=0.4, secondary=0.4, higher=0.2),
        }
        matter = _Matter(office, charge, row, scored_on(decided, known), severity)
        slight = self._odds(-2.0 - 0.9 * severity + 0.8 * bool(forgiven) - 0.7 * is_open)
        matter.why_not = self._why_not(matter, slight)
        row["advice"] = (
            self._pick(penalise=0.60, no_penalty=0.12, unstated=0.28) if matter.due else self._pick(penalise=0.25, no_penalty=0.42, unstated=0.33)
        )
        row["summary"] = self._summary(slight, matter.why_not == "already_penalised")
        self._history(matter)
        return matter

    def _why_not(self, matter: _Matter, slight: bool) -> str:
        """The first lawful reason why no penalty is due, or an empty text."""
        row, charge = matter.row, matter.charge
        proven = self._chance({"relative": 0.97, "doubt": 0.35, "statutory": 0.45}[row["kind"]])
        penalised = self._chance(0.13 if charge.authority in ("police", "traffic") else 0.05)
        limit = LONG_LIMITATION if charge.long_limitation else LIMITATION
        reasons = {
            "no_provision": charge.since is None or row["decided_on"] < charge.since,
            "time_barred": (matter.as_of - row["act_on"]).days > limit,
            "unproven": not proven, "already_penalised": penalised, "slight": slight,
        }
        return next((reason for reason, holds in reasons.items() if holds), "")

    def _summary(self, slight: bool, penalised: bool) -> str:
        minor = f"本案{self.random.choice(_SLIGHT)}。" if self._chance(0.5 if slight else 0.1) else ""
        dealt_with = f"{self.random.choice(_DEALT_WITH)}。" if self._chance(0.45 if penalised else 0.02) else ""
        return f"经审查，{self._facts(5)}。{minor}{dealt_with}{self._facts(2)}。"

    def _history(self, matter: _Matter) -> None:
        """What agencies had on the person before the decision."""
        row, licence = matter.row, matter.charge.licence
        if licence:
            self._licence(matter, "valid", row["act_on"] - timedelta(days=self.random.randint(400, 4000)))
        if matter.why_not != "already_penalised":
            return
        day = min(self._later(row["act_on"], 2, 50), row["decided_on"] - timedelta(days=1))
        trace = self._pick(register=0.55, detention=0.28, elsewhere=0.17)
        if trace == "detention" and matter.charge.authority in ("police", "traffic"):
            self._add(
                "police_detentions", record_no=self.identities.serial("ZX"), person=row["person"], act_kind=row["act_kind"],
                act_on=row["act_on"], days_served=self.random.randint(3, 15), began_on=day, received_on=self._known(day, 5, 20),
            )
        else:
            matter.elsewhere = trace != "register"
            self._penalty(matter, day, "revocation" if licence and self._chance(0.7) else "fine")
        if licence and self._chance(0.9):
            self._licence(matter, "revoked", day)

    def _licence(self, matter: _Matter, status: str, day: date) -> None:
        self._add(
            "driving_licences", record_no=self.identities.serial("JZ"), holder=matter.row["person"], status=status, status_from=day,
            received_on=max(LICENCES_FROM, self._known(day, 3, 20)),
        )

    def _penalty(self, matter: _Matter, day: date, measure: str) -> None:
        """A decision; those from elsewhere arrive with the identity number masked."""
        person, row = matter.row["person"], matter.row
        self._add(
            "penalty_decisions", decision_no=self.identities.penalty_no(day.year, _WRITES[matter.charge.authority]),
            person=person[:6] + "*" * 8 + person[14:] if matter.elsewhere else person, authority=matter.charge.authority,
            act_kind=row["act_kind"], act_on=row["act_on"], measure=measure,
            fine=round(exp(self.random.gauss(6.6, 0.7)), 2) if measure == "fine" else None,
            decided_on=day, revoked=False, received_on=self._known(day, 7, 30),
        )

    # -- what authorities did ------------------------------------------------------------------------------------------

    def _follow(self, matter: _Matter, forgotten: _Matter | None) -> None:
        """Hand-over, review, opinion, reply; each step may be the last."""
        office, decided = matter.office, matter.row["decided_on"]
        willing = office.hands_over * {"": 1.0, "no_provision": 0.6}.get(matter.why_not, 0.82)
        if matter is forgotten or (forgotten is None and not self._chance(willing)):
            matter.mechanism = "co_person" if matter is forgotten else "unhanded"
            return
        limit, review_limit = limits(decided)
        careless = office.careless + 0.08 * (decided >= LEARNED)
        fate = self._pick(shelved=0.09, boilerplate=careless, opinion=0.91 - careless) if matter.due else ""
        lag = limit + 1 + int(self.random.expovariate(0.12)) if self._chance(office.late) else self.random.randint(0, limit)
        if fate in ("shelved", "boilerplate") and decided >= LEARNED and self._chance(0.6):
            lag = limit
        handed = entered = working_days_later(decided, lag)
        matter.handed_over = handed if self._chance(0.9) else None
        if self._chance(0.02 if matter.due else 0.05):
            entered, matter.handed_over = self._later(handed, 95, 200), None
            matter.why_not = matter.why_not or "entered_late"
        same = {c: matter.row[c] for c in ("case_person", "case_no", "office", "charge", "kind", "decided_on")}
        number = self.identities.serial("FX")
        matter.review = [{"reverse_no": number, **same, "accepted_on": handed, "outcome": "reviewing", "received_on": entered}]
        self._examine(matter, handed, review_limit, fate)

    def _step(self, matter: _Matter, known: date, **changes: Any) -> None:
        """A later version of the reverse-link case."""
        last = matter.review[-1]
        matter.review.append({**last, **changes, "received_on": max(known, last["received_on"])})

    def _examine(self, matter: _Matter, handed: date, limit: int, fate: str) -> None:
        took = limit + self.random.randint(1, 12) if self._chance(0.15) else self.random.randint(2, limit)
        done = working_days_later(handed, took + (self.random.randint(5, 20) if self._chance(0.08) else 0))
        known = self._later(done, 0, 2)
        if fate == "shelved" or (not fate and self._chance(0.06)):
            matter.mechanism = "shelved"
        elif self._chance(0.04):
            self._step(matter, self._later(handed, 1, 8), outcome="paused")
            matter.why_not = matter.why_not or "paused"
        elif fate == "boilerplate" or (not fate and self._chance(0.76)):
            matter.mechanism = "boilerplate"
            ending, text = self._ending(matter)
            self._step(matter, known, outcome="ended", concluded_on=done, ending=ending, review_text=text)
        else:
            text = f"审查认为，{self._facts(5)}，应当向主管机关提出检察意见。"
            issued = {"outcome": "opinion", "opinion_on": done, "authority": matter.charge.authority}
            self._step(matter, known, concluded_on=done, review_text=text, **issued)
            self._reply(matter, done)

    def _ending(self, matter: _Matter) -> tuple[str, str]:
        own, number = f"审查认为，{self._facts(5)}，决定终结审查。", self.random.randint(1, 999)
        if matter.due:
            return self._pick(no_need=0.6, other=0.25, unproven=0.15), _STOCK.format(number) if self._chance(0.55) else own
        proper = matter.why_not if matter.why_not in ("no_provision", "time_barred", "unproven", "already_penalised") else "no_need"
        ending = self.random.choice(("no_need", "other")) if self._chance(0.15) else proper
        return ending, _LAWFUL_STOCK.format(number) if self._chance(0.35) else own

    def _reply(self, matter: _Matter, issued: date) -> None:
        willing, licence = matter.office.answers[matter.charge.authority], matter.charge.licence
        if not matter.due:
            if self._chance(0.35 + 0.5 * willing):
                self._answer(matter, self._later(issued, 15, 75), "declined")
            return
        if not self._chance(willing):
            matter.mechanism = "unanswered"
            if self._chance(0.45):
                self._answer(matter, self._later(issued, 10, 70), self._pick(noted=0.8, declined=0.2))
            return
        day = self._later(issued, 12, 62)
        self._answer(matter, day, "penalised")
        if licence and self._chance(0.2):
            matter.mechanism = "paper_penalty"
            self._penalty(matter, day, "warning")
            return
        self._penalty(matter, day, "revocation" if licence else self._pick(fine=0.7, warning=0.3))
        if licence:
            self._licence(matter, "revoked", day)
        if day >= matter.as_of and (matter.as_of - issued).days > REPLY:
            matter.mechanism = "unanswered"

    def _answer(self, matter: _Matter, day: date, reply: str) -> None:
        self._step(matter, self._later(day, 1, 8), replied_on=day, reply=reply)

    # -- what is written down ------------------------------------------------------------------------------------------

    def _write_down(self, matter: _Matter) -> None:
        """The decision as it was entered, and again when the hand-over was."""
        row = matter.row
        self._add("non_prosecutions", **row)
        if matter.handed_over is not None:
            known = max(row["received_on"], self._known(matter.handed_over, 0, 2))
            self._add("non_prosecutions", **{**row, "handed_over_on": matter.handed_over, "received_on": known})
        self.tables.setdefault("reverse_cases", []).extend(matter.review)

    def _hindsight(self, verdicts: list[Row]) -> None:
        """What was filled in once a check had ended and dated back to the decision: the grade, and the ledger."""
        found = {v["case_person"]: v["outcome"] == "confirmed" for v in verdicts if v["outcome"] in ("confirmed", "not_confirmed")}
        grades = {u: self.random.randint(4, 5) if confirmed != self._chance(0.02) else self.random.randint(1, 3) for u, confirmed in found.items()}
        for row in self.tables["non_prosecutions"]:
            row["tracking_grade"] = grades.get(row["case_person"])
        for matter in self.matters:
            if self._chance(0.97 if found.get(matter.row["case_person"]) else 0.02):
                noted, entry = matter.row["decided_on"] + timedelta(days=1), self.identities.serial("TZ")
                self._add("tracking_entries", entry=entry, case_person=matter.row["case_person"], entered_on=noted, received_on=noted)

    def _verdicts(self, scored: list[_Matter]) -> list[Row]:
        practice = Practice(
            share=0.945, audit=0.03, rule=0.5, severity=0.5, campaigns=dict.fromkeys(CAMPAIGN, 4.0), delay=(15, 55, 160),
            noise=0.03, returned=0.02,
        )
        return review([_candidate(m) for m in scored], practice, self.random, unit="case_person", until=LAST, prefix="FXX")


def rule_hits(decision: Row, versions: list[Row], as_of: date) -> set[str]:
    """The published rules that a matter hits at a day, counted on weekdays; `versions` of its reverse-link case, oldest first.

    >>> sorted(rule_hits({"decided_on": date(2024, 1, 10), "charge": "theft"}, [], date(2024, 5, 1)))
    ['not_handed_over', 'provision_without_opinion']
    """
    last = next((v for v in reversed(versions) if v["received_on"] < as_of), None)
    since, (limit, review_limit) = CHARGES[decision["charge"]].since, limits(decision["decided_on"])
    opinion = last.get("opinion_on") if last else None
    hits = {
        "provision_without_opinion": since is not None and since <= decision["decided_on"] and opinion is None,
        "not_handed_over": last is None,
    }
    if last is not None:
        hits |= {
            "handed_over_late": last["accepted_on"] > working_days_later(decision["decided_on"], limit),
            "review_late": last.get("concluded_on", as_of) > working_days_later(last["accepted_on"], review_limit),
            "reply_overdue": opinion is not None and (last.get("replied_on", as_of) - opinion).days > REPLY,
        }
    return {name for name, hit in hits.items() if hit}


def _candidate(matter: _Matter) -> Candidate:
    """What reviewers see; schooling weighs in with them although it has nothing to do with the truth."""
    row = matter.row
    flaw: Flaw = "data_error" if matter.why_not == "entered_late" else "identity_mismatch" if matter.elsewhere else ""
    return Candidate(
        row["case_person"], matter.as_of, matter.positive, len(rule_hits(row, matter.review, matter.as_of)), row["unrecovered"] or 0.0,
        row["district"], matter.severity + (row["schooling"] == "primary"), lawful=bool(matter.why_not), flaw=flaw,
    )


def _truth(matter: _Matter) -> Row:
    return {
        "unit": matter.row["case_person"], "as_of": matter.as_of, "outcome": matter.positive,
        "mechanism": matter.mechanism if matter.positive else "", "explanation": matter.why_not,
        "rule_hits": len(rule_hits(matter.row, matter.review, matter.as_of)),
    }


def _deliveries() -> dict[str, Delivery]:
    """Two districts have their own ways, one agency renamed its columns, two sources start late."""
    geng, xin = DISTRICTS[6].code, DISTRICTS[7].code
    old_ways = {"person": "身份证件号码", "decided_on": "决定时间", "charge": "案由", "kind": "不诉类型"}
    renamed = {"decided_on": "决定日期", "authority": "实施机关"}
    in_order = {"D06": 0.0}  # versions of a row must stay in the order in which they were made
    return {
        "non_prosecutions": Delivery(
            (
                File("不起诉决定_庚区", kind="gbk", dates="slash", headers=old_ways, holds=lambda r: r["district"] == geng),
                File("不起诉决定"),
            ),
            rates=in_order,
        ),
        "reverse_cases": Delivery(
            (
                File("反向衔接案件_辛区", kind="xlsx", holds=lambda r: str(r["case_no"]).startswith(xin)),
                File("反向衔接案件", dates="dots"),
            ),
            rates=in_order,
        ),
        "penalty_decisions": Delivery((
            File("行政处罚_2023年及以前", dates="chinese", headers=renamed, holds=lambda r: r["received_on"] < RENAMED),
            File("行政处罚_2024年起"),
        )),
        "police_detentions": Delivery(covered_from=DETENTIONS_FROM),
        "driving_licences": Delivery((File("驾驶证状态", kind="gbk", dates="compact"),)),
    }
