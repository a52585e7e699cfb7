"""S11: a supervision model in plain words: what it looks for, what it was tested on, what it cannot see, and what came of it here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from jcml.review import policy
from jcml.review.guard import needs, person
from jcml.review.models import Scenario, User
from jcml.review.refusal import Refusal
from jcml.review.shown import Page
from jcml.review.statistics import share
from jcml.review.views.clue import language


@require_GET
@needs("models")
def scenarios(request: HttpRequest) -> HttpResponse:
    """The models whose lists came in."""
    user = person(request)
    found = _published(user).values("scenario_id").annotate(runs=Count("key"), last=Max("as_of"), version=Max("version"))
    told = {one["scenario_id"]: one for one in found}
    models = [{"scenario": s, **told[s.pk]} for s in Scenario.objects.filter(pk__in=told).select_related("department").order_by("name")]
    return render(request, "review/scenarios.html", {"place": "scenarios", "models": models})


@require_GET
@needs("models")
def scenario(request: HttpRequest, name: str) -> HttpResponse:
    """One model."""
    user = person(request)
    runs = _published(user).filter(scenario=name).select_related("scenario__department")
    newest = runs.order_by("-as_of", "-published").first()
    if newest is None:
        raise Refusal(404, _("Not there, or not yours."))
    clue = policy.clues(user, "models").filter(run=newest).order_by("rank").first()
    page = Page(clue, language()) if clue else None  # only what its content says of the model is shown, nothing of the clue
    versions = runs.values("version").annotate(runs=Count("key"), first=Min("published"), last=Max("published"), data=Max("as_of")).order_by("-version")
    return render(
        request,
        "review/scenario.html",
        {
            "place": "scenarios", "model": newest.scenario, "newest": newest, "page": page, "legal_basis": page.content["legal_basis"] if page else [],
            "promise": page.promise() if page else {}, "gain": _metric(page, "gain_over_best_rule"), "versions": versions, "gates": gates(newest.facts.get("gates")),
            "observed": observed(user, name), "small": settings.SITE["small_cells"],
        },
    )


def gates(told: Any) -> list[dict[str, Any]]:
    """The gates that a version passed before it was appointed, as its run tells of them.

    >>> gates({"auc": True}), gates([{"name": "auc", "passed": False, "value": 0.6}]), gates(None)
    ([{'name': 'auc', 'passed': True, 'value': None}], [{'name': 'auc', 'passed': False, 'value': 0.6}], [])
    """
    if isinstance(told, Mapping):
        return [{"name": name, "passed": bool(held), "value": None} for name, held in told.items()]
    if isinstance(told, list):
        return [{"name": g.get("name", ""), "passed": bool(g.get("passed")), "value": g.get("value")} for g in told if isinstance(g, Mapping)]
    return []


def observed(user: User, name: str) -> dict[str, Any]:
    """What came of the clues of this model in the units that a person reads, ranked and drawn at random; no rate of few clues is told."""
    least, cells = settings.SITE["small_cells"], {}
    decided = policy.clues(user, "models").filter(scenario=name, state="closed", outcome__in=["confirmed", "not_confirmed"])
    for selected in ("ranked", "audit"):
        there = decided.filter(selected=selected)
        cells[selected] = share(there.filter(outcome="confirmed").count(), there.count())
    return {selected: cell if cell["n"] >= least else None for selected, cell in cells.items()}


def _published(user: User) -> Any:
    return policy.runs(user, "models").filter(published__isnull=False)


def _metric(page: Page | None, name: str) -> list[int] | None:
    measured = page.content["promise"].get("metrics", {}).get(name) if page else None
    return [round(100 * x) for x in measured] if measured and None not in measured else None
