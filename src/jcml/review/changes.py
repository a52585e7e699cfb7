"""Changes of users, units, grants and tables: one administrator asks, another one puts them in force, and both stand in the log.

A change that is asked for is tried out at once and taken back, so what could not be done is refused before anybody approves
it. Codes are retired, never renamed; people are deactivated, never deleted.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from jcml.review import handling, policy
from jcml.review.journal import Actor, record, record_alone
from jcml.review.models import (
    ROLES,
    Change,
    Department,
    DueRule,
    Grant,
    ReasonCode,
    Scenario,
    SpecialDay,
    Unit,
    User,
)
from jcml.review.opening import APART
from jcml.review.refusal import Refusal
from jcml.review.verdicts import KINDS

KEPT = ("SA", "SE")  # without them nobody could change anything any more
USERNAME = re.compile(r"[\w.@+-]{2,60}")
CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")
WHAT: dict[str, tuple[str, str]] = {
    "user.add": ("新增用户", "add a user"), "user.password": ("重置初始口令", "set a new initial password"), "user.deactivate": ("停用用户", "deactivate a user"),
    "user.activate": ("启用用户", "activate a user"), "grant.add": ("授予角色", "give a role"), "grant.remove": ("收回角色", "take back a role"),
    "unit.add": ("新增单位", "add a unit"), "unit.title": ("变更单位名称", "change the title of a unit"), "reason.add": ("新增理由代码", "add a reason code"),
    "reason.retire": ("停用理由代码", "retire a reason code"), "due.set": ("设定期限", "set a term"), "day.set": ("设定特殊日", "set a special day"),
    "day.remove": ("取消特殊日", "remove a special day"),
}
FIELDS: dict[str, tuple[str, str]] = {
    "username": ("用户名", "user name"), "name": ("名称", "name"), "role": ("角色", "role"), "unit": ("单位", "unit"), "department": ("部门", "department"),
    "scenario": ("监督模型", "model"), "code": ("代码", "code"), "zh": ("中文名称", "Chinese title"), "en": ("英文名称", "English title"), "parent": ("上级单位", "superior unit"),
    "verdict": ("处理结论", "verdict"), "active_from": ("启用日", "from"), "active_to": ("停用日", "until"), "what": ("事项", "step"), "days": ("天数", "days"),
    "working": ("按工作日", "working days"), "basis": ("依据", "basis"), "day": ("日期", "day"),
}
ALPHABET = ("ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789")


def initial_password() -> str:
    """A password to begin with: four groups of four, no letters that look alike, three kinds of characters.

    >>> len(initial_password())
    19
    """
    drawn = [secrets.choice(kind) for kind in ALPHABET] + [secrets.choice("".join(ALPHABET)) for _n in range(13)]
    secrets.SystemRandom().shuffle(drawn)
    return "-".join("".join(drawn[n : n + 4]) for n in range(0, 16, 4))


def ask(actor: Actor, what: str, form: Mapping[str, str]) -> tuple[Change, str]:
    """Ask for a change; returns it and, for a new user, the initial password, which is kept nowhere in clear."""
    user = _person(actor)
    if what not in WHAT:
        raise Refusal(422, _("There is no such change."), lacks=("what",))
    with transaction.atomic():
        content = READ[what](form)
        _in_scope(user, "administer", what, content)
        content["before"] = _before(what, content)
        if any(_asked(c) == (what, _plain(content)) for c in Change.objects.filter(what=what, approved=None)):
            raise Refusal(409, _("This change has been asked for already and waits for a decision."))
        password = initial_password() if what in ("user.add", "user.password") else ""
        if password:
            content["password"] = make_password(password)
        _try(actor, what, content)
        made = Change.objects.create(what=what, content=content, by=user, at=timezone.now())
        record(actor, "change.asked", "change", made.pk, _unit_of(what, content), change=what, **_plain(content))
    return made, password


def decide(actor: Actor, change_id: int, *, approved: bool, because: str = "") -> Change:
    """Put a change in force, or refuse it with a reason: never one's own, and never one about oneself."""
    user = _person(actor)
    with transaction.atomic():
        change = Change.objects.select_for_update(of=("self",)).filter(pk=change_id).first()
        if change is None:
            raise Refusal(404, _("Not there, or not yours."))
        _in_scope(user, "confirm change", change.what, change.content)
        if change.by_id == user.pk or change.content.get("username") == user.username:
            _note_refusal(actor, change_id)
            raise Refusal(403, _("Another administrator decides: not the one who asked, and not the one whom it is about."))
        if change.approved is not None:
            raise Refusal(409, _("This change has been decided on already."))
        if not approved and not because.strip():
            raise Refusal(422, _("Say why it is refused."), lacks=("because",))
        plain, unit = _plain(change.content), _unit_of(change.what, change.content)
        if approved:
            APPLY[change.what](actor, change.content)
            record(actor, "change.approved", "change", change.pk, unit, change=change.what, asked_by=change.by.username, **plain)
        else:
            change.content["because"] = because.strip()[:200]
            record(actor, "change.refused", "change", change.pk, unit, change=change.what, asked_by=change.by.username, because=because.strip()[:200], **plain)
        change.content.pop("password", None)
        change.approved, change.decided_by, change.decided = approved, user, timezone.now()
        change.save(update_fields=["content", "approved", "decided_by", "decided"])
        return change


def visible(user: User, action: str) -> list[Change]:
    """The changes whose units lie within a person's scope, newest first: all that wait, and the last fifty decided."""
    mine = set(policy.acting_units(user, action).values_list("code", flat=True))
    waiting = Change.objects.filter(approved=None).select_related("by").order_by("-pk")
    decided = Change.objects.exclude(approved=None).select_related("by", "decided_by").order_by("-decided")[:50]
    return [c for c in (*waiting, *decided) if set(concerned(c.what, c.content)) <= mine]


def concerned(what: str, content: Mapping[str, Any]) -> list[str]:
    """Codes of the units that a change is about; none for tables that all units share.

    >>> concerned("unit.add", {"code": "990103", "parent": "9901"}), concerned("day.set", {"day": "2026-10-01"})
    (['9901'], [])
    """
    if what == "unit.add":
        return [content["parent"]]
    if what == "unit.title":
        return [content["code"]]
    if content.get("unit"):
        return [content["unit"]]
    if content.get("username"):
        return list(Grant.objects.filter(user__username=content["username"]).values_list("unit__code", flat=True).distinct())
    return []


def lines(content: Mapping[str, Any]) -> list[tuple[tuple[str, str], Any, Any]]:
    """A change for the page: each field's title, the value before where there was one, and the value asked for.

    >>> lines({"what": "high", "days": 7, "before": {"days": 5}})
    [(('事项', 'step'), None, 'high'), (('天数', 'days'), 5, 7)]
    """
    before = content.get("before") or {}
    told = [name for name in FIELDS if content.get(name) not in (None, "")]
    return [(FIELDS[name], before.get(name) if before.get(name) != content[name] else None, content[name]) for name in told]


def end_sessions(user: User) -> int:
    """End every session of a person, wherever they are logged in; returns how many."""
    mine = [s.pk for s in Session.objects.filter(expire_date__gt=timezone.now()) if s.get_decoded().get("_auth_user_id") == str(user.pk)]
    Session.objects.filter(pk__in=mine).delete()
    return len(mine)


# -- what a form says ---------------------------------------------------------------------------------------------------


def _text(form: Mapping[str, str], name: str, most: int, *, pattern: re.Pattern[str] | None = None) -> str:
    text = form.get(name, "").strip()
    if not text or len(text) > most or (pattern and not pattern.fullmatch(text)):
        raise Refusal(422, _("Something is missing, or not as it must be."), lacks=(name,))
    return text


def _day(form: Mapping[str, str], name: str) -> str:
    try:
        return date.fromisoformat(form.get(name, "")).isoformat()
    except ValueError:
        raise Refusal(422, _("A day is written as 2026-11-26."), lacks=(name,)) from None


def _one_of(form: Mapping[str, str], name: str, there: Any) -> str:
    given = form.get(name, "").strip()
    if given not in there:
        raise Refusal(422, _("Something is missing, or not as it must be."), lacks=(name,))
    return given


def _known(form: Mapping[str, str], name: str, model: Any, field: str = "code", *, optional: bool = False) -> str:
    given = form.get(name, "").strip()
    if (given or not optional) and not model.objects.filter(**{field: given}).exists():
        raise Refusal(422, _("Something is missing, or not as it must be."), lacks=(name,))
    return given


def _read_user(form: Mapping[str, str]) -> dict[str, Any]:
    return {"username": _known(form, "username", User, "username")}


def _read_grant(form: Mapping[str, str]) -> dict[str, Any]:
    return {
        "username": form.get("username", "").strip(), "role": _one_of(form, "role", ROLES), "unit": _known(form, "unit", Unit),
        "department": _known(form, "department", Department, optional=True), "scenario": _known(form, "scenario", Scenario, "name", optional=True),
    }


def _read_new_user(form: Mapping[str, str]) -> dict[str, Any]:
    return {**_read_grant(form), "username": _text(form, "username", 60, pattern=USERNAME), "name": _text(form, "name", 60)}


def _read_reason(form: Mapping[str, str]) -> dict[str, Any]:
    return {
        "code": _text(form, "code", 40, pattern=CODE), "zh": _text(form, "zh", 80), "en": _text(form, "en", 80),
        "verdict": _one_of(form, "verdict", with_codes()), "active_from": _day(form, "active_from"),
    }


def _read_due(form: Mapping[str, str]) -> dict[str, Any]:
    days = form.get("days", "")
    if not days.isdigit() or not 0 < int(days) <= 365:
        raise Refusal(422, _("A term has between 1 and 365 days."), lacks=("days",))
    return {
        "what": _known(form, "rule", DueRule, "what"), "days": int(days), "working": form.get("working") == "yes", "basis": form.get("basis", "").strip()[:200],
    }


def with_codes() -> tuple[str, ...]:
    """The verdicts that ask for a reason code.

    >>> with_codes()
    ('explained',)
    """
    return tuple(code for code, kind in KINDS.items() if "reason_code" in kind.asks)


READ: dict[str, Callable[[Mapping[str, str]], dict[str, Any]]] = {
    "user.add": _read_new_user, "user.password": _read_user, "user.deactivate": _read_user, "user.activate": _read_user,
    "grant.add": lambda form: {**_read_grant(form), **_read_user(form)}, "grant.remove": lambda form: {**_read_grant(form), **_read_user(form)},
    "unit.add": lambda form: {
        "code": _text(form, "code", 32, pattern=re.compile(r"[0-9A-Za-z]+")), "zh": _text(form, "zh", 120), "en": _text(form, "en", 120), "parent": _known(form, "parent", Unit),
    },
    "unit.title": lambda form: {"code": _known(form, "code", Unit), "zh": _text(form, "zh", 120), "en": _text(form, "en", 120)},
    "reason.add": _read_reason, "reason.retire": lambda form: {"code": _known(form, "code", ReasonCode), "active_to": _day(form, "active_to")},
    "due.set": _read_due, "day.set": lambda form: {"day": _day(form, "day"), "working": form.get("working") == "yes", "name": _text(form, "name", 60)},
    "day.remove": lambda form: {"day": _known({"day": _day(form, "day")}, "day", SpecialDay, "day")},
}


# -- what a change does -------------------------------------------------------------------------------------------------


def _add_user(actor: Actor, content: Mapping[str, Any]) -> None:
    if User.objects.filter(username=content["username"]).exists():
        raise Refusal(422, _("There is a user of this name already."), lacks=("username",))
    User.objects.create(username=content["username"], name=content["name"], password=content["password"])
    _give(actor, content)


def _set_password(actor: Actor, content: Mapping[str, Any]) -> None:
    user = _user(content)
    user.password, user.password_set = content["password"], None
    user.save(update_fields=["password", "password_set"])
    end_sessions(user)


def _deactivate(actor: Actor, content: Mapping[str, Any]) -> None:
    user = _user(content)
    if not user.is_active:
        raise Refusal(422, _("This user is not active."), lacks=("username",))
    user.is_active = False
    user.save(update_fields=["is_active"])
    handling.free_held(actor, user, "user.deactivate")
    end_sessions(user)
    _administrators_left()


def _activate(actor: Actor, content: Mapping[str, Any]) -> None:
    user = _user(content)
    if user.is_active:
        raise Refusal(422, _("This user is active."), lacks=("username",))
    user.is_active = True
    user.save(update_fields=["is_active"])


def _give(actor: Actor, content: Mapping[str, Any]) -> None:
    user = _user(content)
    held = set(Grant.objects.filter(user=user).values_list("role", flat=True)) | {content["role"]}
    if held & APART and len(held) > 1:
        raise Refusal(422, _("System, security and audit administrators are three people, and none of them handles clues."), lacks=("role",))
    _grant, new = Grant.objects.get_or_create(user=user, **_terms(content))
    if not new:
        raise Refusal(422, _("This person has this role already."), lacks=("role",))
    end_sessions(user)


def _take_back(actor: Actor, content: Mapping[str, Any]) -> None:
    user = _user(content)
    taken, _rows = Grant.objects.filter(user=user, **_terms(content)).delete()
    if not taken:
        raise Refusal(422, _("This person does not have this role."), lacks=("role",))
    user.__dict__.pop("_grants", None)
    if not policy.may_anywhere(user, "claim"):
        handling.free_held(actor, user, "grant.remove")
    end_sessions(user)
    _administrators_left()


def _add_unit(actor: Actor, content: Mapping[str, Any]) -> None:
    if Unit.objects.filter(code=content["code"]).exists():
        raise Refusal(422, _("There is a unit of this code already."), lacks=("code",))
    Unit.objects.create(code=content["code"], zh=content["zh"], en=content["en"], parent=Unit.objects.get(code=content["parent"]))


def _title_unit(actor: Actor, content: Mapping[str, Any]) -> None:
    Unit.objects.filter(code=content["code"]).update(zh=content["zh"], en=content["en"])


def _add_reason(actor: Actor, content: Mapping[str, Any]) -> None:
    if ReasonCode.objects.filter(code=content["code"]).exists():
        raise Refusal(422, _("There is such a code already; codes are never used twice, not even retired ones."), lacks=("code",))
    ReasonCode.objects.create(**{name: content[name] for name in ("code", "zh", "en", "verdict", "active_from")})


def _retire_reason(actor: Actor, content: Mapping[str, Any]) -> None:
    code = ReasonCode.objects.get(code=content["code"])
    last = date.fromisoformat(content["active_to"])
    if last < max(timezone.localdate() - timedelta(days=1), code.active_from):
        raise Refusal(422, _("A code is retired from today on at the earliest: verdicts that used it stand."), lacks=("active_to",))
    code.active_to = last
    code.save(update_fields=["active_to"])


def _set_due(actor: Actor, content: Mapping[str, Any]) -> None:
    DueRule.objects.filter(what=content["what"]).update(days=content["days"], working=content["working"], basis=content["basis"])


def _set_day(actor: Actor, content: Mapping[str, Any]) -> None:
    SpecialDay.objects.update_or_create(day=content["day"], defaults={"working": content["working"], "name": content["name"]})


def _remove_day(actor: Actor, content: Mapping[str, Any]) -> None:
    if not SpecialDay.objects.filter(day=content["day"]).delete()[0]:
        raise Refusal(422, _("This is no special day."), lacks=("day",))


APPLY: dict[str, Callable[[Actor, Mapping[str, Any]], None]] = {
    "user.add": _add_user, "user.password": _set_password, "user.deactivate": _deactivate, "user.activate": _activate, "grant.add": _give,
    "grant.remove": _take_back, "unit.add": _add_unit, "unit.title": _title_unit, "reason.add": _add_reason, "reason.retire": _retire_reason,
    "due.set": _set_due, "day.set": _set_day, "day.remove": _remove_day,
}


# -- what they share ----------------------------------------------------------------------------------------------------


class _Tried(Exception):
    """Ends a trial."""


def _try(actor: Actor, what: str, content: Mapping[str, Any]) -> None:
    """Carry a change out and take everything back."""
    try:
        with transaction.atomic():
            APPLY[what](actor, content)
            raise _Tried
    except _Tried:
        pass


def _note_refusal(actor: Actor, change_id: int) -> None:
    """Outside the transaction, which is about to be rolled back."""

    def write() -> None:
        record_alone(actor, "act.refused", "change", change_id, None, action="confirm change")

    actor.afterwards.append(write)


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise Refusal(403, _("A person does this, not the system."))
    return actor.user


def _user(content: Mapping[str, Any]) -> User:
    found = User.objects.select_for_update().filter(username=content["username"]).first()
    if found is None:
        raise Refusal(422, _("There is no such user."), lacks=("username",))
    return found


def _terms(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "role": content["role"], "unit": Unit.objects.get(code=content["unit"]), "department_id": content["department"] or None,
        "scenario_id": content["scenario"] or None,
    }


def _administrators_left() -> None:
    for role in KEPT:
        if not Grant.objects.filter(role=role, user__is_active=True).exists():
            raise Refusal(422, _("One system and one security administrator must remain, or nothing could be changed any more."), lacks=("username",))


def _in_scope(user: User, action: str, what: str, content: Mapping[str, Any]) -> None:
    codes = set(concerned(what, content))
    if not policy.may_anywhere(user, action):
        raise Refusal(403, _("Your role does not allow this here."))
    if codes - set(policy.acting_units(user, action).filter(code__in=codes).values_list("code", flat=True)):
        raise Refusal(404, _("Not there, or not yours."))


def _unit_of(what: str, content: Mapping[str, Any]) -> Unit | None:
    codes = concerned(what, content)
    return Unit.objects.filter(code=codes[0]).first() if len(codes) == 1 else None


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the password's digest, and nothing that is empty."""
    return {k: v for k, v in content.items() if k not in ("password", "because") and v not in ("", None, {})}


def _asked(change: Change) -> tuple[str, dict[str, Any]]:
    return change.what, _plain(change.content)


def _before(what: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a change would replace."""
    model, key, names = {
        "unit.title": (Unit, "code", ("zh", "en")), "reason.retire": (ReasonCode, "code", ("active_to",)), "due.set": (DueRule, "what", ("days", "working", "basis")),
        "day.set": (SpecialDay, "day", ("working", "name")), "day.remove": (SpecialDay, "day", ("working", "name")),
    }.get(what, (None, "", ()))
    if model is None:
        return {}
    row = model._default_manager.filter(**{key: content[key]}).values(*names).first() or {}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
