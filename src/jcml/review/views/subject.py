"""S6: everything that the clues about one subject say of it, each value with its source; what differs stands side by side."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from jcml.review import handling, policy
from jcml.review.answered import once
from jcml.review.guard import actor_of, needs, person
from jcml.review.journal import record_alone
from jcml.review.models import Clue, Event, ReasonCode, Scenario, User, Verdict
from jcml.review.named import kind_title, named
from jcml.review.shown import Page
from jcml.review.states import STATES
from jcml.review.verdicts import KINDS
from jcml.review.views.clue import language, readable, to

MOST = 30  # clues of one subject whose contents are read


@require_http_methods(["GET", "POST"])
@needs("details")
@once
def subject(request: HttpRequest, clue_id: str) -> HttpResponse:
    """The page; a form on it says that two subjects were merged into one."""
    user = person(request)
    if request.method == "POST":
        handling.mark_wrong_merge(actor_of(request, "mark subject"), clue_id, request.POST.get("because", ""))
        messages.success(request, _("It is noted, and shown to everybody who reads a clue of this subject."))
        return to(request, reverse("subject", args=[clue_id]))
    found = readable(request, clue_id)
    about = same_subject(user, found)
    record_alone(actor_of(request, "details", found), "subject.opened", "clue", found.pk, found.unit, clues=[c.number for c in about])
    content = {
        "place": "queue", "clue": found, "page": Page(found, language()), "values": values(about[:MOST], language()), "clues": _outcomes(about), "read": min(MOST, len(about)),
        "marks": wrong_merges(about), "may_mark": policy.covers(user, "mark subject", found), "longest": handling.LONGEST_MARK,
    }
    return render(request, "review/subject.html", content)


def same_subject(user: User, clue: Clue) -> list[Clue]:
    """The clues about a clue's subject that a person may read, of every model, newest first; itself among them."""
    models = list(Scenario.objects.values_list("pk", flat=True))  # named one by one, so that the index on model and subject finds them
    ids = list(policy.clues(user, "details").filter(scenario__in=models, subject=clue.subject).values_list("pk", flat=True))
    found = Clue.objects.filter(pk__in=ids).select_related("scenario", "unit").order_by("-as_of", "-number")
    return [c for c in found if c.content["unit"] == clue.content["unit"]]


def values(clues: list[Clue], language: str) -> list[dict[str, Any]]:
    """Every value of every column title with the rows that hold it, those that differ first.

    Two values are one when text and pseudonym are equal: masks make different names look alike. Rows about other subjects,
    with which this one is compared, are left out.
    """
    titles: dict[str, dict[tuple[str, tuple[str, str]], dict[tuple[str, str], dict[str, Any]]]] = {}
    for clue in clues:
        names = {(row.table, row.digest): row.names for row in named(clue.content)}
        own = set(clue.content["unit"].values())
        kinds = {kind for named_as in names.values() for kind, value in named_as.values() if value in own}
        for row in Page(clue, language).rows:
            subjects = {value for kind, value in names[row.table, row.digest].values() if kind in kinds}
            if subjects and not subjects & own:
                continue
            for title, text in row.cells.items():
                named_as = names[row.table, row.digest].get(title, ("", ""))
                holders = titles.setdefault(title, {}).setdefault((text, named_as), {})
                holders.setdefault((row.table, row.digest), {"row": row, "clue": clue})
    told = [_title(title, found, language == "en") for title, found in titles.items()]
    return sorted(told, key=lambda one: (-len(one["differs"]), one["title"]))


def _title(title: str, found: dict[tuple[str, tuple[str, str]], dict[tuple[str, str], dict[str, Any]]], english: bool) -> dict[str, Any]:
    by_table: dict[str, set[Any]] = {}
    by_record: dict[tuple[str, str], set[Any]] = {}
    shown: dict[str, set[tuple[str, str]]] = {}
    for value, holders in found.items():
        shown.setdefault(value[0], set()).add(value[1])
        for one in holders.values():
            by_table.setdefault(one["row"].table, set()).add(value)
            by_record.setdefault((one["row"].table, one["row"].row), set()).add(value)
    differs = []
    if any(len(held) > 1 for held in by_record.values()):
        differs.append(_("one record, different values"))
    if len({frozenset(held) for held in by_table.values()}) > 1:
        differs.append(_("differs between sources"))
    if any(len(named_as) > 1 for named_as in shown.values()):
        differs.append(_("looks alike under the mask, but is not the same"))
    apart = {text: sorted(named_as) for text, named_as in shown.items() if len(named_as) > 1}
    told = [
        {
            "text": text, "which": apart[text].index(named_as) + 1 if text in apart else 0, "kind": kind_title(named_as[0], english) if named_as[0] else "",
            "holders": sorted(holders.values(), key=lambda one: (one["row"].table, one["row"].day, one["row"].row)),
        }
        for (text, named_as), holders in found.items()
    ]
    return {"title": title, "differs": differs, "values": told}


def _outcomes(about: list[Clue]) -> list[dict[str, Any]]:
    """Every clue about the subject with what was decided, by kind and reason; who decided it is not told here."""
    english = language() == "en"
    codes = {code.code: code.en if english else code.zh for code in ReasonCode.objects.all()}
    decided: dict[str, list[dict[str, Any]]] = {}
    for verdict in Verdict.objects.filter(clue__in=[c.pk for c in about], standing="stands").order_by("at"):
        decided.setdefault(verdict.clue_id, []).append({"kind": KINDS[verdict.kind], "at": verdict.at, "reason": codes.get(verdict.reason_code, "")})
    return [{"clue": c, "state": STATES[c.state], "verdicts": decided.get(c.pk, [])} for c in about]


def wrong_merges(about: list[Clue]) -> list[dict[str, Any]]:
    """Who said of this subject that it is two, and why."""
    events = Event.objects.filter(kind="clue", object__in=[c.pk for c in about], what="subject.wrong_merge").order_by("-seq")
    names = dict(User.objects.filter(username__in=[e.actor for e in events]).values_list("username", "name"))
    return [{"at": e.at[:16].replace("T", " "), "by": names.get(e.actor, e.actor), "because": json.loads(e.detail)["because"]} for e in events]
