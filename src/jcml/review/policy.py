"""Who may see and do what: default deny, scope by unit tree, department and scenario. The only place that decides it.

A grant gives a role in a unit. Its holder acts in that unit alone and reads what lies below it; units beside it do not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from jcml.review.models import (
    Approval,
    Clue,
    Event,
    FirstView,
    Grant,
    Link,
    ReasonFeedback,
    Run,
    Transfer,
    Unit,
    Unmasking,
    Verdict,
)
from jcml.review.states import HELD

if TYPE_CHECKING:
    from jcml.review.models import User

READERS = ("R", "C", "L", "M", "D")
DETAILS = ("R", "C", "L", "D")
ACTIONS: dict[str, tuple[str, ...]] = {
    "see": READERS,
    "details": DETAILS,
    "unmask": ("R", "C", "L"),
    "claim": ("R", "C"),
    "propose": ("R", "C"),
    "decide": ("C", "L"),
    "reopen": ("C", "L"),
    "mark subject": ("R", "C", "L"),
    "reassign": ("C", "L", "M"),
    "transfer": ("C", "L", "M"),
    "confirm transfer": ("M",),
    "answer transfer": ("M",),
    "bulk": ("R", "C", "L", "M"),
    "export": ("R", "C", "L"),
    "ledger": ("C", "L", "M"),
    "statistics": ("R", "C", "L", "M", "D"),
    "batches": ("C", "L", "M", "D", "B"),
    "labels": ("D", "B"),
    "publish": ("B",),
    "models": ("R", "C", "L", "M", "D"),
    "administration": ("SA", "SE"),
    "administer": ("SA",),
    "confirm change": ("SE",),
    "audit": ("AU",),
    "search": ("R", "C", "L", "M"),
}
ACT_BELOW = ("see", "details", "statistics", "batches", "labels", "audit", "search", "models", "administration", "administer", "confirm change")


def grants(user: User) -> list[Grant]:
    """What a person was granted, read once per request."""
    if not hasattr(user, "_grants"):
        user._grants = list(Grant.objects.filter(user=user).select_related("unit"))  # type: ignore[attr-defined]
    found: list[Grant] = user._grants  # type: ignore[attr-defined]
    return found


def roles(user: User) -> set[str]:
    """The roles that a person has anywhere."""
    return {grant.role for grant in grants(user)}


def may_anywhere(user: User, action: str) -> bool:
    """Whether a person has a role that may do it at all; a page that nobody of one's role may see is refused at the door."""
    return user.is_active and bool(roles(user) & set(ACTIONS[action]))


def clues(user: User, action: str = "see") -> QuerySet[Clue]:
    """The clues on which a person may do something; those of a run that is still arriving are not there yet."""
    return Clue.objects.filter(_within(user, action, "department")).exclude(state="arriving")


def links(user: User, action: str) -> QuerySet[Link]:
    """What several clues name, of the clues on which a person may do something; asked along the index of what is named."""
    return Link.objects.filter(_within(user, action, "clue__department", "clue__unit", "clue__scenario"), common=True).exclude(clue__state="arriving")


def exportable(user: User) -> QuerySet[Clue]:
    """The clues that a person may take out of the workbench: a prosecutor those held or decided, a checker the department's, a leader the unit's."""
    own = Q(holder=user, state__in=HELD) | Q(pk__in=Verdict.objects.filter(by=user).values("clue_id"))
    all_of = [grant for grant in grants(user) if grant.role in ("C", "L")]
    return Clue.objects.filter(_within(user, "export", "department") & own | _where(all_of, "export", "department")).exclude(state="arriving")


def transfers(user: User, action: str) -> QuerySet[Transfer]:
    """The transfers that leave a person's units, and those that case management has sent on to them."""
    sent = _within(user, action, "clue__department", "source", "clue__scenario")
    coming = _within(user, action, "clue__department", "target", "clue__scenario") & Q(confirmed_by__isnull=False)
    return Transfer.objects.filter(sent | coming)


def runs(user: User, action: str) -> QuerySet[Run]:
    """The runs of the engine whose clues are in a person's scope; also those that are not published yet."""
    return Run.objects.filter(_within(user, action, "scenario__department"))


def events(user: User) -> QuerySet[Event]:
    """The events that a person may read: those of the units below their grant, and those of no unit."""
    where = Q(pk__in=[])
    for grant in grants(user):
        if grant.role in ACTIONS["audit"]:
            where |= Q(unit="") | Q(unit__startswith=grant.unit.path)
    return Event.objects.filter(where)


def units(user: User, action: str) -> Q:
    """A condition on `Unit` rows: those in which a person may do something."""
    where = Q(pk__in=[])
    for grant in grants(user):
        if grant.role in ACTIONS[action]:
            where |= Q(path__startswith=grant.unit.path) if action in ACT_BELOW else Q(path=grant.unit.path)
    return where


def _within(user: User, action: str, department: str, unit: str = "unit", scenario: str = "scenario") -> Q:
    """A condition on rows; the names are the ways from them to a department, a unit and a scenario."""
    return _where(grants(user), action, department, unit, scenario)


def _where(held: Iterable[Grant], action: str, department: str, unit: str = "unit", scenario: str = "scenario") -> Q:
    where = Q(pk__in=[])
    for grant in held:
        if grant.role not in ACTIONS[action]:
            continue
        one = Q(**{f"{unit}__in": _below(grant)}) if action in ACT_BELOW else Q(**{unit: grant.unit_id})
        if grant.department_id:
            one &= Q(**{department: grant.department_id})
        if grant.scenario_id:
            one &= Q(**{scenario: grant.scenario_id})
        where |= one
    return where


def _below(grant: Grant) -> list[int]:
    """The units of a grant, itself first; read once per request, as numbers, so that indexes are used."""
    if not hasattr(grant, "_below"):
        grant._below = list(Unit.objects.filter(path__startswith=grant.unit.path).values_list("pk", flat=True))  # type: ignore[attr-defined]
    found: list[int] = grant._below  # type: ignore[attr-defined]
    return found


def covers(user: User, action: str, clue: Clue) -> bool:
    """Whether a person's role and scope allow an action on a clue; its state may still forbid it."""
    return any(
        grant.role in ACTIONS[action]
        and (clue.unit.path.startswith(grant.unit.path) if action in ACT_BELOW else grant.unit_id == clue.unit_id)
        and grant.department_id in (None, clue.department_id)
        and grant.scenario_id in (None, clue.scenario_id)
        for grant in grants(user)
    )


def role_for(user: User, action: str, clue: Clue | None = None) -> str:
    """The role in which a person does something, for the log; empty when there is none."""
    for grant in grants(user):
        if grant.role in ACTIONS[action] and (clue is None or clue.unit.path.startswith(grant.unit.path)):
            return grant.role
    return ""


def may(user: User, action: str, clue: Clue) -> bool:
    """Whether a person may do something to a clue as it stands: role, scope, and who handled it before."""
    if not user.is_active or not covers(user, action, clue):
        return False
    holds = clue.holder_id == user.pk and clue.state in HELD
    if action == "propose":
        return holds
    if action == "decide":
        return clue.state == "proposed" and not _took_part(user, clue)
    if action == "unmask":
        held = {grant.role for grant in grants(user) if grant.unit_id == clue.unit_id}
        return "L" in held or holds or ("C" in held and clue.state == "proposed" and not _took_part(user, clue))
    if action == "export":
        return exportable(user).filter(pk=clue.pk).exists()
    return True


def _took_part(user: User, clue: Clue) -> bool:
    """Whether a person said a verdict on this clue that still counts, or approved one before; a return does not bar."""
    return (
        Verdict.objects.filter(clue=clue, by=user, standing__in=["proposed", "stands"]).exists()
        or Approval.objects.filter(verdict__clue=clue, by=user, approved=True).exists()
    )


def unmasked_until(user: User, clue: Clue) -> datetime | None:
    """Until when a person may read a clue unmasked; None when they may not, or have not asked."""
    found = Unmasking.objects.filter(user=user, clue=clue, until__gt=timezone.now()).order_by("-until").first()
    return found.until if found and may(user, "unmask", clue) else None


def sees_model_reference(user: User, clue: Clue) -> bool:
    """Whether band and score are shown: on a blind sample only after the person has given a first opinion."""
    return not clue.blind or Verdict.objects.filter(clue=clue, by=user).exists() or ReasonFeedback.objects.filter(clue=clue, by=user).exists() or roles(user) <= {"D", "M", "L"}


def hides_verdicts(user: User, clue: Clue) -> bool:
    """Whether a person decides on a blind sample and has not said yet what they think; until then no verdict is shown."""
    return clue.blind and may(user, "decide", clue) and not FirstView.objects.filter(clue=clue, user=user).exclude(opinion="").exists()


def acting_units(user: User, action: str) -> QuerySet[Unit, Unit]:
    """The units in which a person may do something."""
    return Unit.objects.filter(units(user, action))


def describe(user: User) -> list[dict[str, Any]]:
    """A person's grants in words for the page."""
    from jcml.review.models import ROLES

    return [{"role": ROLES[grant.role], "unit": grant.unit, "department": grant.department, "scenario": grant.scenario_id} for grant in grants(user)]
