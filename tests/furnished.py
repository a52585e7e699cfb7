"""An office with a clue in every state, and every screen of the workbench as somebody there sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from browsing import Office, Reader
from procuratorate import ACCEPTED, TEXT, decide, propose, run_facts

REAL = Path(__file__).parent / "review" / "journeys" / "clues.jsonl"  # three clues of the demonstration's office, as the engine wrote them


def real_clues(office: Office) -> list[Any]:
    """What a reader really gets: tens of statements, long sentences, many rows."""
    from jcml.records import read_clues
    from jcml.review.intake import take_in
    from jcml.review.journal import SYSTEM

    run = f"o{office.mark}real"
    given = [replace(clue, id=f"{run}{n}", run=run) for n, clue in enumerate(read_clues(REAL))]
    made, _ = take_in(SYSTEM, office.first, run_facts(run, len(given), as_of="2025-11-01"), given)
    made.clues.update(blind=False)
    return list(made.clues.order_by("place"))


def furnish(office: Office) -> SimpleNamespace:
    """People of every role and clues in every state."""
    from django.utils import timezone

    from jcml.review import changes, handling
    from jcml.review.models import Clue
    from jcml.review.verdicts import Opinion

    there = SimpleNamespace(office=office)
    for name, role in (("li", "R"), ("zhao", "R"), ("wang", "C"), ("chen", "L"), ("an", "M"), ("shu", "D"), ("xi", "SA"), ("quan", "SE"), ("shen", "AU")):
        setattr(there, name, office.person(name, role))
    there.yi = office.person("yi", "M", unit=office.second)
    there.new = office.person("xin")
    there.real, there.audit, *_ = real_clues(office)
    free, there.held, there.proposed, there.blind, there.returned, there.closed, there.snoozed, there.away, there.lost, there.pending, *rest = office.clues(22)
    there.free, there.rest = free, rest
    li, wang = office.act(there.li), office.act(there.wang)
    for clue in (there.real, there.held, there.proposed, there.blind, there.returned, there.closed, there.snoozed, there.pending):
        handling.claim(li, clue.pk)
    for clue in (there.proposed, there.blind, there.returned, there.closed):
        propose(office, there.li, clue)
    Clue.objects.filter(pk=there.blind.pk).update(blind=True)
    decide(office, there.wang, there.returned, approved=False, text="请补充调取行政处罚决定书")
    decide(office, there.wang, there.closed)
    handling.snooze(li, there.snoozed.pk, timezone.localdate() + timedelta(days=9), "等待鉴定意见")
    propose(office, there.li, there.pending, Opinion("pending", due_on=timezone.localdate() + timedelta(days=30), next_step="调取案卷"))
    handling.claim(office.act(there.zhao), there.lost.pk)
    for n, clue in enumerate(rest):
        handling.claim(office.act(there.zhao), clue.pk)
        if n < 7:
            propose(office, there.zhao, clue, ACCEPTED if n % 2 else Opinion("explained", reason_code="lawful_explanation", text=TEXT, worth_checking=False))
            decide(office, there.wang, clue)
        else:
            handling.release(office.act(there.zhao), clue.pk)
    there.coming = office.clues(1, unit=office.second)[0]
    handling.transfer(office.act(office.person("yuan", "C", unit=office.second)), there.coming.pk, office.first.code, "涉案人员住所地在贵院辖区")
    handling.transfer(wang, there.away.pk, office.second.code, "住所地在该院辖区")
    there.bulk = handling.bulk(office.act(there.zhao), [rest[-1].pk], "duplicate", {"linked": "XS-总表"})
    changes.ask(office.act(there.xi), "user.add", {"username": f"sun{office.mark}", "name": "孙某", "role": "R", "unit": office.first.code, "department": "", "scenario": ""})
    Clue.objects.filter(pk=rest[-2].pk).update(due_on=timezone.localdate() - timedelta(days=4))
    Clue.objects.filter(pk=rest[-3].pk).update(due_on=timezone.localdate() + timedelta(days=2))
    return there


@dataclass(frozen=True)
class Screen:
    """One screen in one state: who is before it, where, and what they do there."""

    name: str
    who: str
    path: str
    act: Callable[[Reader], Any] = field(default=lambda reader: None)
    status: int = 200

    def open(self, reader: Reader, there: SimpleNamespace) -> Reader:
        """Go there and do it."""
        reader.go(self.path.format(there=there))
        assert reader.status == self.status, (self.name, reader.status)
        self.act(reader)
        return reader


def _wrong_password(reader: Reader) -> None:
    reader.fill("[name=username]", "nobody").fill("[name=password]", "wrong").leave("Enter")


def _incomplete(reader: Reader) -> None:
    reader.press("]", "y").press("3", "Control+Enter")
    reader.page.wait_for_selector("#refused [role=alert]")


def _previewed(reader: Reader) -> None:
    reader.press("j", "j", " ")
    reader.page.wait_for_selector("#preview .card")


def _bulk(reader: Reader) -> None:
    reader.tab_to("[data-all]").press(" ").tab_to("form[action='/queue/bulk'] button:not([formaction])").leave("Enter")


def _unfold(reader: Reader) -> None:
    reader.page.evaluate("document.querySelectorAll('details').forEach(function (one) { one.open = true; })")


def _kind(key: str) -> Callable[[Reader], Any]:
    return lambda reader: reader.press(key)


def _unmask(reader: Reader) -> None:
    if reader.page.locator("form[action$='/unmask']").count() == 0:
        return  # ten minutes are not over
    reader.tab_to("details:has(form[action$='/unmask']) summary").press("Enter").fill("form[action$='/unmask'] [name=because]", "核对身份")
    reader.tab_to("form[action$='/unmask'] button").leave("Enter")


def _search(text: str) -> Callable[[Reader], Any]:
    return lambda reader: reader.fill("#search-text", text).leave("Enter")


def _first_class(reader: Reader) -> None:
    reader.tab_to("main td a").leave("Enter")


def _drawn(reader: Reader) -> None:
    reader.page.wait_for_selector("#graph canvas, #months svg")
    reader.page.wait_for_timeout(200)


def _verify(reader: Reader) -> None:
    reader.tab_to("form[action='/audit/verify'] button").leave("Enter")


SCREENS = [
    Screen("login", "", "/login"),
    Screen("login-wrong", "", "/login", _wrong_password),
    Screen("desk-prosecutor", "li", "/"),
    Screen("desk-bulk-undo", "zhao", "/"),
    Screen("desk-checker", "wang", "/"),
    Screen("desk-leader", "chen", "/"),
    Screen("desk-case-management", "an", "/"),
    Screen("desk-nobody", "new", "/"),
    Screen("password", "li", "/password"),
    Screen("queue", "li", "/queue"),
    Screen("queue-case-management", "an", "/queue?state=all&size=50"),
    Screen("queue-compact", "li", "/queue?rows=compact&state=all&size=50"),
    Screen("queue-empty", "li", "/queue?band=low"),
    Screen("queue-preview", "li", "/queue?state=free", _previewed),
    Screen("queue-unfolded", "wang", "/queue", _unfold),
    Screen("bulk", "zhao", "/queue?state=free", _bulk),
    Screen("clue-free", "zhao", "/clues/{there.free.pk}"),
    Screen("clue-real", "li", "/clues/{there.real.pk}"),
    Screen("clue-real-unfolded", "li", "/clues/{there.real.pk}", _unfold),
    Screen("clue-audit", "zhao", "/clues/{there.audit.pk}"),
    Screen("clue-held-by-another", "zhao", "/clues/{there.held.pk}"),
    *(Screen(f"clue-verdict-{key}", "li", "/clues/{there.held.pk}", _kind(key)) for key in "123456u"),
    Screen("clue-incomplete", "li", "/clues/{there.held.pk}", _incomplete),
    Screen("clue-unmasked", "li", "/clues/{there.pending.pk}", _unmask),
    Screen("clue-pending", "li", "/clues/{there.pending.pk}"),
    Screen("clue-snoozed", "li", "/clues/{there.snoozed.pk}"),
    Screen("clue-returned", "li", "/clues/{there.returned.pk}"),
    Screen("clue-my-proposal", "li", "/clues/{there.proposed.pk}"),
    Screen("clue-decide", "wang", "/clues/{there.proposed.pk}"),
    Screen("clue-decide-blind", "wang", "/clues/{there.blind.pk}"),
    Screen("clue-closed", "chen", "/clues/{there.closed.pk}", _unfold),
    Screen("clue-transferring", "li", "/clues/{there.away.pk}"),
    Screen("clue-data-scientist", "shu", "/clues/{there.held.pk}"),
    Screen("source-row", "li", "/clues/{there.real.pk}/rows/1"),
    Screen("print", "li", "/clues/{there.real.pk}/print"),
    Screen("search", "li", "/search"),
    Screen("search-found", "li", "/search", _search("潘**")),
    Screen("search-nothing", "li", "/search", _search("没有的名称")),
    Screen("subject", "li", "/clues/{there.real.pk}/subject"),
    Screen("relations", "li", "/clues/{there.real.pk}/relations", _drawn),
    Screen("relations-none", "li", "/clues/{there.held.pk}/relations"),
    Screen("classes", "wang", "/classes"),
    Screen("classes-things", "wang", "/classes?by=things"),
    Screen("class", "wang", "/classes", _first_class),
    Screen("transfers", "an", "/transfers"),
    Screen("transfers-unfolded", "an", "/transfers?state=all", _unfold),
    Screen("statistics", "wang", "/statistics", _drawn),
    Screen("statistics-data-scientist", "shu", "/statistics", _drawn),
    Screen("statistics-empty", "wang", "/statistics?from=2031-01-01"),
    Screen("models", "wang", "/models"),
    Screen("model", "wang", "/models/reverse_penalty_link"),
    Screen("batches", "shu", "/batches"),
    Screen("administration-asks", "xi", "/administration"),
    Screen("administration-asks-unfolded", "xi", "/administration", _unfold),
    Screen("administration-approves", "quan", "/administration"),
    Screen("audit", "shen", "/audit"),
    Screen("audit-seen", "shen", "/audit?seen={there.real.number}"),
    Screen("audit-verified", "shen", "/audit", _verify),
    Screen("audit-code", "shen", "/audit/code?code=00000000"),
    Screen("audit-empty", "shen", "/audit?actor=nobody-at-all"),
    Screen("help", "li", "/help"),
    Screen("help-auditor", "shen", "/help"),
    Screen("not-found", "li", "/clues/nothing", status=404),
    Screen("not-permitted", "an", "/clues/{there.held.pk}", status=403),
]
