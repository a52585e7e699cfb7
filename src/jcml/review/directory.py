"""LDAP, the extra `ldap`: the directory proves a password; what people may do is granted here. Loaded where a site asks for it."""

from __future__ import annotations

from typing import Any

from django_auth_ldap.backend import LDAPBackend

from jcml.review.models import User


class Backend(LDAPBackend):  # type: ignore[misc]
    """A password that the directory accepts, of a person who is known here and active; nobody is made (`AUTH_LDAP_NO_NEW_USERS`)."""

    def authenticate_ldap_user(self, ldap_user: Any, password: str) -> User | None:
        """The person, or nobody."""
        found = super().authenticate_ldap_user(ldap_user, password)
        return found if isinstance(found, User) and found.is_active else None
