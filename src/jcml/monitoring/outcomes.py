"""What became of published lists: the share confirmed among ranked clues, and among those drawn at random.

The ranked share says how good the list was; the audit share, because everybody had a known chance, says how many
there are outside the list. Clues without a verdict yet are counted once as not confirmed and once as confirmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jcml.dates import midnight
from jcml.features.definition import SupervisionModel
from jcml.features.matrix import Matrix, find_outcomes
from jcml.metrics.audit import Estimate, Population, audit_hit_rate, population_rate
from jcml.metrics.intervals import wilson
from jcml.serving.ledger import Publication, run_folder
from jcml.serving.plan import ServingPlan
from jcml.tables.store import Store


@dataclass(frozen=True)
class RunOutcome:
    """One published list and what is known of it now.

    Parameters
    ----------
    ranked, audit : Estimate
        Share confirmed, interval, how many clues, how many still without a verdict.
    population : Population
        Estimated share of all scored units, and the share of it that the ranked list holds.

    >>> from jcml.workspace.example import example, example_list
    >>> model, store = example()
    >>> found = run_outcomes(model.definition, model.serving, store, [example_list().publication], date(2026, 1, 1))
    >>> found[0].ranked.n, found[0].audit.n
    (9, 1)
    """

    run: str
    as_of: str
    version: int
    scored: int
    ranked: Estimate
    audit: Estimate
    population: Population

    def to_json(self) -> dict[str, Any]:
        """Ready to be written as JSON."""

        def plain(value: Any) -> Any:
            if isinstance(value, tuple):
                return {k: plain(v) for k, v in value._asdict().items()} if hasattr(value, "_asdict") else [plain(v) for v in value]
            return None if isinstance(value, float) and value != value else value

        return {
            "run": self.run, "as_of": self.as_of, "version": self.version, "scored": self.scored, "ranked": plain(self.ranked),
            "audit": plain(self.audit), "population": plain(self.population),
        }


def run_outcomes(
    definition: SupervisionModel, plan: ServingPlan, store: Store, publications: Sequence[Publication], until: date
) -> list[RunOutcome]:
    """What is known before a day about each published list.

    >>> from jcml.workspace.example import example, example_list
    >>> model, store = example()
    >>> known = run_outcomes(model.definition, model.serving, store, [example_list().publication], date(2025, 1, 2))
    >>> known[0].audit.unknown == known[0].audit.n  # on the day after, nobody has decided anything
    True
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found = []
    for publication in publications:
        folder = run_folder(store.root, publication.model, publication.as_of, publication.run)
        log = pq.read_table(folder / "selection.parquet")
        chosen = log.filter(pc.is_in(log["decision"], pa.array(["ranked", "audit"])))
        day = date.fromisoformat(publication.as_of)
        table = chosen.append_column("_asof", pa.array([day] * chosen.num_rows, pa.date32()))
        matrix = Matrix(table, definition.keys, (), definition.fingerprint, "")
        outcomes = find_outcomes(definition, store, matrix, plan.every)
        labels = outcomes.labels(midnight(until, store.office.zone))
        decisions = np.array(chosen["decision"].to_pylist())
        chances = np.asarray(chosen["chance"].to_numpy(), dtype=float)
        ranked, audited = labels[decisions == "ranked"], labels[decisions == "audit"]
        drawn = chances[decisions == "audit"]
        rest = pc.sum(pc.is_in(log["decision"], pa.array(["not_selected", "audit"]))).as_py()  # units left out could not be drawn
        found.append(
            RunOutcome(
                publication.run, publication.as_of, publication.version, publication.scored, _share(ranked), audit_hit_rate(audited, drawn),
                population_rate(ranked, audited, drawn, rest),
            )
        )
    return found


def _share(labels: NDArray[np.float64]) -> Estimate:
    """Share confirmed of a whole list, with bounds for what has no verdict yet and a Wilson interval around them."""
    known = labels[~np.isnan(labels)]
    unknown = int(len(labels) - len(known))
    confirmed = float((known == 1).sum())
    if not len(labels):
        return Estimate(float("nan"), 0.0, 1.0, 0, 0)
    low = wilson(confirmed, len(labels)).low
    high = wilson(confirmed + unknown, len(labels)).high
    return Estimate(confirmed / len(known) if len(known) else float("nan"), low, high, len(labels), unknown)
