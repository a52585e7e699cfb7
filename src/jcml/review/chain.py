"""A chain of events that shows tampering: each hash covers its event and the hash before.

A chain alone does not show that its end was cut off or written anew; a checkpoint does: the signed number and hash of the last
event, kept outside the database. Nothing here knows Django, so a log can be verified where there is no workbench.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

START = sha256(b"jcml events").hexdigest()


@dataclass(frozen=True)
class Entry:
    """One event.

    Parameters
    ----------
    seq : int
        From 1, without gaps.
    at : str
        ISO instant with offset.
    actor, role, address : str
        Who, in which role, from where.
    what : str
        As `clue.claimed`.
    kind, object : str
        What it was done to, as `clue` and its id.
    unit : str
        Path of the unit that it concerns.
    detail : str
        JSON: old and new values, reasons.

    >>> Entry(1, "2026-01-05T09:00:00+08:00", "li", "R", "", "clue.claimed", "clue", "c1", "11/", "{}").hashed(START)[:8]
    '7a5a5e97'
    """

    seq: int
    at: str
    actor: str
    role: str
    address: str
    what: str
    kind: str
    object: str
    unit: str
    detail: str

    def hashed(self, before: str) -> str:
        """The hash of this event after the one before."""
        content = json.dumps(vars(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return sha256(f"{before}\n{content}".encode()).hexdigest()


@dataclass(frozen=True)
class Flaw:
    """Where a log does not hold, and how.

    >>> Flaw(3, "hash").seq
    3
    """

    seq: int
    how: str


def flaws(entries: Iterable[tuple[Entry, str]], checkpoints: Iterable[tuple[int, str]] = (), start: tuple[int, str] = (0, START)) -> Iterator[Flaw]:
    """Everything that does not hold in a log of events with their stored hashes, in order.

    `checkpoints` are numbers and hashes whose signatures were verified already; `start` is one of them from which the
    entries go on, for a log that is not read from its beginning.

    >>> one = Entry(1, "t", "li", "R", "", "a", "clue", "c1", "", "{}")
    >>> list(flaws([(one, one.hashed(START))], [(1, one.hashed(START))]))
    []
    >>> [flaw.how for flaw in flaws([], [(1, one.hashed(START))])]
    ['cut off']
    """
    known = dict(checkpoints)
    before, expected = start[1], start[0] + 1
    for entry, stored in entries:
        if entry.seq != expected:
            yield Flaw(entry.seq, "number")
        if entry.hashed(before) != stored:
            yield Flaw(entry.seq, "hash")
        if entry.seq in known and known[entry.seq] != stored:
            yield Flaw(entry.seq, "checkpoint")
        before, expected = stored, entry.seq + 1
    for seq in sorted(known):
        if seq >= expected:
            yield Flaw(seq, "cut off")
