"""Pages that say no."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form is too old, or was not ours."""
    return render(request, "review/refusal.html", {"status": 403, "message": _("This form is too old; go back and load the page again.")}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """One answer for what is not there and what is not yours."""
    return render(request, "review/refusal.html", {"status": 404, "message": _("Not there, or not yours.")}, status=404)
