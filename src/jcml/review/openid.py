"""OpenID Connect, the extra `oidc`: the office's directory proves who it is; what they may do is granted here. Loaded where a site asks for it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView

from jcml.review.models import User
from jcml.review.views.login import enter


class Backend(OIDCAuthenticationBackend):  # type: ignore[misc]
    """The claim `preferred_username` names a person who is known here and active; nobody is made."""

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        """A name is all that is needed."""
        return bool(claims.get("preferred_username"))

    def filter_users_by_claims(self, claims: dict[str, Any]) -> QuerySet[User]:
        """The person, or nobody."""
        return User.objects.filter(username=claims.get("preferred_username", ""), is_active=True)


class Callback(OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Where the directory sends people back to."""

    def login_success(self) -> HttpResponse:
        """Log in as with a password: last time and place, sessions at once, an event."""
        enter(self.request, self.user)
        response: HttpResponse = super().login_success()
        return response
