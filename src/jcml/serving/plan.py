"""How a supervision model is used: `serving/NAME.yaml` as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from jcml.dates import Period


@dataclass(frozen=True)
class Reasons:
    """Which contributions become sentences.

    Parameters
    ----------
    most : int
        At most so many reasons for.
    against : int
        At most so many reasons against; at least one is told if any lowered the score.
    least_contribution : float
        In log-odds; a smaller push is folded into the rest.

    >>> Reasons().most
    5
    """

    most: int = 5
    against: int = 2
    least_contribution: float = 0.05

    def __post_init__(self) -> None:
        if not 1 <= self.most <= 10 or not 1 <= self.against <= 10:
            raise ValueError("most and against lie between 1 and 10")


@dataclass(frozen=True)
class Watch:
    """A signal over time, and what happens when it crosses its bound.

    Parameters
    ----------
    signal : {"score_drift", "feature_drift", "coverage"}
        How far scores (`score_drift`), or the feature that moved most (`feature_drift`), lie from those at training, as
        population stability index; the share of feature values that are known (`coverage`).
    then : {"warn", "stop"}
        Say so, or publish nothing until a person has looked.
    at_least, at_most : float or None
        The bound; a side that is left out has none.

    >>> Watch("score_drift", "warn", at_most=0.2).then
    'warn'
    """

    signal: Literal["score_drift", "feature_drift", "coverage"]
    then: Literal["warn", "stop"]
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a watch has at_least or at_most; without a bound it watches nothing")


@dataclass(frozen=True)
class ServingPlan:
    """Everything `serving/NAME.yaml` says.

    Parameters
    ----------
    every : Period
        How often it is scored; the step between as-of dates.
    capacity : int
        Clues an office can check per run; also the k at which the model is measured.
    audit_share : float
        Share of the capacity that is drawn at random from the rest.
    cool_off : Period or None
        A unit published or reviewed so lately is left out; for events it has no effect, they are scored once.
    unless_rises : float
        A unit published lately comes back all the same when its probability rose by so much.
    reasons : Reasons
        Which contributions become sentences.
    queue : str
        Where in the workbench its clues go.
    evidence_rows : int
        Source rows shown with each reason; the rest can be opened.
    watch : tuple of Watch
        Signals looked at before anything is published.
    seed : int
        Of the random draw; together with model and as-of date it fixes who is drawn.

    >>> from jcml.dates import months
    >>> ServingPlan(every=months(3), capacity=40).audit_share
    0.1
    """

    every: Period
    capacity: int
    audit_share: float = 0.1
    cool_off: Period | None = None
    unless_rises: float = 0.2
    reasons: Reasons = field(default_factory=Reasons)
    evidence_rows: int = 20
    queue: str = ""
    watch: tuple[Watch, ...] = ()
    seed: int = 20250101

    def __post_init__(self) -> None:
        if self.capacity < 1:
            raise ValueError("capacity must be at least 1")
        if not 0 <= self.audit_share < 1:
            raise ValueError("audit_share lies between 0 and 1")
        if self.every.unbounded:
            raise ValueError("every cannot be 'ever'")
        if self.evidence_rows < 0 or self.unless_rises < 0 or self.reasons.least_contribution < 0:
            raise ValueError("evidence_rows, unless_rises and least_contribution cannot be negative")

    @property
    def audits(self) -> int:
        """How many clues of a run are drawn at random; at least one as soon as there is a share."""
        return max(1, round(self.capacity * self.audit_share)) if self.audit_share else 0


