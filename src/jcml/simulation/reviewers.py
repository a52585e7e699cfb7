"""Who is looked at, and what is found: selective, late, and sometimes wrong, as in an office.

A record is reviewed because a rule hit, because much money is at stake, because somebody complained, because a campaign
ran, or because a unit had people free and a habit of looking there. One factor that no table shows, how grave the thing
looks to those who know it, weighs in as well and goes with the truth; so what reviewers found is a biased sample, and
only the records drawn at random (`audit`) tell how biased. The same reviewers can decide on clues that a model gives
them: `decide` takes any candidates with a channel.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Literal, TypeAlias

from jcml.simulation.world import Row

Channel: TypeAlias = Literal["ranked", "rules", "complaint", "campaign", "audit"]
Flaw: TypeAlias = Literal["", "data_error", "identity_mismatch"]


@dataclass(frozen=True)
class Candidate:
    """A record that an office might look at.

    Parameters
    ----------
    unit : str
    as_of : date
        The as-of date that is looked at.
    truth : bool
        Whether it truly needs supervision.
    rule_hits : int
        Published rules that it hit at the time.
    amount : float
        What is at stake, in yuan; 0 when nothing is.
    district : str
        Whose unit would check it.
    severity : float
        How grave it looks to those who know it, about N(0, 1); no table shows it, and it goes with the truth.
    complaint : bool
        Somebody complained.
    lawful : bool
        A lawful explanation stands behind what it looks like.
    flaw : str
        What made a rule hit that should not have: the data, or a mistaken identity; empty for nothing.

    >>> Candidate("S-1", date(2024, 2, 15), True, rule_hits=2).flaw
    ''
    """

    unit: str
    as_of: date
    truth: bool
    rule_hits: int = 0
    amount: float = 0.0
    district: str = ""
    severity: float = 0.0
    complaint: bool = False
    lawful: bool = False
    flaw: Flaw = ""


@dataclass(frozen=True)
class Practice:
    """How an office chooses and decides.

    Parameters
    ----------
    share : float
        Reviewed share of all candidates over the whole time, the audit left out.
    audit : float
        Share of all candidates drawn at random on top.
    rule, amount, complaint, severity, preference : float
        Log-odds added: per rule hit (at most three), per tenfold amount above the middle, for a complaint, per unit of
        severity, per unit of a district's hidden habit (drawn from N(0, 1)).
    campaigns : mapping of as-of date to float
        Log-odds added on a campaign's date.
    capacity : int or None
        The most that one district reviews on one as-of date.
    delay : (int, int, int)
        Days from the as-of date to the decision: least, median, most; log-normal in between.
    noise : float
        Share of decisions that get the truth wrong.
    returned : float
        Share of decisions that say the data cannot tell.

    >>> Practice(share=0.15).audit
    0.03
    """

    share: float = 0.12
    audit: float = 0.03
    rule: float = 1.0
    amount: float = 0.5
    complaint: float = 1.2
    severity: float = 0.8
    preference: float = 0.5
    campaigns: Mapping[date, float] = field(default_factory=dict)
    capacity: int | None = None
    delay: tuple[int, int, int] = (30, 120, 540)
    noise: float = 0.03
    returned: float = 0.04


def select(candidates: Sequence[Candidate], practice: Practice, random: Random) -> list[tuple[Candidate, Channel]]:
    """Whom an office looks at, and why; in the order of the candidates.

    Examples
    --------
    >>> rows = [Candidate(f"S-{i}", date(2024, 2, 15), truth=i < 50, rule_hits=int(i < 100)) for i in range(1000)]
    >>> chosen = select(rows, Practice(share=0.1, audit=0.03), Random(1))
    >>> 90 < len(chosen) < 170, {c for _, c in chosen} == {"rules", "audit"}
    (True, True)
    """
    if not candidates:
        return []
    odds = _log_odds(candidates, practice, random)
    base = _intercept(odds, practice.share)
    room: defaultdict[tuple[str, date], int] = defaultdict(int)
    chosen: list[tuple[Candidate, Channel]] = []
    for candidate, own in zip(candidates, odds, strict=True):
        if random.random() < practice.audit:
            chosen.append((candidate, "audit"))
            continue
        if random.random() >= _logistic(base + own):
            continue
        room[candidate.district, candidate.as_of] += 1
        if practice.capacity is None or room[candidate.district, candidate.as_of] <= practice.capacity:
            chosen.append((candidate, _channel(candidate, practice)))
    return chosen


def _log_odds(candidates: Sequence[Candidate], practice: Practice, random: Random) -> list[float]:
    amounts = sorted(c.amount for c in candidates if c.amount > 0)
    middle = amounts[len(amounts) // 2] if amounts else 1.0
    habits = {d: random.gauss(0, 1) for d in sorted({c.district for c in candidates})}
    return [
        practice.rule * min(c.rule_hits, 3)
        + practice.amount * (max(-2.0, min(2.0, math.log10(c.amount / middle))) if c.amount > 0 else -1.0)
        + practice.complaint * c.complaint
        + practice.severity * c.severity
        + practice.preference * habits[c.district]
        + practice.campaigns.get(c.as_of, 0.0)
        for c in candidates
    ]


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _intercept(odds: Sequence[float], share: float) -> float:
    """The constant with which the mean probability is the wanted share, by bisection."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if sum(_logistic(middle + o) for o in odds) > share * len(odds) else (middle, high)
    return (low + high) / 2


def _channel(candidate: Candidate, practice: Practice) -> Channel:
    if candidate.complaint:
        return "complaint"
    return "rules" if candidate.rule_hits or not practice.campaigns.get(candidate.as_of) else "campaign"


def decide(
    chosen: Iterable[tuple[Candidate, Channel]], practice: Practice, random: Random, *, unit: str, until: date, prefix: str = "V"
) -> list[Row]:
    """Rows of a verdict table for chosen candidates; those decided after `until` are not there yet.

    Parameters
    ----------
    unit : str
        The contract's unit column (`station`).
    until : date
        The last day that is known.
    prefix : str
        What decision numbers begin with.

    Examples
    --------
    >>> row = decide([(Candidate("S-1", date(2024, 2, 15), True), "audit")], Practice(noise=0, returned=0), Random(1),
    ...              unit="station", until=date(2025, 12, 31))[0]
    >>> row["station"], row["outcome"], row["channel"]
    ('S-1', 'confirmed', 'audit')
    """
    rows: list[Row] = []
    for number, (candidate, channel) in enumerate(chosen, 1):
        decided = candidate.as_of + timedelta(days=_delay(practice, random))
        outcome, reason = _finding(candidate, practice, random)
        received = decided + timedelta(days=random.randint(0, 5))
        if received <= until:
            rows.append({
                "verdict_no": f"{prefix}{candidate.as_of:%Y%m}-{number:06d}", unit: candidate.unit,
                "reviewed_as_of": candidate.as_of, "channel": channel, "outcome": outcome, "reason": reason,
                "decided_on": decided, "received_on": received,
            })
    return rows


def _delay(practice: Practice, random: Random) -> int:
    least, median, most = practice.delay
    return max(least, min(most, round(random.lognormvariate(math.log(median), 0.55))))


def _finding(candidate: Candidate, practice: Practice, random: Random) -> tuple[str, str | None]:
    if candidate.flaw and not candidate.truth:
        return candidate.flaw, candidate.flaw
    if random.random() < practice.returned:
        return "returned", "insufficient_evidence"
    if candidate.truth != (random.random() < practice.noise):
        return "confirmed", None
    if candidate.lawful and not candidate.truth:
        return "not_confirmed", "lawful_explanation"
    others = ("insufficient_evidence", "below_threshold", "already_handled", "lawful_explanation", "time_barred")
    return "not_confirmed", random.choices(others, weights=(4, 3, 1, 1, 1))[0]


def review(
    candidates: Sequence[Candidate], practice: Practice, random: Random, *, unit: str, until: date, prefix: str = "V"
) -> list[Row]:
    """`select`, then `decide`: the verdict table of an office.

    >>> rows = [Candidate(f"S-{i}", date(2024, 2, 15), truth=i < 50) for i in range(1000)]
    >>> found = review(rows, Practice(), Random(1), unit="station", until=date(2025, 12, 31))
    >>> all(r["reviewed_as_of"] < r["decided_on"] <= r["received_on"] for r in found)
    True
    """
    return decide(select(candidates, practice, random), practice, random, unit=unit, until=until, prefix=prefix)
