"""Writing the log: an event is appended in the transaction of the change that it tells of, or neither happens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.utils import timezone

from jcml.review.chain import START, Entry
from jcml.review.models import Event, Head

if TYPE_CHECKING:
    from jcml.review.models import Unit, User

FIELDS = ("seq", "at", "actor", "role", "address", "what", "kind", "object", "unit", "detail")


class Actor:
    """Who acts: a person in a role, from an address; or the system itself. `afterwards` is done when the request has ended."""

    def __init__(self, user: User | None, role: str = "", address: str = "") -> None:
        self.user = user
        self.name = user.username if user else "system"
        self.role = role
        self.address = address
        self.afterwards: list[Callable[[], None]] = []


SYSTEM = Actor(None, "system")


def record(actor: Actor, what: str, kind: str, object_id: object, unit: Unit | None = None, /, **detail: Any) -> Event:
    """Append one event; to be called inside the transaction of the change."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"{what} is recorded in the transaction of its change, and there is none")
    head = Head.objects.select_for_update().first()
    if head is None:
        head = Head.objects.create(seq=0, hash=START)
    entry = Entry(
        head.seq + 1, timezone.now().isoformat(timespec="milliseconds"), actor.name, actor.role, actor.address, what, kind, str(object_id),
        unit.path if unit else "", json.dumps(detail, ensure_ascii=False, sort_keys=True, default=str),
    )
    event = Event(**{name: getattr(entry, name) for name in FIELDS}, hash=entry.hashed(head.hash))
    event.save(force_insert=True)
    head.seq, head.hash = entry.seq, event.hash
    head.save(update_fields=["seq", "hash"])
    return event


def record_alone(actor: Actor, what: str, kind: str, object_id: object, unit: Unit | None = None, /, **detail: Any) -> Event:
    """Append an event that tells of no change: somebody read something, or was refused."""
    with transaction.atomic():
        return record(actor, what, kind, object_id, unit, **detail)


def entries(after: int = 0) -> Iterator[tuple[Entry, str]]:
    """Every event with its stored hash, in order, a few thousand in memory at a time."""
    for row in Event.objects.filter(seq__gt=after).order_by("seq").values_list(*FIELDS, "hash").iterator(chunk_size=5000):
        yield Entry(*row[:-1]), row[-1]
