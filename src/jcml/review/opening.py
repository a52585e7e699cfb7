"""Opening a workbench: its first units, people and tokens. Afterwards administrators change them, two for each change."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256

from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from jcml.errors import NotPermitted, UsageError, nearest
from jcml.review.journal import Actor, record
from jcml.review.models import ROLES, Grant, ServiceToken, Unit, User

APART = frozenset({"SA", "SE", "AU"})
"""三员分立: whoever is one of these is nothing else."""


def migrations_pending() -> list[str]:
    """Names of the steps that the database has not made yet."""
    executor = MigrationExecutor(connection)
    return [f"{step.app_label}.{step.name}" for step, _back in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def known_unit(code: str) -> Unit:
    """A unit by its code.

    Raises
    ------
    UsageError
        JC7008, with the nearest code.
    """
    found = Unit.objects.filter(code=code).first()
    if found is None:
        raise UsageError("JC7008", unit=code, nearest=nearest(code, Unit.objects.values_list("code", flat=True)))
    return found


def known_user(username: str) -> User:
    """A person, or a program's account, by user name.

    Raises
    ------
    UsageError
        JC7009, with the nearest name.
    """
    found = User.objects.filter(username=username).first()
    if found is None:
        raise UsageError("JC7009", user=username, nearest=nearest(username, User.objects.values_list("username", flat=True)))
    return found


def open_unit(actor: Actor, code: str, zh: str, en: str, parent: Unit | None = None) -> tuple[Unit, bool]:
    """A unit under its parent, and whether it is new; the same unit again changes nothing.

    Raises
    ------
    UsageError
        JC7010, if there is one of this code under another parent, or the code cannot stand in a path.
    """
    with transaction.atomic():
        there = Unit.objects.filter(code=code).first()
        if there is not None and there.parent_id == (parent.pk if parent else None):
            return there, False
        if there is not None or not code.isalnum() or len(code) > 32:
            raise UsageError("JC7010", unit=code)
        made = Unit.objects.create(code=code, zh=zh, en=en, parent=parent)
        record(actor, "unit.opened", "unit", code, made, zh=zh, en=en, parent=parent.code if parent else "")
        return made, True


def open_user(
    actor: Actor, username: str, name: str, roles: Iterable[str], unit: Unit, *, password: str = "", demo: bool = False
) -> tuple[User, str]:
    """A person with roles in a unit, and the password, which is made where none is given; of somebody who is there, only roles are added.

    A person's own first log-in asks for another password. The password comes back empty for somebody who was there.

    Raises
    ------
    UsageError
        JC7011, if there is no such role.
    NotPermitted
        JC7012, if a system, security or audit administrator would be anything else too.
    """
    wanted = list(dict.fromkeys(roles))
    for role in wanted:
        if role not in ROLES:
            raise UsageError("JC7011", role=role, allowed=", ".join(ROLES))
    with transaction.atomic():
        user = User.objects.filter(username=username).first()
        held = set(Grant.objects.filter(user=user).values_list("role", flat=True)) if user else set()
        both = held | set(wanted)
        if both & APART and len(both) > 1:
            raise NotPermitted("JC7012", user=username, roles=", ".join(sorted(both)))
        given = ""
        if user is None:
            given = password or secrets.token_urlsafe(12)
            user = User.objects.create_user(username, given, name=name or username, is_demo=demo)
            record(actor, "user.opened", "user", username, unit, name=user.name)
        for role in wanted:
            _, new = Grant.objects.get_or_create(user=user, role=role, unit=unit, department=None, scenario=None)
            if new:
                record(actor, "grant.given", "user", username, unit, role=role, unit=unit.code)
        return user, given


def issue_token(actor: Actor, user: User, days: int) -> str:
    """A token with which a program acts as this user; it is shown once, only its digest is kept."""
    token = f"jcml_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        expires = timezone.now() + timedelta(days=days)
        made = ServiceToken.objects.create(user=user, digest=digest_of(token), expires=expires)
        record(actor, "token.issued", "user", user.username, None, token=made.pk, expires=expires)
    return token


def holder_of(token: str) -> User | None:
    """The active user behind a token that has not run out."""
    found = ServiceToken.objects.filter(digest=digest_of(token), expires__gt=timezone.now(), user__is_active=True).select_related("user").first()
    return found.user if found else None


def digest_of(token: str) -> str:
    """What is kept of a token.

    >>> digest_of("jcml_a")[:8]
    'daee2a56'
    """
    return sha256(token.encode("utf-8", "replace")).hexdigest()
