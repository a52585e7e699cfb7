"""S0: logging in and out, the language, the password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from jcml.review.guard import person
from jcml.review.journal import Actor, record_alone
from jcml.review.models import User
from jcml.review.sign_on import address_of


class LoginForm(forms.Form):
    """A name and a password."""

    username = forms.CharField(label=gettext_lazy("User name"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}))
    password = forms.CharField(
        label=gettext_lazy("Password"), max_length=256, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}), strip=False
    )


@require_http_methods(["GET", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Ask who it is; say the last time and place after it."""
    if request.user.is_authenticated:
        return redirect("desk")
    form = LoginForm(request.POST or None)
    wrong = False
    if request.method == "POST" and form.is_valid():
        user = authenticate(request, **form.cleaned_data)
        if isinstance(user, User):
            enter(request, user)
            wanted = request.GET.get("next", "")
            return HttpResponseRedirect(wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}) else reverse("desk"))
        record_alone(Actor(None, "", address_of(request)), "login.failed", "user", form.cleaned_data["username"][:60])
        wrong = True
    return render(request, "review/login.html", {"form": form, "wrong": wrong, "oidc": bool(settings.SITE["oidc"])}, status=401 if wrong else 200)


def enter(request: HttpRequest, user: User) -> None:
    """Begin a session: remember the time and place before, end sessions that are too many, write it down."""
    before, before_from = user.last_login, user.seen_from
    login(request, user)
    user.seen_before, user.seen_before_from, user.seen_from = before, before_from, address_of(request)
    user.save(update_fields=["seen_before", "seen_before_from", "seen_from"])
    mine = [s for s in Session.objects.filter(expire_date__gt=timezone.now()) if s.get_decoded().get("_auth_user_id") == str(user.pk)]
    for old in sorted(mine, key=lambda s: s.expire_date)[: -settings.SESSIONS_AT_ONCE + 1 or None]:
        if old.session_key != request.session.session_key and len(mine) >= settings.SESSIONS_AT_ONCE:
            old.delete()
    record_alone(Actor(user, "", address_of(request)), "login.succeeded", "user", user.username)


def locked_out(request: HttpRequest, credentials: dict[str, Any] | None = None, *args: Any, **kwargs: Any) -> HttpResponse:
    """Too many wrong passwords."""
    record_alone(Actor(None, "", address_of(request)), "login.locked", "user", (credentials or {}).get("username", "")[:60])
    message = _("Too many wrong passwords. Wait fifteen minutes, or ask the security administrator.")
    return render(request, "review/refusal.html", {"status": 429, "message": message}, status=429)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    if isinstance(request.user, User):
        record_alone(Actor(request.user, "", address_of(request)), "logout", "user", request.user.username)
    logout(request)
    return redirect("login")


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Switch the language, for a person for good."""
    wanted = request.POST.get("language", "")
    if wanted not in dict(settings.LANGUAGES):
        wanted = settings.LANGUAGE_CODE
    back = request.POST.get("next", "/")
    response = HttpResponseRedirect(back if url_has_allowed_host_and_scheme(back, {request.get_host()}) else "/")
    if isinstance(request.user, User):
        request.user.language = wanted
        request.user.save(update_fields=["language"])
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, wanted, samesite="Lax", httponly=True, secure=settings.SITE["https"])
    return response


@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change one's password; other sessions end."""
    user = person(request)
    form = PasswordChangeForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        user.password_set = timezone.now()
        user.save(update_fields=["password_set"])
        update_session_auth_hash(request, user)
        record_alone(Actor(user, "", address_of(request)), "password.changed", "user", user.username)
        return redirect("desk")
    return render(request, "review/password.html", {"form": form}, status=422 if form.errors else 200)
