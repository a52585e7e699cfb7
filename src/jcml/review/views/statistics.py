"""S10: what becomes of clues, counted in the database; every share with n and interval, small cells withheld."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from jcml.review import policy
from jcml.review.guard import needs, person
from jcml.review.models import BANDS, Approval, Clue, FirstView, Scenario, Unit, User, Verdict
from jcml.review.states import OPEN
from jcml.review.statistics import kappa, median, share, withheld
from jcml.review.verdicts import KINDS
from jcml.review.views.clue import language

COUNTS = ("clues", "reviewed", "confirmed", "decided", "unfinished")
CONFIRMED, DECIDED = Q(state="closed", outcome="confirmed"), Q(state="closed", outcome__in=["confirmed", "not_confirmed"])
AGES = ((0, 2), (3, 10), (11, 30), (31, None))


@require_GET
@needs("statistics")
def statistics(request: HttpRequest) -> HttpResponse:
    """The page."""
    user, given = person(request), request.GET
    theirs = policy.clues(user, "statistics").filter(scenario=OuterRef("pk"))
    scenarios = {s.name: s for s in Scenario.objects.filter(Exists(theirs)).order_by("name")}
    units = {u.pk: u for u in Unit.objects.filter(policy.units(user, "statistics")).order_by("path")}
    found, kept = _asked(user, given, scenarios, units)
    least = int(settings.SITE["small_cells"])
    cells = _cells(found)
    groups = [
        _group(_("By model"), cells, "scenario", [(s.name, _title(s), {"scenario": s.name}) for s in scenarios.values()], least, kept),
        _group(_("By band"), cells, "band", [(band, str(title), {"band": band}) for band, title in BANDS.items()], least, kept),
        _group(_("By unit"), cells, "unit", [(u.pk, _title(u), {"unit": u.code}) for u in units.values()], least, kept),
    ]
    total = _added(cells, lambda cell: "").get("", dict.fromkeys(COUNTS, 0))
    whole = {**_row(_("Altogether"), total, "few" if 0 < total["reviewed"] < least else ""), "drill": _drill(kept)}
    content = {
        "place": "statistics", "given": given, "scenarios": scenarios.values(), "units": units.values(), "least": least, "whole": whole, "groups": groups,
        "months": _months(cells, least), "ages": _ages(cells), "open": total["unfinished"], "medians": _medians(found, scenarios, least), "reversals": _reversals(found, least),
        "agreement": _agreement(found, least), "drawn": _drawn(cells, least), "worth": _worth(found, least), "may_drill": policy.may_anywhere(user, "search"),
    }
    return render(request, "review/statistics.html", content)


def _asked(user: User, given: Mapping[str, str], scenarios: Mapping[str, Scenario], units: Mapping[int, Unit]) -> tuple[QuerySet[Clue], dict[str, str]]:
    """The clues that are counted, and the filters that the queue has too; what a filter cannot mean is left out of it."""
    found, kept = policy.clues(user, "statistics").exclude(state="superseded").order_by(), {}
    if given.get("scenario") in scenarios:
        found, kept["scenario"] = found.filter(scenario=given["scenario"]), given["scenario"]
    unit = next((u for u in units.values() if u.code == given.get("unit")), None)
    if unit is not None:
        below = [pk for pk, u in units.items() if u.path.startswith(unit.path)]
        found, kept["unit"] = found.filter(unit__in=below), unit.code
    first, last = _day(given.get("from", "")), _day(given.get("to", ""))
    if first:
        found = found.filter(run__published__gte=_midnight(first))
    if last:
        found = found.filter(run__published__lt=_midnight(last + timedelta(days=1)))
    return found, kept


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1990 < day.year < 2200 else None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _title(thing: Scenario | Unit) -> str:
    return thing.en if language() == "en" else thing.zh


def _cells(found: QuerySet[Clue]) -> list[dict[str, Any]]:
    """The counts of every model, band, unit, way of choosing and run; a run is published once, so there are few of them."""
    counts = {"clues": Q(), "reviewed": ~Q(verdict_kind=""), "confirmed": CONFIRMED, "decided": DECIDED, "unfinished": Q(state__in=OPEN)}
    by = found.values("scenario", "band", "unit", "selected", published=F("run__published"))
    return [dict(cell) for cell in by.annotate(**{name: Count("pk", filter=where) for name, where in counts.items()})]


def _added(cells: Iterable[dict[str, Any]], key: Callable[[dict[str, Any]], Any]) -> dict[Any, dict[str, int]]:
    """Cells added up by what they have in common."""
    found: dict[Any, dict[str, int]] = {}
    for cell in cells:
        counts = found.setdefault(key(cell), dict.fromkeys(COUNTS, 0))
        for name in COUNTS:
            counts[name] += cell[name]
    return found


def _ages(cells: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Open clues by whole days since they were published."""
    today = timezone.localdate()
    by_days = _added(cells, lambda cell: (today - timezone.localdate(cell["published"])).days)
    return [
        (
            _("more than %(n)s days") % {"n": low - 1} if high is None else _("%(low)s–%(high)s days") % {"low": low, "high": high},
            sum(counts["unfinished"] for days, counts in by_days.items() if low <= days and (high is None or days <= high)),
        )
        for low, high in AGES
    ]


def _worth(found: QuerySet[Clue], least: int) -> dict[str, Any]:
    """The share of closed clues of which the last verdict that stands says that they were worth checking."""
    said = Verdict.objects.filter(clue=OuterRef("pk"), standing="stands", worth_checking__isnull=False).order_by("-at").values("worth_checking")[:1]
    counted = found.filter(state="closed").annotate(said=Subquery(said)).aggregate(n=Count("pk", filter=Q(said__isnull=False)), k=Count("pk", filter=Q(said=True)))
    return _kept(counted["k"], counted["n"], least)


def _drill(kept: Mapping[str, str], **more: str) -> str:
    return f"{reverse('queue')}?{urlencode({'state': 'all', **kept, **more})}"


def _row(title: str, counts: Mapping[str, int], hidden: str) -> dict[str, Any]:
    """One row of the funnel; what is withheld is not in it at all."""
    row: dict[str, Any] = {"title": title, "clues": counts["clues"], "hidden": hidden}
    seen, rate = share(counts["reviewed"], counts["clues"]), share(counts["confirmed"], counts["reviewed"])
    return row if hidden else {**row, "reviewed": counts["reviewed"], "confirmed": counts["confirmed"], "seen": seen, "rate": rate}


def _group(
    title: str, cells: list[dict[str, Any]], by: str, members: list[tuple[Any, str, dict[str, str]]], least: int, kept: Mapping[str, str]
) -> dict[str, Any]:
    """The funnel of each model, band or unit that has clues, in their order, with the filter of the queue that shows them."""
    counted = _added(cells, lambda cell: cell[by])
    there = [member for member in members if member[0] in counted]
    hidden = withheld([counted[key]["reviewed"] for key, _name, _filter in there], least)
    return {"title": title, "rows": [{**_row(name, counted[key], hidden.get(n, "")), "drill": _drill(kept, **to)} for n, (key, name, to) in enumerate(there)]}


def _months(cells: list[dict[str, Any]], least: int) -> list[dict[str, Any]]:
    """The funnel by month of publication."""
    counted = _added(cells, lambda cell: f"{timezone.localtime(cell['published']):%Y-%m}")
    months = sorted(counted)
    hidden = withheld([counted[m]["reviewed"] for m in months], least)
    return [_row(m, counted[m], hidden.get(n, "")) for n, m in enumerate(months)]


def _medians(found: QuerySet[Clue], scenarios: Mapping[str, Scenario], least: int) -> list[dict[str, Any]]:
    """Median days from publication to closing, of all and by model."""
    days: dict[str, Counter[int]] = {"": Counter()}
    closed = found.filter(state="closed", closed__isnull=False).values_list("scenario", "run__published", TruncDate("closed"))
    for model, published, day, n in closed.annotate(n=Count("pk")):
        took = (day - timezone.localdate(published)).days
        days.setdefault(model, Counter())[took] += n
        days[""][took] += n
    models = [model for model in scenarios if model in days]
    sizes = {model: sum(days[model].values()) for model in ("", *models)}
    hidden = withheld([sizes[model] for model in models], least)
    told = [("", _("Altogether"), "few" if 0 < sizes[""] < least else ""), *((m, _title(scenarios[m]), hidden.get(n, "")) for n, m in enumerate(models))]
    return [{"title": title, "hidden": how} if how else {"title": title, "hidden": "", "n": sizes[m], "days": median(days[m])} for m, title, how in told if sizes[m]]


def _kept(k: int, n: int, least: int) -> dict[str, Any]:
    """A share that stands alone, or that it is too small to show."""
    return {"hidden": "few"} if 0 < n < least else {"hidden": "", **share(k, n)}


def _reversals(found: QuerySet[Clue], least: int) -> dict[str, Any]:
    """How many of the proposals that a second person decided on were returned."""
    counted = Approval.objects.filter(verdict__clue__in=found.values("pk")).aggregate(n=Count("pk"), returned=Count("pk", filter=Q(approved=False)))
    return _kept(counted["returned"], counted["n"], least)


def _agreement(found: QuerySet[Clue], least: int) -> dict[str, Any]:
    """How often a second person's blind first opinion was what the first had proposed, and how far beyond chance."""
    theirs = Verdict.objects.filter(clue=OuterRef("clue"), second=True).exclude(by=OuterRef("user")).order_by("at")
    decided, waiting = theirs.filter(approvals__by=OuterRef("user")), theirs.filter(standing="proposed")
    proposed = Coalesce(Subquery(decided.values("kind")[:1]), Subquery(waiting.values("kind")[:1]))
    views = FirstView.objects.filter(clue__in=found.values("pk")).exclude(opinion="").annotate(proposed=proposed).filter(proposed__in=list(KINDS))
    pairs = {(opinion, kind): n for opinion, kind, n in views.order_by().values_list("opinion", "proposed").annotate(n=Count("pk"))}
    told = _kept(sum(n for (one, other), n in pairs.items() if one == other), sum(pairs.values()), least)
    return told if told["hidden"] else {**told, "kappa": kappa(pairs) if pairs else None}


def _drawn(cells: list[dict[str, Any]], least: int) -> list[dict[str, Any]]:
    """What clues drawn at random yield beside those that were ranked."""
    counted = _added(cells, lambda cell: cell["selected"])
    there = [(key, title) for key, title in (("ranked", _("by their place in the list")), ("audit", _("drawn at random"))) if key in counted]
    hidden = {n: how for name in ("decided", "reviewed") for n, how in withheld([counted[key][name] for key, _title in there], least).items()}
    rows = []
    for n, (key, title) in enumerate(there):
        one = counted[key]
        row = {"title": title, "clues": one["clues"], "hidden": hidden.get(n, "")}
        rows.append(row if row["hidden"] else {**row, "not_reviewed": one["clues"] - one["reviewed"], "decided": one["decided"], "rate": share(one["confirmed"], one["decided"])})
    return rows
