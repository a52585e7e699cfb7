"""A workbench to try: invented units and people over synthetic clues, marked as a demonstration on every page.

Passwords are drawn for each home and kept beside its database, readable by their owner alone, so that a second run tells the
same ones. Nothing here is for a workbench with real clues: its `review.toml` says `demo = true`, and without it this refuses.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from jcml.errors import NotPermitted, Place
from jcml.review.journal import SYSTEM, record
from jcml.review.models import Unit, User
from jcml.review.opening import holder_of, issue_token, known_unit, open_unit, open_user

UNITS = (
    ("99", "示例省院", "Example province", ""), ("9901", "示例市院", "Example city", "99"),
    ("990101", "甲区院", "First district", "9901"), ("990102", "乙区院", "Second district", "9901"),
)
HANDLES = "990101"
"""The unit that gets the clues."""
PEOPLE = (
    ("jia", "甲检察官", "R", HANDLES), ("yi", "乙检察官", "R", HANDLES), ("fuhe", "复核人", "C", HANDLES), ("fenguan", "分管领导", "L", HANDLES),
    ("anguan", "案管", "M", HANDLES), ("shuju", "数据人员", "D", "9901"), ("xitong", "系统管理员", "SA", "99"), ("anquan", "安全管理员", "SE", "99"),
    ("shenji", "审计员", "AU", "99"), ("anguan2", "乙区案管", "M", "990102"), ("bing", "丙检察官", "R", "990102"),
)
BATCH = ("piliang", "批处理", "B", HANDLES)
TOKEN_DAYS = 30


@dataclass(frozen=True)
class Account:
    """Somebody to log in as; a program has a token in place of a password."""

    username: str
    name: str
    role: str
    unit: str
    secret: str


def only_here(home: Path) -> None:
    """Refuse to touch a workbench that is not marked as a demonstration.

    Raises
    ------
    NotPermitted
        JC7017.
    """
    if not settings.SITE["demo"]:
        raise NotPermitted("JC7017", Place(home / "review.toml"))


def people(home: Path) -> list[Account]:
    """The demonstration's units and accounts, made where they are missing; the same home always tells the same passwords.

    Raises
    ------
    NotPermitted
        JC7017, if the workbench is not marked as a demonstration.
    """
    only_here(home)
    for code, zh, en, above in UNITS:
        open_unit(SYSTEM, code, zh, en, known_unit(above) if above else None)
    path = home / "demo-accounts.json"
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    made = []
    for username, name, role, unit in (*PEOPLE, BATCH):
        user, password = open_user(SYSTEM, username, name, [role], known_unit(unit), demo=True)
        if role == BATCH[2]:
            if holder_of(kept.get(username, "")) != user:
                kept[username] = issue_token(SYSTEM, user, TOKEN_DAYS)
        elif password:
            kept[username] = password
        elif username not in kept or not user.check_password(kept[username]):
            kept[username] = _again(user)
        made.append(Account(username, name, role, Unit.objects.get(code=unit).zh, kept[username]))
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        json.dump(kept, stream, indent=1)
    return made


def _again(user: User) -> str:
    """A new password for a demonstration account whose own was changed or lost."""
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    with transaction.atomic():
        user.save(update_fields=["password"])
        record(SYSTEM, "password.changed", "user", user.username)
    return password
