"""From contributions to the reasons that a person reads.

Features of one group say the same thing, so their contributions are added up and told together. The largest
groups become reasons for (they raise the score) and against (they lower it); everything else is folded into one
number. Base value, reasons and rest add up to the margin; that is checked for every clue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jcml.errors import JcmlError

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Push:
    """A group of features with its common push on the score.

    Parameters
    ----------
    contribution : float
        In log-odds.
    members : tuple of (feature index, contribution)
        Largest push in the group's direction first.

    >>> Push(0.5, ((0, 0.5),)).members[0]
    (0, 0.5)
    """

    contribution: float
    members: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Explanation:
    """What moved one score.

    `base + sum of reasons_for + sum of reasons_against + rest` is the margin.

    >>> Explanation(0.0, 1.0, (), (), 1.0).margin
    1.0
    """

    base: float
    margin: float
    reasons_for: tuple[Push, ...]
    reasons_against: tuple[Push, ...]
    rest: float


def explain(
    contributions: NDArray[np.float64],
    margin: float,
    groups: Sequence[str],
    *,
    most: int,
    against: int,
    least: float,
) -> Explanation:
    """The reasons behind one margin.

    Parameters
    ----------
    contributions : (k + 1,)
        Exact SHAP values in log-odds, the base value last.
    margin : float
    groups : sequence of str
        The group of each of the k features; an empty text stands for itself.
    most, against : int
        At most so many reasons for and against. One reason for is told even when all are small, and one against if
        anything lowered the score.
    least : float
        Smaller pushes are folded.

    Raises
    ------
    JcmlError
        JC6002, if the contributions do not add up to the margin within 1e-9.

    Examples
    --------
    >>> e = explain(np.array([0.5, 0.3, -0.2, 0.01, -1.0]), -0.39, ["a", "a", "", ""], most=5, against=1, least=0.05)
    >>> [round(p.contribution, 2) for p in e.reasons_for], [round(p.contribution, 2) for p in e.reasons_against]
    ([0.8], [-0.2])
    >>> round(e.rest, 2)
    0.01
    """
    if abs(float(contributions.sum()) - margin) > TOLERANCE * max(1.0, abs(margin)):
        raise JcmlError("JC6002", total=float(contributions.sum()), margin=margin)
    pushes = _grouped(contributions[:-1], groups)
    up = sorted((p for p in pushes if p.contribution > 0), key=_strength)
    down = sorted((p for p in pushes if p.contribution < 0), key=_strength)
    chosen_up = [p for i, p in enumerate(up[:most]) if i == 0 or p.contribution >= least]
    chosen_down = [p for i, p in enumerate(down[:against]) if i == 0 or -p.contribution >= least]
    base = float(contributions[-1])
    told = base
    for push in (*chosen_up, *chosen_down):
        told += push.contribution
    return Explanation(base, margin, tuple(chosen_up), tuple(chosen_down), margin - told)


def _strength(push: Push) -> tuple[float, int]:
    return -abs(push.contribution), push.members[0][0]


def _grouped(contributions: NDArray[np.float64], groups: Sequence[str]) -> list[Push]:
    gathered: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        gathered.setdefault(group or f"\x00{index}", []).append(index)
    pushes = []
    for members in gathered.values():
        total = float(sum(contributions[i] for i in members))
        sign = 1 if total >= 0 else -1
        ordered = sorted(members, key=lambda i: (-sign * contributions[i], i))
        pushes.append(Push(total, tuple((i, float(contributions[i])) for i in ordered)))
    return pushes


@dataclass(frozen=True)
class Comparison:
    """A value among those of its peers: how many, their median, and the share that lies below.

    >>> Comparison("海州区", 40, 1.02, 0.983).peers
    40
    """

    group: str
    peers: int
    median: float
    below: float

    def zh(self, spec: str, shown: Mapping[str, str]) -> str:
        """In Chinese; `spec` formats the median, `shown` translates the group."""
        name = shown.get(self.group, self.group)
        among = f"同类（{name}）" if name else "全部对象"
        return f"{among} {self.peers:,} 个中位数 {_format(self.median, spec)}，高于其中 {self.below:.1%}"

    def en(self, spec: str, shown: Mapping[str, str]) -> str:
        """In English."""
        name = shown.get(self.group, self.group)
        among = f"peers ({name})" if name else "all units"
        spec = "money_en" if spec == "money" else spec
        return f"median of {self.peers:,} {among}: {_format(self.median, spec)}; higher than {self.below:.1%} of them"


def _format(value: float, spec: str) -> str:
    from jcml.features.wording import Number

    return format(Number(value), spec)
