"""LDAP, the extra `ldap`: the directory proves a password; what people may do is granted here. Loaded where a site asks for it."""

from __future__ import annotations

from typing import Any

from django_auth_ldap.backend import LDAPBackend

from jcml.review.models import User


class Backend(LDAPBackend):  # type: ignore[misc]
    """A password that the directory accepts, of a person who is known here and active; nobody is made."""

    def get_or_build_user(self, username: str, ldap_user: Any) -> tuple[User, bool]:
        """The person; raises `User.DoesNotExist`, which Django takes for a refusal."""
        return User.objects.get(username=username, is_active=True), False
