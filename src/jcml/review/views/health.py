"""What a probe asks: does the server answer, can it do its work, and what do its counters say. Nothing here names anybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import Error
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from jcml.review import checkpoints
from jcml.review.models import Clue, Head, Run, User, Verdict
from jcml.review.opening import holder_of, migrations_pending
from jcml.review.states import STATES

LOCAL = ("127.0.0.1", "::1")
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded")


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """The server answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers, nothing waits to be migrated, and the log has a fresh checkpoint; 503 for the first two."""
    there, pending, gap = False, -1, False
    try:
        pending = len(migrations_pending())
        there = True
        gap = pending == 0 and checkpoints.overdue() is not None
    except Error:
        pass
    age = None
    if there and not pending and (last := checkpoints.newest()) is not None:
        age = round((timezone.now() - datetime.fromisoformat(last.at)).total_seconds())
    content = {"database": there, "migrations_pending": pending, "checkpoint_age_seconds": age, "checkpoint_overdue": gap}
    return JsonResponse(content, status=200 if there and pending == 0 else 503)


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Counters as Prometheus reads them, for the machine itself and for whoever holds a token."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    local = request.META.get("REMOTE_ADDR") in LOCAL and not any(name in request.headers for name in FORWARDED)
    if not local and (not token or holder_of(token) is None):
        return HttpResponseForbidden("token\n", content_type="text/plain")
    lines = [line for name, help_, rows in counters() for line in (f"# HELP {name} {help_}", f"# TYPE {name} gauge", *rows)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def counters() -> Iterator[tuple[str, str, list[str]]]:
    """Name, meaning and lines of every counter."""
    states = dict(Clue.objects.filter(run__published__isnull=False).values_list("state").annotate(n=Count("pk")))
    yield "jcml_clues", "Clues by state.", [f'jcml_clues{{state="{state}"}} {states.get(state, 0)}' for state in STATES]
    standings = dict(Verdict.objects.values_list("standing").annotate(n=Count("pk")))
    yield "jcml_verdicts", "Verdicts by standing.", [f'jcml_verdicts{{standing="{k}"}} {n}' for k, n in sorted(standings.items())]
    now = timezone.now()
    plain = {
        "jcml_leases": ("Clues that somebody holds now.", Clue.objects.filter(state="claimed", lease_until__gte=now).count()),
        "jcml_clues_late": ("Open clues whose term has passed.", Clue.objects.filter(state__in=["queued", "claimed", "pending"], due_on__lt=timezone.localdate()).count()),
        "jcml_runs_published": ("Runs that are visible.", Run.objects.filter(published__isnull=False).count()),
        "jcml_users_active": ("Accounts that can log in.", User.objects.filter(is_active=True).count()),
        "jcml_events": ("Events in the log.", Head.objects.values_list("seq", flat=True).first() or 0),
    }
    for name, (help_, value) in plain.items():
        yield name, help_, [f"{name} {value}"]
