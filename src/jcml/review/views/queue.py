"""S2 and S5: the queue with filters in its address, saved views, a preview, and acts on many clues at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from jcml.review import handling, policy
from jcml.review.guard import actor_of, needs, person
from jcml.review.models import BANDS, Clue, Reason, SavedView, Scenario, Unit, User
from jcml.review.refusal import Refusal
from jcml.review.states import STATES
from jcml.review.verdicts import KINDS

SIZES = (20, 50, 100)
SAMPLED = 1000
SORTS = {
    "due": ("due_on", "place", "id"), "number": ("number",), "-number": ("-number",), "evidence": ("-evidence_count", "id"), "as_of": ("-as_of", "place", "id"),
    "state": ("state", "due_on", "place", "id"),
}
FILTERS = ("scenario", "band", "reason", "unit", "due", "state", "holder", "version", "run", "kind", "q")


class Pages(Paginator):  # type: ignore[type-arg]
    """Pages of a list that is counted up to a thousand: nobody turns more pages, and counting all would take longest."""

    @cached_property
    def count(self) -> int:
        """How many there are, at most `handling.MOST_COUNTED`."""
        listed: Any = self.object_list
        return int(listed.order_by()[: handling.MOST_COUNTED].count())


def filtered(user: User, query: Mapping[str, str]) -> QuerySet[Clue]:
    """The clues that a person may see and that a filter asks for; what the filter cannot mean is left out of it."""
    found = policy.clues(user, "see").select_related("scenario", "unit", "holder")
    now, today = timezone.now(), timezone.localdate()
    state = query.get("state", "open")
    if state == "open":
        found = found.filter(open=1)
    elif state == "free":
        found = found.filter(handling.free(now), open=1)
    elif state == "mine":
        found = found.filter(holder=user, open=1)
    elif state in STATES:
        found = found.filter(state=state)
    for name, field in (("scenario", "scenario_id"), ("run", "run_id"), ("kind", "verdict_kind")):
        if query.get(name):
            found = found.filter(**{field: query[name]})
    if query.get("band") in BANDS:
        found = found.filter(band=query["band"])
    if query.get("reason"):
        found = found.filter(pk__in=Reason.objects.filter(feature=query["reason"], speaks_for=True).values("clue_id"))
    if query.get("unit"):
        unit = Unit.objects.filter(code=query["unit"]).first()
        found = found.filter(unit__path__startswith=unit.path) if unit else found.none()
    due = query.get("due")
    if due == "late":
        found = found.filter(due_on__lt=today)
    elif due == "week":
        found = found.filter(due_on__lte=today + timedelta(days=7))
    if query.get("holder"):
        found = found.filter(holder__username=query["holder"])
    if query.get("version", "").isdigit():
        found = found.filter(run__version=int(query["version"]))
    if query.get("q"):
        found = found.filter(Q(number__icontains=query["q"]) | Q(subject_shown__icontains=query["q"]))
    return found


@require_GET
@needs("search")
def queue(request: HttpRequest) -> HttpResponse:
    """The list."""
    user = person(request)
    found = filtered(user, request.GET.dict())
    sort = request.GET.get("sort", "due")
    size = next((n for n in SIZES if str(n) == request.GET.get("size")), SIZES[0])
    pages = Pages(found.order_by(*SORTS.get(sort, SORTS["due"])).defer("content"), size)
    shown = pages.get_page(request.GET.get("page"))
    rest = request.GET.copy()
    rest.pop("page", None)
    claimable = policy.clues(user, "claim")
    return render(
        request,
        "review/queue.html",
        {
            "place": "queue", "shown": shown, "count": pages.count, "query": rest.urlencode(), "given": request.GET, "states": STATES, "bands": BANDS, "kinds": KINDS,
            "scenarios": Scenario.objects.filter(Exists(policy.clues(user, "see").filter(scenario=OuterRef("pk")))), "units": Unit.objects.filter(policy.units(user, "see")).order_by("path"),
            "reason_titles": _reasons(user, request.GET.get("scenario", "")), "views": SavedView.objects.filter(user=user).order_by("name"), "sizes": SIZES, "size": size,
            "today": timezone.localdate(), "compact": request.GET.get("rows") == "compact", "to_claim": handling.count_free(claimable),
            "held_by_others": claimable.filter(state="claimed", lease_until__gte=timezone.now()).exclude(holder=user)[: handling.MOST_COUNTED].count(),
            "snoozed": claimable.filter(state="snoozed")[: handling.MOST_COUNTED].count(),
        },
    )


def _reasons(user: User, scenario: str) -> list[tuple[str, str, str]]:
    """First reasons of a model's next open clues, with one sentence of each as an example; none before a model is chosen."""
    if not scenario:
        return []
    first = handling.queue_order(policy.clues(user, "see").filter(scenario_id=scenario, open=1))[:SAMPLED]
    seen = {feature: (feature, zh, en) for feature, zh, en in first.values_list("first_reason", "first_reason_zh", "first_reason_en")}
    return sorted(seen.values())


@require_POST
@needs("search")
def keep_view(request: HttpRequest) -> HttpResponse:
    """Keep the filter under a name, or forget one."""
    user, name = person(request), request.POST.get("name", "").strip()[:60]
    if request.POST.get("forget"):
        SavedView.objects.filter(user=user, pk=request.POST["forget"]).delete()
    elif name:
        asked = QueryDict(request.POST.get("query", "")[:900]).dict()
        kept = urlencode({k: v for k, v in asked.items() if k in (*FILTERS, "sort", "size", "rows")})
        SavedView.objects.update_or_create(user=user, name=name, defaults={"query": kept})
        messages.success(request, _("The view is saved."))
        return redirect(f"/queue?{kept}")
    return redirect("queue")


@require_POST
@needs("bulk")
def bulk_preview(request: HttpRequest) -> HttpResponse:
    """S5: every chosen clue once more, with what makes one of them unlike the others."""
    user = person(request)
    ids = request.POST.getlist("clue")[: handling.MOST_BULK + 1]
    chosen = list(policy.clues(user, "bulk").filter(pk__in=ids).select_related("scenario", "unit", "holder").defer("content"))
    if not chosen or len(ids) > handling.MOST_BULK:
        raise Refusal(422, _("Choose between one and a hundred clues, and one thing to do."), lacks=("clues",))
    usual: dict[str, Any] = {}
    for name in ("scenario_id", "band", "first_reason"):
        values = [getattr(c, name) for c in chosen]
        usual[name] = max(sorted(set(values)), key=values.count)
    rows = [
        {
            "clue": c,
            "unlike": [title for name, title in (("scenario_id", _("other model")), ("band", _("other band")), ("first_reason", _("other first reason"))) if getattr(c, name) != usual[name]],
        }
        for c in chosen
    ]
    content = {
        "place": "queue", "rows": rows, "missing": len(set(ids)) - len(chosen), "colleagues": colleagues(user), "what": request.POST.get("what", ""),
        "units": Unit.objects.order_by("path"), "today": timezone.localdate(),
    }
    return render(request, "review/bulk.html", content)


def colleagues(user: User) -> QuerySet[User]:
    """Those of one's units who may handle clues."""
    return User.objects.filter(is_active=True, grants__role__in=policy.ACTIONS["claim"], grants__unit__in=policy.acting_units(user, "reassign")).distinct().order_by("name")


@require_POST
@needs("bulk")
def bulk_do(request: HttpRequest) -> HttpResponse:
    """Do it to all of them, or to none."""
    act = handling.bulk(actor_of(request, "bulk"), request.POST.getlist("clue"), request.POST.get("what", ""), request.POST.dict())
    messages.success(request, _("%(n)s clues were handled. You can undo this for ten minutes on your desk.") % {"n": len(act.before)})
    return redirect("desk")


@require_POST
@needs("bulk")
def bulk_undo(request: HttpRequest, bulk_id: int) -> HttpResponse:
    """Undo it by acts to the contrary."""
    handling.undo_bulk(actor_of(request, "bulk"), bulk_id)
    messages.success(request, _("It is undone; the log keeps both."))
    return redirect("desk")
