"""How people prove who they are: password, a gateway before the server, OpenID Connect, LDAP. Grants always come from here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend, RemoteUserBackend
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from jcml.review.models import User


class Hasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane: OWASP's password storage recommendation; Django's 100 MiB let a morning's logins wait."""

    memory_cost, time_cost, parallelism = 19 * 1024, 2, 1


class PasswordBackend(ModelBackend):
    """A name and a password, of people who are active."""


class GatewayBackend(RemoteUserBackend):
    """A gateway before the server has proved who it is, by certificate say; unknown people stay unknown."""

    create_unknown_user = False


class Composition:
    """等保: at least three of capital letters, small letters, digits and other characters."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Refuse a password that is too plain."""
        kinds = (str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum())
        if sum(any(kind(c) for c in password) for kind in kinds) < 3:
            raise ValidationError(self.get_help_text(), code="password_composition")

    def get_help_text(self) -> str:
        """What is asked."""
        return _("Use at least three of capital letters, small letters, digits and other characters.")


def __getattr__(name: str) -> Any:
    """The extras are loaded only where a site has switched them on."""
    if name == "OidcBackend":
        from mozilla_django_oidc.auth import OIDCAuthenticationBackend

        class OidcBackend(OIDCAuthenticationBackend):  # type: ignore[misc]
            """OpenID Connect: the claim `preferred_username` names a person who is known here; nobody is made."""

            def filter_users_by_claims(self, claims: dict[str, Any]) -> Any:
                return User.objects.filter(username=claims.get("preferred_username", ""), is_active=True)

        return OidcBackend
    if name == "LdapBackend":
        from django_auth_ldap.backend import LDAPBackend

        class LdapBackend(LDAPBackend):  # type: ignore[misc]
            """LDAP: the directory proves the password of a person who is known here; nobody is made."""

            def get_or_build_user(self, username: str, ldap_user: Any) -> tuple[User, bool]:
                return User.objects.get(username=username, is_active=True), False

        return LdapBackend
    raise AttributeError(name)


def address_of(request: HttpRequest) -> str:
    """Where a request comes from."""
    return str(request.META.get("REMOTE_ADDR", ""))
