"""The class view (类案): clues that share reasons or something that their evidence names, and one class as one page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count
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
    scenarios = {s.name: s for s in Scenario.objects.filter(pk__in=grouping.members(user).order_by().values("scenario")).order_by("name")}
    scenario = request.GET.get("scenario", "")
    shown = Paginator(grouping.classes(user, by, scenario if scenario in scenarios else ""), PER_PAGE).get_page(request.GET.get("page"))
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
    inside = grouping.clues_of(user, shared)
    listed = inside.select_related("scenario", "unit").defer("content")
    ruled_out = list(listed.filter(grouping.SIZES["ruled_out"]).order_by("-closed")[: EXAMPLES])
    codes = {code.code: code for code in ReasonCode.objects.all()}
    said: dict[str, Any] = {}
    for verdict in Verdict.objects.filter(clue__in=[c.pk for c in ruled_out], standing="stands", kind="explained").order_by("at"):
        said[verdict.clue_id] = codes.get(verdict.reason_code)
    example: Clue = inside.get(pk=row["example"])
    days = list(inside.order_by().values_list("as_of").annotate(n=Count("pk"), confirmed=Count("pk", filter=grouping.SIZES["confirmed"])))
    units = list(inside.order_by().values("unit").annotate(n=Count("pk"), confirmed=Count("pk", filter=grouping.SIZES["confirmed"])))
    names = Unit.objects.in_bulk([u["unit"] for u in units])
    months = grouping.by_month(days)
    record_alone(actor_of(request, "details", example), "class.opened", "class", key, None, clues=row["size"])
    content = {
        "place": "classes", "key": key, "shared": shared, "size": row["size"], "open": row["size"] - row["closed"], "row": row, "rate": grouping.rate(row), "scenario": example.scenario,
        "says": grouping.reasons_in_words(example, at) if shared.by == "reasons" else [], "kind_title": kind_title(shared.one, at == "en"), "thing": row.get("shown", ""),
        "confirmed": listed.filter(grouping.SIZES["confirmed"]).order_by("-closed")[: EXAMPLES], "ruled_out": [(c, said.get(c.pk)) for c in ruled_out],
        "units": sorted(((names[u["unit"]], u["n"], u["confirmed"]) for u in units), key=lambda u: (-u[1], u[0].path)),
        "months": [(month, n, confirmed, round(100 * n / max(m[1] for m in months))) for month, n, confirmed in months],
        "shown": Paginator(listed.order_by("-as_of", "place", "id"), PER_PAGE).get_page(request.GET.get("page")), "states": _states(inside),
    }
    return render(request, "review/class.html", content)


def _states(inside: Any) -> list[tuple[str, int]]:
    return list(inside.order_by().values_list("state").annotate(n=Count("pk")).order_by("-n", "state"))
