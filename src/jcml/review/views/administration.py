"""S13: users, units, roles, reason codes, terms and special days; whoever asks for a change is not the one who approves it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from jcml.review import changes, policy
from jcml.review.guard import actor_of, needs, person
from jcml.review.models import (
    ROLES,
    Department,
    DueRule,
    ReasonCode,
    Scenario,
    SpecialDay,
    User,
)
from jcml.review.verdicts import KINDS


@require_GET
@needs("administration")
def administration(request: HttpRequest) -> HttpResponse:
    """Everything that administrators keep, and the changes that wait."""
    return render(request, "review/administration.html", _content(person(request)))


@require_POST
@needs("administer")
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a change. An initial password is on this one page and nowhere else, so the page is not sent from anywhere again."""
    change, password = changes.ask(actor_of(request, "administer"), request.POST.get("change", ""), request.POST.dict())
    if password:
        return render(request, "review/administration.html", {**_content(person(request)), "password": password, "for_whom": change.content["username"]})
    messages.success(request, _("Asked for; it takes effect when a security administrator approves it."))
    return redirect("administration")


@require_POST
@needs("confirm change")
def decide(request: HttpRequest, change_id: int) -> HttpResponse:
    """Put a change in force, or refuse it."""
    approved = request.POST.get("decision") == "approve"
    changes.decide(actor_of(request, "confirm change"), change_id, approved=approved, because=request.POST.get("because", ""))
    messages.success(request, _("In force now.") if approved else _("Refused."))
    return redirect("administration")


def _content(user: User) -> dict[str, Any]:
    action = "administer" if policy.may_anywhere(user, "administer") else "confirm change"
    units = policy.acting_units(user, action).order_by("path")
    mine = Q(grants__unit__in=units) | Q(grants=None)
    asked: list[dict[str, Any]] = [
        {"change": c, "title": changes.WHAT[c.what], "lines": [(title, _said(old), _said(new)) for title, old, new in changes.lines(c.content)], "mine": user.pk == c.by_id or c.content.get("username") == user.username}
        for c in changes.visible(user, action)
    ]
    return {
        "place": "administration", "asks": action == "administer", "waiting": [c for c in asked if c["change"].approved is None],
        "decided": [c for c in asked if c["change"].approved is not None], "roles": ROLES, "units": units, "kinds": {code: KINDS[code] for code in changes.with_codes()},
        "people": User.objects.filter(mine).distinct().order_by("username").prefetch_related("grants__unit", "grants__department", "grants__scenario"),
        "departments": Department.objects.order_by("code"), "scenarios": Scenario.objects.order_by("name"), "codes": ReasonCode.objects.order_by("code"),
        "rules": DueRule.objects.order_by("what"), "days": SpecialDay.objects.order_by("-day")[:100], "today": timezone.localdate(),
        "all_units": units.select_related("parent"),
    }


def _said(value: Any) -> Any:
    """A value in words."""
    return {True: _("yes"), False: _("no")}[value] if isinstance(value, bool) else value
