"""Values recomputed from nothing but their evidence rows."""

from __future__ import annotations

import random
from typing import Any

from property.worlds import World, numbers

from jcml.engines.inventory import settle_question
from jcml.engines.plain import PlainEngine
from jcml.features.definition import SupervisionModel
from jcml.query import Peers, Question, walk
from jcml.serving.clues import peer_summaries


def recompute_pairs(world: World, model: SupervisionModel, seed: int, at_most: int) -> tuple[int, int]:
    """Check up to so many random pairs; returns how many were checked, and how many had rows behind them."""
    rows = world.rows()
    rng = random.Random(seed)
    with world.engine(rows) as engine:
        if model.unit_table.name not in engine.sources:
            return 0, 0
        values = numbers(engine, model, world.calendar)
        if not values:
            return 0, 0
        full = model.full_question
        narrow = settle_question(Question(full.unit, None, tuple((n, v) for n, v in full.values if not n.startswith(("group:", "same"))), full.relations))
        units = sorted(values)
        chosen = rng.sample(units, min(6, len(units)))
        evidence = engine.evidence(narrow, world.calendar, chosen)
        summaries: dict[Any, Any] = {}
        if any(isinstance(n, Peers) for _, v in narrow.values for n in walk(v)):
            summaries = peer_summaries(engine, full, narrow, world.calendar, chosen)
        facts = engine.facts()
    by_version = {n: {r["_version"]: r for r in found} for n, found in rows.items()}
    pairs = [(u, n) for u in chosen for n in narrow.names]
    checked = behind = 0
    for unit, name in rng.sample(pairs, min(at_most, len(pairs))):
        alone, behind_each = evidence.behind(unit, name, by_version)
        found = {node: s[unit] for node, s in summaries.items()}
        again = PlainEngine(alone, facts).recompute(narrow, world.calendar, unit, name, found, behind_each)
        assert again == values[unit][name], (seed, unit, name, again, values[unit][name])
        checked += 1
        behind += any(part != "unit" for part, _, _, _ in evidence.of(unit, name))
    return checked, behind
