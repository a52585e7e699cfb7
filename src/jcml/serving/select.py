"""Which units become clues, and why each of the others did not: the selection log.

Most of the capacity goes to the highest margins. The audit share is drawn at random from the rest, with the chance
of every unit stored at that moment, because it cannot be reconstructed later: unbiased hit rates rest on it.
Nothing depends on the order of rows: equal margins are told apart by a hash of the unit, and the random draw is
the smallest of hashes that the plan's seed and the as-of date fix.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Key = tuple[str, ...]
Decision = Literal["ranked", "audit", "not_selected", "reviewed_lately", "published_lately"]


@dataclass(frozen=True)
class Scored:
    """One unit with its score.

    >>> Scored(("S-1",), 0.5, 0.6).margin
    0.5
    """

    unit: Key
    margin: float
    probability: float


@dataclass(frozen=True)
class Selected:
    """A unit that becomes a clue.

    `chance` is 1 for a ranked unit, and the chance of the draw for an audited one.

    >>> Selected(Scored(("S-1",), 0.5, 0.6), "ranked", 1, 1.0).rank
    1
    """

    scored: Scored
    by: Literal["ranked", "audit"]
    rank: int
    chance: float


@dataclass(frozen=True)
class Selection:
    """The outcome of a selection: the clues in order, and what happened to everybody.

    Parameters
    ----------
    chosen : tuple of Selected
        Ranked ones first, then audited ones in the order of their margins.
    left_out : mapping of unit to decision
        Units kept off the list by cool-off.
    eligible : int
        Units the audit was drawn from.
    chance : float
        The chance of each of them.

    >>> Selection((), {}, 0, 0.0).chosen
    ()
    """

    chosen: tuple[Selected, ...]
    left_out: Mapping[Key, Decision]
    eligible: int
    chance: float

    def decision(self, unit: Key, chosen: Mapping[Key, Selected]) -> tuple[Decision, float]:
        """What happened to a unit, and with which chance it could have been selected."""
        if unit in chosen:
            return chosen[unit].by, chosen[unit].chance
        if unit in self.left_out:
            return self.left_out[unit], 0.0
        return "not_selected", self.chance


def draw(unit: Key, seed: str) -> float:
    """A number in [0, 1) that seed and unit fix.

    >>> draw(("a",), "x") == draw(("a",), "x")
    True
    """
    return int.from_bytes(hashlib.sha256(f"{seed}\x00{chr(31).join(unit)}".encode()).digest()[:8], "big") / 2**64


@dataclass(frozen=True)
class Shortlist:
    """Of some units, all that can possibly be selected, and how many were looked at; lists of parts make one of the whole.

    >>> Shortlist((Scored(("S-1",), 0.5, 0.6),), 40).total
    40
    """

    units: tuple[Scored, ...]
    total: int


def shortlist(units: Iterable[Scored], *, places: int, audits: int, seed: str, left_out: Mapping[Key, Decision]) -> Shortlist:
    """The highest margins, and the winners of the lottery: enough of them to do without those that are ranked.

    Parameters
    ----------
    units : iterable of Scored
        Read once; memory does not grow with their number.
    places, audits : int
        How many come by margin and how many at random.
    left_out : mapping of unit to decision
        Units that must not come on the list now.

    Examples
    --------
    >>> units = [Scored((str(i),), float(i), 0.5) for i in range(100)]
    >>> short = shortlist(units, places=3, audits=2, seed="s", left_out={})
    >>> short.total, len(short.units) <= 3 + 5
    (100, True)
    """
    top: list[tuple[float, float, Key, Scored]] = []
    lottery: list[tuple[float, Key, Scored]] = []
    total = 0
    for scored in units:
        if scored.unit in left_out:
            continue
        total += 1
        if len(top) < places:
            heapq.heappush(top, (scored.margin, -draw(scored.unit, "tie"), scored.unit, scored))
        elif places and scored.margin >= top[0][0]:
            heapq.heappushpop(top, (scored.margin, -draw(scored.unit, "tie"), scored.unit, scored))
        ticket = (-draw(scored.unit, seed), scored.unit, scored)  # the winners are the smallest draws
        if len(lottery) < places + audits:
            heapq.heappush(lottery, ticket)
        elif lottery and ticket[0] > lottery[0][0]:
            heapq.heapreplace(lottery, ticket)
    return Shortlist(tuple({s.unit: s for s in (*(t[-1] for t in top), *(t[-1] for t in lottery))}.values()), total)


def select(short: Shortlist, *, places: int, audits: int, seed: str, left_out: Mapping[Key, Decision]) -> Selection:
    """Fill the capacity: `places` by margin, `audits` at random from those not ranked.

    Parameters
    ----------
    short : Shortlist
        Of all units, made with the same numbers and the same seed.

    Examples
    --------
    >>> units = [Scored((str(i),), float(i), 0.5) for i in range(100)]
    >>> how = dict(places=3, audits=2, seed="s", left_out={})
    >>> chosen = select(shortlist(units, **how), **how)
    >>> [s.scored.unit[0] for s in chosen.chosen[:3]], chosen.eligible, round(chosen.chance, 4)
    (['99', '98', '97'], 97, 0.0206)
    """
    ranked = sorted(short.units, key=lambda s: (-s.margin, draw(s.unit, "tie"), s.unit))[:places]
    taken = {s.unit for s in ranked}
    eligible = short.total - len(ranked)
    drawn = sorted((s for s in short.units if s.unit not in taken), key=lambda s: (draw(s.unit, seed), s.unit))[:audits]
    chance = len(drawn) / eligible if eligible else 0.0
    chosen = [Selected(s, "ranked", i, 1.0) for i, s in enumerate(ranked, 1)]
    drawn.sort(key=lambda s: (-s.margin, draw(s.unit, "tie")))
    chosen += [Selected(s, "audit", 0, chance) for s in drawn]
    return Selection(tuple(chosen), dict(left_out), eligible, chance)
