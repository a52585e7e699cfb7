"""The class view (类案): clues that share reasons or something that their evidence names, and one class as one page."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from jcml.review import classes as grouping
from jcml.review.guard import actor_of, needs, person
from jcml.review.journal import record_alone
from jcml.review.models import Clue, ReasonCode, Scenario, Unit, Verdict
from jcml.review.named import kind_title
from jcml.review.refusal import Refusal
from jcml.review.views.clue import language

PER_PAGE, EXAMPLES = 50, 5


@require_GET
@needs("details")
def classes(request: HttpRequest) -> HttpResponse:
    """The list, the largest class first."""
    user = person(request)
    by = "things" if request.GET.get("by") == "things" else "reasons"
    scenarios = {s.name: s for s in Scenario.objects.filter(Exists(grouping.members(user).filter(scenario=OuterRef("pk")))).order_by("name")}
    scenario = request.GET.get("scenario", "")
    shown = Paginator(list(grouping.classes(user, by, scenario if scenario in scenarios else "")), PER_PAGE).get_page(request.GET.get("page"))
    rows = [_row(by, row, scenarios) for row in shown]
    if by == "reasons":
        examples = grouping.members(user).in_bulk([row["example"] for row in shown])
        for row in rows:
            row["says"] = grouping.reasons_in_words(examples[row["example"]], language())
    content = {
        "place": "classes", "by": by, "rows": rows, "shown": shown, "count": shown.paginator.count, "scenarios": scenarios.values(), "given": scenario,
        "query": urlencode({"by": by, "scenario": scenario}),
    }
    return render(request, "review/classes.html", content)


def _row(by: str, row: dict[str, Any], scenarios: dict[str, Scenario]) -> dict[str, Any]:
    told = {**row, "key": grouping.shared_by(by, row).key, "rate": grouping.rate(row), "open": row["size"] - row["closed"]}
    if by == "reasons":
        return {**told, "scenario": scenarios.get(row["scenario_id"])}
    return {**told, "kind_title": kind_title(row["kind"], language() == "en")}


@require_GET
@needs("details")
def one_class(request: HttpRequest, key: str) -> HttpResponse:
    """One class as one page."""
    user, at = person(request), language()
    found = grouping.found_by(user, key)
    if found is None:
        raise Refusal(404, _("Not there, or not yours."))
    shared, row = found
    told = list(grouping.clues_of(user, shared).order_by("-as_of", "place", "pk").values_list("pk", "state", "outcome", "as_of", "unit", "closed"))
    ended = {code: [m for m in told if m[1] == "closed" and m[2] == code] for code in ("confirmed", "not_confirmed")}
    examples = {code: [m[0] for m in sorted(some, key=lambda m: str(m[5]), reverse=True)[:EXAMPLES]] for code, some in ended.items()}
    shown = Paginator(told, PER_PAGE).get_page(request.GET.get("page"))
    wanted = {m[0] for m in shown} | {pk for found in examples.values() for pk in found}
    clues = grouping.members(user).filter(pk__in=wanted).select_related("scenario", "unit").defer("content").in_bulk()
    example: Clue = grouping.members(user).select_related("scenario", "unit").get(pk=row["example"])
    codes = {code.code: code for code in ReasonCode.objects.all()}
    said: dict[str, Any] = {}
    for verdict in Verdict.objects.filter(clue__in=examples["not_confirmed"], standing="stands", kind="explained").order_by("at"):
        said[verdict.clue_id] = codes.get(verdict.reason_code)
    confirmed = {m[0] for m in ended["confirmed"]}
    names = Unit.objects.in_bulk({m[4] for m in told})
    by_unit, by_unit_confirmed = Counter(m[4] for m in told), Counter(m[4] for m in ended["confirmed"])
    months = grouping.by_month([(m[3], 1, m[0] in confirmed) for m in told])
    most = max(month[1] for month in months)
    record_alone(actor_of(request, "details", example), "class.opened", "class", key, None, clues=row["size"])
    content = {
        "place": "classes", "key": key, "shared": shared, "size": row["size"], "open": row["size"] - row["closed"], "row": row, "rate": grouping.rate(row), "scenario": example.scenario,
        "says": grouping.reasons_in_words(example, at) if shared.by == "reasons" else [], "kind_title": kind_title(shared.one, at == "en"), "thing": row.get("shown", ""),
        "confirmed": [clues[pk] for pk in examples["confirmed"]], "ruled_out": [(clues[pk], said.get(pk)) for pk in examples["not_confirmed"]],
        "units": sorted(((names[pk], n, by_unit_confirmed[pk]) for pk, n in by_unit.items()), key=lambda u: (-u[1], u[0].path)),
        "months": [(month, n, k, round(100 * n / most)) for month, n, k in months], "page": shown, "shown": [clues[m[0]] for m in shown],
        "states": Counter(m[1] for m in told).most_common(),
    }
    return render(request, "review/class.html", content)

