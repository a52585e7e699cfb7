"""S1: what waits for me, and one button that takes the next clue."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from jcml.review import handling, policy
from jcml.review.guard import actor_of, needs, person
from jcml.review.models import Bulk, Transfer, Verdict
from jcml.review.states import HELD


@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """Everybody's first page; those who handle no clues are sent to theirs."""
    user = person(request)
    if not policy.may_anywhere(user, "search"):
        for action, place in (("labels", "batches"), ("audit", "audit"), ("administer", "administration"), ("confirm change", "administration")):
            if policy.may_anywhere(user, action):
                return redirect(place)
        return render(request, "review/desk.html", {"place": "desk", "nothing": True})
    today, claimable = timezone.localdate(), policy.clues(user, "claim")
    mine = policy.clues(user, "see").filter(holder=user, state__in=HELD).select_related("scenario").defer("content")
    others = claimable.filter(state="claimed", lease_until__gte=timezone.now()).exclude(holder=user)
    to_decide = policy.clues(user, "decide").filter(state="proposed").exclude(verdicts__in=Verdict.objects.filter(by=user, standing__in=["proposed", "stands"]))
    incoming = Transfer.objects.filter(accepted=None, confirmed_by__isnull=False, target__in=policy.acting_units(user, "answer transfer"))
    return render(
        request,
        "review/desk.html",
        {
            "place": "desk", "to_claim": handling.count_free(claimable), "held_by_others": others[: handling.MOST_COUNTED].count(),
            "snoozed": claimable.filter(state="snoozed")[: handling.MOST_COUNTED].count(), "mine": handling.queue_order(mine)[:20], "mine_count": mine.count(),
            "returned": mine.filter(returned=True), "to_decide": to_decide.order_by("due_on", "id").select_related("scenario").defer("content")[:10], "to_decide_count": to_decide.count(),
            "incoming": incoming.count(), "rose": policy.clues(user, "reopen").filter(rose_since=True, state="closed").select_related("scenario").defer("content")[:10],
            "done_today": Verdict.objects.filter(by=user, at__date=today).exclude(standing__in=["undone", "withdrawn"]).count(), "today": today,
            "bulk": Bulk.objects.filter(by=user, undone=None, at__gte=timezone.now() - handling.BULK_UNDO).order_by("-at").first(),
            "last": mine.filter(~Q(state="snoozed")).order_by("-changed").first(),
        },
    )


@require_POST
@needs("claim")
def take_next(request: HttpRequest) -> HttpResponse:
    """Take the next free clue and open it."""
    from django.contrib import messages

    taken = handling.claim_next(actor_of(request, "claim"))
    if taken is None:
        messages.info(request, _("There is no clue to claim at the moment."))
        return redirect("desk")
    return redirect("clue", taken.pk)
