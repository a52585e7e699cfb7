"""S12: every run that came in: what it was, who published it when, and how its list differs from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from jcml.review import policy
from jcml.review.guard import needs, person
from jcml.review.intake import BAND_ORDER
from jcml.review.models import Clue, Event, Run, Scenario

PER_PAGE = 20
SIGNALS: dict[str, tuple[str, str]] = {
    "score_drift": ("得分分布的偏移", "drift of the scores"), "feature_drift": ("特征分布的最大偏移", "largest drift of a feature"),
    "coverage": ("特征取值的已知比例", "share of known feature values"),
}
FACTS: dict[str, tuple[str, str]] = {
    "capacity": ("清单容量", "capacity of the list"), "supersede": ("替代理由", "why it supersedes another"), "data_digest": ("数据摘要", "digest of the data"),
    "clues_digest": ("线索摘要", "digest of the clues"), "fingerprint": ("模型定义指纹", "fingerprint of the definition"), "jcml": ("jcml 版本", "version of jcml"),
}


@require_GET
@needs("batches")
def batches(request: HttpRequest) -> HttpResponse:
    """The runs in a person's scope, newest first."""
    user = person(request)
    found = policy.runs(user, "batches").select_related("scenario", "unit").order_by("-received", "key")
    model = request.GET.get("scenario", "")
    models = Scenario.objects.filter(pk__in=policy.runs(user, "batches").values("scenario_id")).order_by("name")
    shown = Paginator(found.filter(scenario=model) if model else found, PER_PAGE).get_page(request.GET.get("page"))
    runs = list(shown.object_list)
    before = _before(runs)
    bands = _bands({*(run.key for run in runs), *before.values()})
    publishers = dict(Event.objects.filter(kind="run", what="run.published", object__in=[run.key for run in runs]).values_list("object", "actor"))
    rows = [
        {
            "run": run, "by": publishers.get(run.key, ""), "facts": [(FACTS[k], run.facts[k]) for k in FACTS if run.facts.get(k)], "before": before.get(run.key),
            "differs": difference(bands.get(before[run.key], {}), bands.get(run.key, {})) if run.key in before else None,
            "signals": [{"title": SIGNALS.get(s["name"], (s["name"], s["name"])), **s} for s in run.facts.get("signals", [])], "quarantine": quarantined(run.facts.get("quarantine")),
        }
        for run in runs
    ]
    return render(request, "review/batches.html", {"place": "batches", "rows": rows, "shown": shown, "models": models, "model": model})


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, int]:
    """How a list of subjects with their bands differs from the one before: new, gone, band up, band down.

    >>> difference({"a": "low", "b": "high"}, {"a": "high", "c": "low"})
    {'new': 1, 'gone': 1, 'up': 1, 'down': 0}
    """
    both = before.keys() & after.keys()
    return {
        "new": len(after.keys() - before.keys()), "gone": len(before.keys() - after.keys()), "up": sum(BAND_ORDER[after[s]] < BAND_ORDER[before[s]] for s in both),
        "down": sum(BAND_ORDER[after[s]] > BAND_ORDER[before[s]] for s in both),
    }


def quarantined(told: Any) -> list[tuple[str, Any]]:
    """What a run says of rows that were refused, by source, in the order in which it says it.

    >>> quarantined({"loans": 3}), quarantined([{"table": "loans", "rows": 3}]), quarantined(None)
    ([('loans', 3)], [('loans', 3)], [])
    """
    if isinstance(told, Mapping):
        return list(told.items())
    if isinstance(told, list):
        return [(str(one.get("table", "")), one.get("rows", one.get("quarantined", ""))) for one in told if isinstance(one, Mapping)]
    return [("", told)] if told else []


def _before(runs: Iterable[Run]) -> dict[str, str]:
    """For each published run the one of the same model and unit that was published before it."""
    wanted = [run for run in runs if run.published]
    there: dict[tuple[str, int], list[tuple[Any, str]]] = {}
    for key, scenario, unit, published in (
        Run.objects.filter(scenario__in={r.scenario_id for r in wanted}, unit__in={r.unit_id for r in wanted}, published__isnull=False)
        .order_by("published", "key").values_list("key", "scenario_id", "unit_id", "published")
    ):
        there.setdefault((scenario, unit), []).append((published, key))
    found = {}
    for run in wanted:
        earlier = [key for published, key in there[run.scenario_id, run.unit_id] if (published, key) < (run.published, run.key)]
        if earlier:
            found[run.key] = earlier[-1]
    return found


def _bands(keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """Subjects of runs with their bands; nothing else of a clue is read."""
    found: dict[str, dict[str, str]] = {}
    for run, subject, band in Clue.objects.filter(run__in=list(keys)).values_list("run_id", "subject", "band"):
        found.setdefault(run, {})[subject] = band
    return found
