"""What every request goes through: headers, the person behind it, refusals as pages, and a last resort."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from jcml.errors import JcmlError
from jcml.review import policy
from jcml.review.journal import Actor
from jcml.review.models import User
from jcml.review.refusal import Refusal

Answer = Callable[[HttpRequest], HttpResponse]
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
OPEN_TO_ALL = ("/login", "/static/", "/healthz", "/readyz", "/metrics", "/oidc/", "/language", "/api/")
logger = logging.getLogger("django.jcml")


def actor_of(request: HttpRequest, action: str = "see", clue: Any = None) -> Actor:
    """Who acts in this request, in the role in which they may."""
    known: Actor | None = getattr(request, "actor", None)
    if known is None:
        user = request.user if isinstance(request.user, User) else None
        known = Actor(user, "", request.META.get("REMOTE_ADDR", ""))
        request.actor = known  # type: ignore[attr-defined]
    if known.user is not None:
        known.role = policy.role_for(known.user, action, clue)
    return known


def person(request: HttpRequest) -> User:
    """The person behind a request that has one."""
    assert isinstance(request.user, User)
    return request.user


class LastResort:
    """Whatever goes wrong, the reader sees a page with a number, and the log the rest."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with a page for what nobody caught."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Note an error that is nobody's refusal, and say its number."""
        number = secrets.token_hex(4)
        logger.exception("incident %s at %s", number, request.path)
        if request.path.startswith("/api/"):
            return JsonResponse({"type": "about:blank", "title": "incident", "status": 500, "detail": number}, status=500, content_type="application/problem+json")
        return render(request, "review/refusal.html", {"status": 500, "message": _("Something went wrong; nothing was saved."), "incident": number}, status=500)


class SecurityHeaders:
    """A strict content policy, and no copy of a case page in any cache."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the headers."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class Person:
    """Nobody gets further than the login page without logging in; sessions end after twelve hours, and with a changed grant."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in the person's language."""
        if request.user.is_authenticated:
            begun = request.session.setdefault("begun", time.time())
            if time.time() - begun > settings.SESSION_ABSOLUTE_SECONDS:
                logout(request)
            elif time.time() - request.session.get("seen", 0) > 60:
                request.session["seen"] = time.time()
        user = request.user
        if isinstance(user, AnonymousUser) and not request.path.startswith(OPEN_TO_ALL):
            if request.headers.get("HX-Request"):
                return HttpResponse(status=401, headers={"HX-Redirect": reverse("login")})
            return HttpResponseRedirect(f"{reverse('login')}?next={request.path}" if request.method == "GET" else reverse("login"))
        if isinstance(user, User):
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
            expired = settings.PASSWORD_DAYS and user.password_set and (timezone.now() - user.password_set).days >= settings.PASSWORD_DAYS
            initial = user.password_set is None and user.has_usable_password() and not user.is_demo
            if (expired or initial) and not request.path.startswith(("/password", "/logout", "/language", "/static/")):
                return HttpResponseRedirect(reverse("password"))
        response = self.get_response(request)
        for write in getattr(getattr(request, "actor", None), "afterwards", ()):
            write()
        return response


class Refusals:
    """A refusal becomes a page, a part of one, or JSON; its status is the same in each."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Turn what jcml refuses into an answer; everything else goes on."""
        if isinstance(error, JcmlError):
            error = Refusal(422, error.text("zh" if translation.get_language() != "en" else "en"))
        if not isinstance(error, Refusal):
            return None
        content = {"status": error.status, "message": error.message, "lacks": error.lacks, "differs": error.differs}
        part = request.headers.get("HX-Request") == "true"
        return render(request, "review/refusal_part.html" if part else "review/refusal.html", content, status=error.status)


def needs(action: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Refuse a page to everybody who has no role that may do this anywhere."""
    from functools import wraps

    def around(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not policy.may_anywhere(person(request), action):
                raise Refusal(403, _("Your role does not allow this here."))
            return view(request, *args, **kwargs)

        guarded.action = action  # type: ignore[attr-defined]
        return guarded

    return around


def page(request: HttpRequest) -> dict[str, Any]:
    """What every template knows."""
    english = translation.get_language() == "en"
    known: dict[str, Any] = {"english": english, "site": settings.SITE["name"], "demo": settings.SITE["demo"], "now": timezone.localtime()}
    if isinstance(getattr(request, "user", None), User):
        user = person(request)
        known |= {"may": {a.replace(" ", "_"): policy.may_anywhere(user, a) for a in policy.ACTIONS}, "grants": policy.describe(user)}
    return known
