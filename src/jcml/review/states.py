"""The states of a clue and the moves between them; a score never moves one, a person always does.

Kept apart from the web and from the database, because the command line and simulated reviewers follow the same table.
"""

from __future__ import annotations

from dataclasses import dataclass

STATES: dict[str, tuple[str, str]] = {
    "arriving": ("接收中", "arriving"),
    "queued": ("待领取", "to be claimed"),
    "claimed": ("办理中", "in hand"),
    "snoozed": ("已暂缓", "put off"),
    "pending": ("待查", "to be checked"),
    "proposed": ("待复核", "awaiting a second person"),
    "transferring": ("移送中", "being transferred"),
    "closed": ("已办结", "closed"),
    "superseded": ("已被替代", "superseded"),
}
HELD = ("claimed", "snoozed", "pending")
OPEN = ("queued", *HELD, "proposed", "transferring")


@dataclass(frozen=True)
class Move:
    """One move: from which states to which one, and the event that it writes; `to` is empty when the verdict says.

    >>> MOVES["claim"].to
    'claimed'
    """

    name: str
    sources: tuple[str, ...]
    to: str
    event: str


MOVES: dict[str, Move] = {
    move.name: move
    for move in (
        Move("claim", ("queued",), "claimed", "clue.claimed"),
        Move("renew", HELD, "", "lease.renewed"),
        Move("release", HELD, "queued", "lease.released"),
        Move("expire", ("claimed",), "queued", "lease.expired"),
        Move("reassign", ("queued", *HELD), "claimed", "clue.reassigned"),
        Move("snooze", ("claimed", "pending"), "snoozed", "clue.snoozed"),
        Move("wake", ("snoozed",), "claimed", "clue.woken"),
        Move("propose", ("claimed", "snoozed", "pending"), "", "verdict.proposed"),
        Move("withdraw", ("proposed",), "claimed", "verdict.withdrawn"),
        Move("approve", ("proposed",), "", "verdict.approved"),
        Move("return", ("proposed",), "claimed", "verdict.returned"),
        Move("transfer", ("queued", *HELD, "transferring"), "transferring", "clue.transferred"),
        Move("accept", ("transferring",), "queued", "transfer.accepted"),
        Move("refuse", ("transferring",), "queued", "transfer.refused"),
        Move("reopen", ("closed",), "queued", "clue.reopened"),
        Move("supersede", ("queued",), "superseded", "clue.superseded"),
    )
}


def allowed(state: str) -> tuple[str, ...]:
    """Names of the moves that start from a state.

    >>> allowed("closed")
    ('reopen',)
    """
    return tuple(name for name, move in MOVES.items() if state in move.sources)
