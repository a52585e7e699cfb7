"""How people prove who they are: password, a gateway before the server, OpenID Connect, LDAP. Grants always come from here."""

from __future__ import annotations

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


def address_of(request: HttpRequest) -> str:
    """Where a request comes from."""
    return str(request.META.get("REMOTE_ADDR", ""))
