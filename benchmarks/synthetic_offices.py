"""Do the promises hold on synthetic offices whose truth is known? Many seeds per scenario, one after another.

    python -m benchmarks.synthetic_offices --seeds 20 --scenario reverse_penalty_link

Three questions per office, all about the rows of the test periods, scored by models fitted to earlier time:

1. how many more units that truly need supervision are on the model's lists than on the best published rule's;
2. does the interval that the audit share gives for everything below the lists hold the truth; lists and audit are drawn
   by `jcml.serving.select.select`, and the planted truth is the verdict on each drawn unit;
3. do the bounds that an evaluation reports for unknown labels hold the precision that the planted truth gives.

Settings are searched with `TRIALS` trials. Each office is one line of the results file; a run that was killed goes on
after the last line, and a line made by another simulation or plan is made again. Planted truth shows whether the
machinery is right; how well a model does on real records it does not show.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import inspect
import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import cache
from importlib import import_module
from os import SEEK_END
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jcml.metrics.audit import Estimate, audit_hit_rate
from jcml.metrics.ranking import auc
from jcml.serving.plan import ServingPlan
from jcml.serving.select import Decision, Key, Scored, select, shortlist
from jcml.simulation import defects, writing
from jcml.simulation.scenarios import SCENARIOS, simulate
from jcml.simulation.world import World
from jcml.simulation.writing import write_office
from jcml.tables.importing import import_table
from jcml.tables.office import read_office
from jcml.tables.pseudonyms import Pseudonyms, read_key
from jcml.tables.store import Store
from jcml.training.evaluate import precision_contest, whole_list_bounds
from jcml.training.train import Trained, Training
from jcml.workspace.scaffold import shipped
from jcml.workspace.workspace import Model, Workspace

TRIALS = 2
REDRAWS = 200
"""How often the audit is drawn again, with other seeds, to see how often its interval holds the truth."""
RESULTS = Path(".jcml/synthetic_offices.jsonl")


def measure(scenario: str, seed: int, *, size: int | None = None, capacity: int | None = None) -> dict[str, Any]:
    """Everything that is measured on one office; `size` as for `simulate`, `capacity` in place of the serving plan's."""
    workspace, model = _read(scenario)
    plan = model.serving if capacity is None else replace(model.serving, capacity=capacity)
    began = time.process_time()
    with TemporaryDirectory() as scratch:
        world = simulate(scenario, seed, size=size)
        store = _delivered(world, workspace, Path(scratch), seed)
        training = Training(
            scenario, model.definition, model.training, plan.capacity, store, until=world.last, trials=TRIALS, threads=1
        )
        trained = training.run()
        truth = _truth(world, model, store, trained)
    known = ~np.isnan(truth)
    return {
        "scenario": scenario, "seed": seed, "size": size, "capacity": plan.capacity, "trials": TRIALS, "rows": len(truth),
        "without_truth": int((~known).sum()), "base_rate": _rounded(truth[known].mean()),
        "auc": trained.figures["metrics"]["auc"], "true_auc": _rounded(auc(trained.test.scores["model"][known], truth[known])),
        "gates": {g.gate.metric: g.kept for g in trained.gates},
        "calibration_error": trained.figures["metrics"]["calibration_error"],
        "gain": _gain(trained, truth, plan.capacity, seed),
        "audit": _audit(trained, truth, model, plan),
        "bounds": _bounds(trained, truth, plan.capacity),
        "cpu_seconds": round(time.process_time() - began, 1),
    }


@cache
def _read(scenario: str) -> tuple[Workspace, Model]:
    """Read once: a plan that is edited while seeds are running would make them answers to different questions."""
    workspace = Workspace(shipped())
    return workspace, workspace.model(scenario)


def _delivered(world: World, workspace: Workspace, folder: Path, seed: int) -> Store:
    """The office with its data imported; the key of its pseudonyms follows from the seed, so that every draw can be repeated."""
    write_office(world, workspace.tables, folder, seed=seed)
    office = read_office(folder)
    office.key.parent.mkdir(parents=True, exist_ok=True)
    office.key.touch(mode=0o600)
    office.key.write_text(hashlib.sha256(f"{world.name}/{seed}".encode()).hexdigest())
    store = Store(office, workspace.tables)
    for table in sorted(office.bindings):
        import_table(store, table, received=world.last)
    return store


def _truth(world: World, model: Model, store: Store, trained: Trained) -> NDArray[np.float64]:
    """(n,) the planted truth of the test rows, NaN for a unit that the world does not know."""
    pseudonyms = Pseudonyms(read_key(store.office.key))
    once = model.definition.scored is not None
    (key,) = model.definition.keys
    entity = model.definition.unit_table.columns[key].entity
    planted: dict[tuple[str, date | None], float] = {}
    for row in world.truth:
        unit = pseudonyms.of(entity, row["unit"]) if entity else row["unit"]
        planted[unit, None if once else row["as_of"]] = float(row["outcome"])
    days = trained.test_matrix.as_of.astype(object)
    units = (u[0] for u in trained.test_matrix.units)
    return np.array([planted.get((u, None if once else d), np.nan) for u, d in zip(units, days, strict=True)])


def _gain(trained: Trained, truth: NDArray[np.float64], capacity: int, seed: int) -> dict[str, Any]:
    """Units that truly need supervision among the first places, by the model and by the rule that finds most of them."""
    contest = precision_contest(replace(trained.test, labels=truth), capacity, seed)
    rules = [n for n in contest if n.startswith("rule:") or n == "rules_together"]
    best = max(rules, key=lambda n: contest[n][0].value)
    places = int(np.minimum(capacity, np.bincount(trained.test.dates)).sum())
    return {
        "places": places, "lists": len(np.unique(trained.test.dates)), "best_rule": best,
        "model": _rounded(contest["model"][0].value), "rule": _rounded(contest[best][0].value),
        "more": contest[best][1].as_list(), "reported": trained.figures["metrics"]["gain_over_best_rule"],
        "logistic": _rounded(contest["logistic"][0].value),
    }


class Drawn(NamedTuple):
    """One list's audit: planted truth and chance of the drawn units, and the truth of all that it was drawn from."""

    labels: NDArray[np.float64]
    chances: NDArray[np.float64]
    rest: NDArray[np.float64]


def _lists(trained: Trained, truth: NDArray[np.float64], model: Model, plan: ServingPlan, again: str = "") -> list[Drawn]:
    """The lists of the test periods, one after another; a unit that was published lately stays off the next ones."""
    matrix, test = trained.test_matrix, trained.test
    cool_off = plan.cool_off if model.definition.scored is None else None
    published: dict[Key, tuple[date, float]] = {}
    found = []
    for day in sorted(set(matrix.as_of.tolist())):
        rows = {matrix.units[i]: i for i in np.flatnonzero(matrix.as_of == np.datetime64(day))}
        scored = [Scored(u, float(test.scores["model"][i]), float(test.probabilities[i])) for u, i in rows.items()]
        left_out: dict[Key, Decision] = {
            s.unit: "published_lately" for s in scored
            if cool_off and s.unit in published and published[s.unit][0] >= cool_off.before(day)
            and s.probability < published[s.unit][1] + plan.unless_rises
        }
        how: dict[str, Any] = {
            "places": max(0, plan.capacity - plan.audits), "audits": plan.audits, "seed": f"{plan.seed}\x00{model.name}\x00{day}{again}", "left_out": left_out,
        }
        selection = select(shortlist(scored, **how), **how)
        published |= {c.scored.unit: (day, c.scored.probability) for c in selection.chosen}
        ranked = {c.scored.unit for c in selection.chosen if c.by == "ranked"}
        audited = [c for c in selection.chosen if c.by == "audit"]
        found.append(Drawn(
            np.array([truth[rows[c.scored.unit]] for c in audited]), np.array([c.chance for c in audited]),
            np.array([truth[i] for u, i in rows.items() if u not in ranked and u not in left_out]),
        ))
    return found


def _said(lists: list[Drawn]) -> tuple[Estimate, float]:
    """What the audits of some lists say together, and what is true of all that they were drawn from."""
    labels, chances, rest = (np.concatenate(part) for part in zip(*lists, strict=True))
    return audit_hit_rate(labels, chances), float(np.nanmean(rest))


def _audit(trained: Trained, truth: NDArray[np.float64], model: Model, plan: ServingPlan) -> dict[str, Any]:
    """What the audit share says of everything below the lists, and what is true of it."""
    lists = [drawn for drawn in _lists(trained, truth, model, plan) if len(drawn.labels)]
    if not lists:
        raise ValueError(f"a capacity of {plan.capacity} covers every row, so nothing is left to audit")
    found, true = _said(lists)
    again = [_said(_lists(trained, truth, model, plan, f"\x00{n}")) for n in range(REDRAWS)]
    each = [_said([drawn]) for drawn in lists]
    reported, all_rows = trained.figures["audit"], float(np.nanmean(truth))
    return {
        "n": found.n, "rate": _rounded(found.rate), "interval": [_rounded(found.low), _rounded(found.high)], "true": _rounded(true),
        "holds": _holds(found, true), "redraws_hold": _rounded(mean(_holds(*said) for said in again)),
        "redraws_rate": _rounded(mean(e.rate for e, _ in again)), "redraws_true": _rounded(mean(t for _, t in again)),
        "lists_hold": [sum(_holds(*said) for said in each), len(each)],
        "reported": reported and reported["rate"], "reported_true": _rounded(all_rows),
        "reported_holds": reported and reported["rate"][1] <= all_rows <= reported["rate"][2],
    }


def _holds(estimate: Estimate, true: float) -> bool:
    return estimate.low <= true <= estimate.high


def _bounds(trained: Trained, truth: NDArray[np.float64], capacity: int) -> dict[str, Any]:
    """The reported bounds of the whole lists' precision, and what is true of the same rows."""
    low, high = trained.figures["whole_list"]
    true = whole_list_bounds(replace(trained.test, labels=truth), trained.test.scores["model"], capacity)
    return {"low": low, "high": high, "true": [_rounded(t) for t in true], "hold": low <= true[0] + 1e-6 and true[1] <= high + 1e-6}


def _rounded(value: float) -> float:
    return round(float(value), 6)


# -- many seeds ----------------------------------------------------------------------------------------------------------


def made_with(model: Model) -> str:
    """A digest of everything but the engine that decides what is measured: measurement, simulation, definition, both plans."""
    modules = _simulation(import_module(f"jcml.simulation.{model.name}"), {m.__name__: m for m in (defects, writing)})
    sources: list[Any] = [*(modules[name] for name in sorted(modules)), measure, _delivered, _truth, _gain, _lists, _said, _audit, _bounds]
    parts = [model.definition.fingerprint, repr(model.training), repr(model.serving)]
    parts += [ast.dump(ast.parse(inspect.getsource(source))) for source in sources]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16]


def _simulation(module: ModuleType, found: dict[str, ModuleType]) -> dict[str, ModuleType]:
    """A module of the simulation and those that it takes something from."""
    found[module.__name__] = module
    for value in list(vars(module).values()):
        name = getattr(value, "__module__", "")
        if name.startswith("jcml.simulation.") and name not in found:
            _simulation(sys.modules[name], found)
    return found


def measured(path: Path) -> list[dict[str, Any]]:
    """Offices that were measured before; a line that was cut off by a kill is left out."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def _keep(row: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as stream:
        cut_off = stream.tell() and (stream.seek(-1, SEEK_END), stream.read(1))[1] != b"\n"
        stream.write((b"\n" if cut_off else b"") + json.dumps(row, ensure_ascii=False).encode() + b"\n")


def summary(scenario: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the seeds of a scenario say together; intervals are Student's over seeds."""
    common = {"scenario": scenario, "seeds": len(rows), "trials": rows[0]["trials"], "data": "synthetic"}
    gains = np.array([r["gain"]["more"][0] for r in rows])
    yield {
        "name": "gain over the best published rule at capacity", "value": _rounded(gains.mean()), "unit": "share of places",
        "interval": _student(gains), "compared_with": "the rule that finds most, chosen with the truth",
        "seeds_better": int((gains > 0).sum()), "seeds_interval_above_0": sum(r["gain"]["more"][1] > 0 for r in rows),
        "model": _rounded(mean(r["gain"]["model"] for r in rows)), "rule": _rounded(mean(r["gain"]["rule"] for r in rows)), **common,
    }
    yield {
        "name": "audit interval holds the truth below the lists", "value": sum(r["audit"]["holds"] for r in rows), "unit": "seeds",
        "compared_with": f"at least {int(np.ceil(0.9 * len(rows)))} of {len(rows)}", "redraws_hold": _rounded(mean(r["audit"]["redraws_hold"] for r in rows)),
        "lists_hold": [sum(r["audit"]["lists_hold"][i] for r in rows) for i in (0, 1)],
        "audited": _rounded(mean(r["audit"]["n"] for r in rows)),
        "width": _rounded(mean(r["audit"]["interval"][1] - r["audit"]["interval"][0] for r in rows)),
        "bias_of_redraws": _rounded(mean(r["audit"]["redraws_rate"] - r["audit"]["redraws_true"] for r in rows)), **common,
    }
    audited = [r["audit"] for r in rows if r["audit"]["reported"]]
    yield {
        "name": "audit interval of the evaluation holds the truth of all test rows", "value": sum(a["reported_holds"] for a in audited),
        "unit": "seeds", "compared_with": f"{len(audited)} that report one; it speaks of verdicts, which sometimes err", **common,
    }
    yield {
        "name": "bounds for unknown labels hold the true precision", "value": sum(r["bounds"]["hold"] for r in rows), "unit": "seeds",
        "compared_with": f"{len(rows)} of {len(rows)}", "width": _rounded(mean(r["bounds"]["high"] - r["bounds"]["low"] for r in rows)), **common,
    }
    yield {
        "name": "gates kept", "value": sum(all(r["gates"].values()) for r in rows), "unit": "seeds", "compared_with": f"{len(rows)} of {len(rows)}",
        "each": {g: sum(r["gates"][g] for r in rows) for g in rows[0]["gates"]}, **common,
    }
    yield {
        "name": "area under the ROC curve on the planted truth", "value": _rounded(mean(r["true_auc"] for r in rows)), "unit": "1",
        "compared_with": "0.5 for chance", "least": min(r["true_auc"] for r in rows), "most": max(r["true_auc"] for r in rows), **common,
    }
    yield {
        "name": "CPU per office", "value": _rounded(mean(r["cpu_seconds"] for r in rows)), "unit": "s", "compared_with": "60 s",
        "most": max(r["cpu_seconds"] for r in rows), **common,
    }


def _student(values: NDArray[np.float64]) -> list[float] | None:
    from scipy.stats import t

    if len(values) < 2:
        return None
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)
    return [_rounded(values.mean() - half), _rounded(values.mean() + half)]


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing and print what all seeds say, as JSON lines."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--seeds", type=int, default=20)
    asked.add_argument("--scenario", action="append", choices=SCENARIOS, help="only these; default: all")
    asked.add_argument("--size", type=int, help="units of each office; default: the scenario's own")
    asked.add_argument("--capacity", type=int, help="clues per list; default: the serving plan's")
    asked.add_argument("--results", type=Path, default=RESULTS)
    given = asked.parse_args(arguments)
    models = [_read(name)[1] for name in given.scenario or SCENARIOS]
    asked_of = [
        {
            "scenario": model.name, "size": given.size, "capacity": given.capacity or model.serving.capacity, "trials": TRIALS,
            "made_with": made_with(model),
        }
        for model in models
    ]  # before anything is measured: a source that is edited meanwhile is not what runs
    for alike in asked_of:
        scenario = alike["scenario"]
        done = {row["seed"]: row for row in measured(given.results) if alike.items() <= row.items()}
        for seed in range(1, given.seeds + 1):
            if seed not in done:
                done[seed] = measure(scenario, seed, size=given.size, capacity=given.capacity) | alike
                _keep(done[seed], given.results)
                print(f"{scenario} {seed}: {done[seed]['cpu_seconds']} s", file=sys.stderr, flush=True)
        for line in summary(scenario, [done[seed] for seed in range(1, given.seeds + 1)]):
            print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
