"""Gates (准入门槛): what a trained model must show before a person may promote it, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jcml.errors import ConfigurationError, nearest
from jcml.training.evaluate import METRICS
from jcml.training.plan import Gate


@dataclass(frozen=True)
class GateResult:
    """A gate, what was measured, and whether it was kept.

    >>> check_gates([Gate("auc", "random is 0.5", at_least=0.6)], {"auc": [0.7, 0.65, 0.75]})[0].kept
    True
    """

    gate: Gate
    measured: tuple[float | None, float | None, float | None]
    kept: bool

    @property
    def says(self) -> str:
        """The result in one line, language-neutral: what was measured against what was asked."""
        value, low, high = (("–" if m is None else f"{m:.3f}") for m in self.measured)
        bound = f"≥ {self.gate.at_least:g}" if self.gate.at_least is not None else f"≤ {self.gate.at_most:g}"
        return f"{value} ({low} – {high}) {bound}"


def check_gates(gates: Sequence[Gate], metrics: Mapping[str, Any]) -> list[GateResult]:
    """Each gate against the lower end (at least) or upper end (at most) of what was measured.

    A metric that could not be measured does not keep its gate: unknown is not good.

    Raises
    ------
    ConfigurationError
        JC4004, if a gate names a metric that does not exist.

    >>> check_gates([Gate("auc", "random is 0.5", at_least=0.6)], {"auc": [0.7, 0.55, 0.75]})[0].kept
    False
    """
    made = []
    for gate in gates:
        if gate.metric not in METRICS:
            raise ConfigurationError("JC4004", metric=gate.metric, nearest=nearest(gate.metric, METRICS), allowed=", ".join(METRICS))
        found = metrics.get(gate.metric) or [None, None, None]
        value, low, high = found
        end = low if gate.at_least is not None else high
        bound = gate.at_least if gate.at_least is not None else gate.at_most
        assert bound is not None
        kept = end is not None and (end >= bound if gate.at_least is not None else end <= bound)
        made.append(GateResult(gate, (value, low, high), kept))
    return made
