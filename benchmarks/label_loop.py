"""Does it help that verdicts come back? Synthetic offices whose truth is known, list after list, through the real workbench.

    python -m benchmarks.label_loop --seeds 12

An office begins with few verdicts, all on records that hit published rules. Then, every four months: train on what is known,
promote when the gates hold (else the champion stays; before the first one, lists are ordered by rules and by how unlike the
others a record is), score, take the clues into the workbench, let simulated reviewers claim, propose and approve there, export
their verdicts into the office's table, import. The clock of the workbench is set to the simulated day, so that every date in
it, and the day on which a verdict is known, is one of the simulation.

Measured with the planted truth, which nobody in the loop sees but the reviewers, who sometimes err: the share that truly needs
supervision among the first `capacity` places of each list; the same, on the same days, for an office to which no verdict comes
back and for an order that learns nothing; and whether the interval that the workbench gives for its random draws holds the
truth of what they were drawn from.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import show, spent
from jcml.dates import date_series, midnight, months
from jcml.engines.duckdb import batches_of
from jcml.errors import InputMissing, JcmlError
from jcml.features.matrix import build_matrix, find_outcomes
from jcml.registry.mlflow import Registry
from jcml.serving.cold_start import cold_start_model
from jcml.serving.ledger import published_clues
from jcml.serving.on_rows import scored as scored_rows
from jcml.serving.score import ScoringRun
from jcml.serving.select import Key, Scored, draw
from jcml.simulation.reviewers import Candidate, Practice, decide, review
from jcml.simulation.scenarios import simulate
from jcml.simulation.world import Row, World
from jcml.simulation.writing import write_office
from jcml.tables.importing import import_table
from jcml.tables.office import read_office
from jcml.tables.pseudonyms import Pseudonyms, read_key
from jcml.tables.store import Store
from jcml.training.plan import Gate, Search, Split
from jcml.training.train import Training, register
from jcml.workspace.scaffold import shipped
from jcml.workspace.workspace import Model, Workspace

if TYPE_CHECKING:
    from jcml.registry.trained_model import TrainedModel
    from jcml.review.journal import Actor
    from jcml.review.models import Clue, Unit, Verdict
    from jcml.review.verdicts import Opinion

SCENARIO, TABLE, ENTITY = "reverse_penalty_link", "non_prosecution_verdicts", "case person"
FIRST, EVERY, ROUNDS = date(2023, 7, 1), months(4), 5
BEFORE = Practice(share=0.20, audit=0.0, rule=1.5, severity=0.0, preference=0.5, delay=(15, 55, 160), noise=0.03, returned=0.02)
"""The office before the loop: it looks where rules hit, and in some districts more than in others; nothing is drawn at random."""
REVIEWERS = Practice(noise=0.03, returned=0.02)
RETURNED = 0.05
"""Share of proposals that the second person sends back once."""
A_DAY = 3
"""Clues that are handled on one working day."""
SHANGHAI = ZoneInfo("Asia/Shanghai")
TEXT = "已核对相关机关记录与卷宗材料，结论如上，供合成数据测量使用。"


def small_plan(model: Model) -> Model:
    """The shipped model with a plan for few labels: small trees, no search, and the one gate that every model begins with.

    The shipped gates ask for intervals that a hundred verdicts cannot give, of whatever model.
    """
    plan = model.training
    estimator = replace(plan.estimator, rounds=200, early_stopping=40, seeds=(1,), search=Search(0, 1), settings={"num_leaves": 7, "min_data_in_leaf": 10, "learning_rate": 0.05})
    gates = (Gate("auc", "接近随机的次序不用", at_least=0.5), Gate("gain_over_best_rule", "规则已能做到的，不用模型", at_least=0.0))
    training = replace(plan, estimator=estimator, gates=gates, split=Split(test=months(6), folds=2, least_train=months(6)))
    return replace(model, training=training)


@dataclass(frozen=True)
class Audit:
    """Random draws of a list: how many, what came of them, and the workbench's 95 % interval for what they were drawn from."""

    drawn: int
    confirmed: int
    answered: int
    low: float
    high: float

    def holds(self, true: float) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= true <= self.high


@dataclass(frozen=True)
class Round:
    """One list: who ordered it, what is true of it, and what the workbench says of its random draws."""

    as_of: date
    labelled: int
    confirmed: int
    version: int
    stopped: str
    hit_rate: float
    unlearned: float
    base_rate: float
    rest: float
    audit: Audit
    decided: dict[str, str]


class Loop:
    """An office with few verdicts and a workbench of its own, of which Django is set up and the database is there.

    Parameters
    ----------
    seed : int
    folder : Path
        Where the office is written.
    size, capacity : int or None
        Persons of the simulation, and clues per list; the simulation's and the shipped plan's when None.
    """

    def __init__(self, seed: int, folder: Path, *, size: int | None = None, capacity: int | None = None) -> None:
        self.random = Random(f"label_loop/{seed}")
        self.workspace = Workspace(shipped())
        self.model = small_plan(self.workspace.model(SCENARIO))
        if capacity is not None:
            self.model = replace(self.model, serving=replace(self.model.serving, capacity=capacity))
        self.world = simulate(SCENARIO, seed, size=size)
        self.candidates = {c.unit: c for c in candidates(self.world)}
        self.store = self._office(folder, seed)
        self.registry, self.aside = Registry(self.store.root / "mlflow"), Registry(self.store.root / "aside")
        pseudonyms = Pseudonyms(read_key(self.store.office.key))
        self.known = {(pseudonyms.of(ENTITY, unit),): candidate for unit, candidate in self.candidates.items()}
        self.desk = Desk(f"loop{seed}", self.known, self.random)

    def _office(self, folder: Path, seed: int) -> Store:
        """The office on the day before the first list: its records, and verdicts on some that hit rules."""
        seen = [c for c in self.candidates.values() if c.as_of < FIRST and c.rule_hits]
        verdicts = review(seen, BEFORE, self.random, unit="case_person", until=FIRST - timedelta(days=1))
        write_office(replace(self.world, tables={**self.world.tables, TABLE: verdicts}), self.workspace.tables, folder, seed=seed)
        file = folder / "office.toml"
        file.write_text(file.read_text(encoding="utf-8").replace(f"data/{TABLE}.csv", f"data/*{TABLE}*.csv"), encoding="utf-8")
        office = read_office(folder)
        office.key.parent.mkdir(parents=True, exist_ok=True)
        office.key.touch(mode=0o600)
        office.key.write_text(hashlib.sha256(f"label_loop/{seed}".encode()).hexdigest())
        store = Store(office, self.workspace.tables)
        for table in sorted(office.bindings):
            import_table(store, table, received=self.world.last)
        return store

    def rounds(self, days: list[date]) -> Iterator[Round]:
        """One round after the other; the verdicts of each are in the office's table before the next begins."""
        for day, following in itertools.pairwise([*days, EVERY.after(days[-1])]):
            yield self.round(day, following - timedelta(days=1))

    def round(self, as_of: date, exported: date) -> Round:
        """Train, promote or keep, score, handle, export, import."""
        labelled, confirmed, stopped = self.train(as_of, self.registry)
        trained = self.champion(as_of, self.registry)
        model = self.model
        run = ScoringRun(SCENARIO, model.definition, model.serving, model.serving.capacity, trained, self.store, as_of, threads=1)
        published = run.run()
        scored = list(scored_rows(batches_of(run.folder / "scores.parquet"), model.definition.keys))
        given = list(published_clues(self.store.root, published.publication))
        facts = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
        with clock(as_of) as now:
            self.desk.receive(facts, given)
            decided = self.desk.handle(now)
        with clock(exported):
            from jcml.cli.verdicts import export_verdicts

            export_verdicts(self.store, model, self.desk.unit.code, exported)
        import_table(self.store, TABLE, received=exported)
        ranked = {tuple(c.unit.values()) for c in given if c.selected == "ranked"}
        rest = [self.truth(s.unit) for s in scored if s.unit not in ranked]
        return Round(
            as_of, labelled, confirmed, trained.version, stopped, self.hits(scored), self.hits(self.order(as_of, self.unlearned(as_of))),
            mean(self.truth(s.unit) for s in scored), mean(rest), self.desk.audit(as_of=as_of), decided,
        )

    def train(self, until: date, registry: Registry) -> tuple[int, int, str]:
        """Fit to what is known and promote when the gates hold; labels, confirmed ones, and what stood in the way."""
        training = Training(
            SCENARIO, self.model.definition, self.model.training, self.model.serving.capacity, self.store, until=until, trials=0, threads=1
        )
        try:
            trained = training.run()
        except JcmlError as error:  # too few labels, or one feature alone separates them: a person would have to look first
            if error.code not in ("JC4001", "JC4002", "JC4003", "JC4006"):
                raise
            known = self._labels(training, until)
            return int((~np.isnan(known)).sum()), int((known == 1).sum()), error.code
        if trained.kept:
            made = register(trained, registry, lambda run, folder: None)
            registry.promote(SCENARIO, made.version, by="模拟办案单位", because="准入门槛全部通过", fingerprint=self.model.definition.fingerprint)
        return trained.model.labelled, trained.model.confirmed, "" if trained.kept else "gates"

    def _labels(self, training: Training, until: date) -> NDArray[np.float64]:
        matrix = build_matrix(self.model.definition, self.store, training.days(), training.every)
        return find_outcomes(self.model.definition, self.store, matrix, training.every).labels(midnight(until, SHANGHAI))

    def champion(self, as_of: date, registry: Registry) -> TrainedModel:
        """The model in force; before there is one, what needs no labels."""
        try:
            return registry.load(SCENARIO, "champion")
        except InputMissing:
            return self.unlearned(as_of)

    def unlearned(self, as_of: date) -> TrainedModel:
        """What needs no labels: the order by rules and by how unlike the others a record is."""
        return cold_start_model(SCENARIO, self.model.definition, self.store, as_of, self.model.serving.every, self.model.serving.capacity)

    def without_return(self, days: list[date]) -> list[float]:
        """What the same lists would hold if no verdict came back: trained on the office's earlier ones as they mature, same gates.

        To be asked before `rounds`, while those are the only ones.
        """
        made = []
        for day in days:
            self.train(day, self.aside)
            made.append(self.hits(self.order(day, self.champion(day, self.aside))))
        return made

    def order(self, as_of: date, trained: TrainedModel) -> list[Scored]:
        """The units of a day as a model scores them."""
        matrix = build_matrix(self.model.definition, self.store, [as_of], self.model.serving.every)
        margins = trained.fitted.margins(np.column_stack([matrix.column(n) for n in trained.fitted.features]), threads=1)
        return [Scored(unit, float(margin), 0.0) for unit, margin in zip(matrix.units, margins, strict=True)]

    def truth(self, unit: Key) -> bool:
        """Whether a unit truly needs supervision."""
        return self.known[unit].truth

    def hits(self, scored: list[Scored]) -> float:
        """The share that truly needs supervision among the first `capacity` places."""
        first = sorted(scored, key=lambda s: (-s.margin, draw(s.unit, "tie")))[: self.model.serving.capacity]
        return mean(self.truth(s.unit) for s in first)


def candidates(world: World) -> Iterator[Candidate]:
    """What reviewers find when they look: the truth, a lawful explanation, or a flaw of the data."""
    persons = {row["case_person"]: row for row in world.tables["non_prosecutions"]}
    masked = {row["person"] for row in world.tables["penalty_decisions"] if "*" in row["person"]}
    for row in world.truth:
        person: Row = persons[row["unit"]]
        elsewhere = f"{person['person'][:6]}{'*' * 8}{person['person'][14:]}" in masked
        yield Candidate(
            row["unit"], row["as_of"], row["outcome"], row["rule_hits"], person["unrecovered"] or 0.0, person["district"],
            lawful=bool(row["explanation"]), flaw="data_error" if row["explanation"] == "entered_late" else "identity_mismatch" if elsewhere else "",
        )


# -- the workbench ---------------------------------------------------------------------------------------------------


@contextmanager
def clock(day: date) -> Iterator[Now]:
    """The workbench's clock, set to nine o'clock of a day; it ticks as the real one does and can be moved on."""
    now = Now(datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI))
    with patch("django.utils.timezone.now", now):
        yield now


class Now:
    """A clock that stands where it was put, a millisecond later each time it is read."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def next_day(self) -> None:
        """Nine o'clock of the next weekday."""
        self.at = self.at.replace(hour=9, minute=0) + timedelta(days=1)
        while self.at.isoweekday() > 5:
            self.at += timedelta(days=1)


class Desk:
    """A unit of the workbench: two prosecutors and two who check them, who know the truth about a record, and sometimes err."""

    def __init__(self, code: str, known: dict[Key, Candidate], random: Random) -> None:
        from jcml.review.models import Grant, ReasonCode, Unit, User

        self.known, self.random = known, random
        self.unit: Unit = Unit.objects.create(code=code, zh="示例区院（合成数据）", en="Example district (synthetic)")
        self.people: dict[str, User] = {}
        for name, role in (("first", "R"), ("second", "R"), ("checker", "C"), ("deputy", "C")):
            person = User(username=f"{code}-{name}", name=f"{name}检察官")
            person.set_unusable_password()
            person.save()
            Grant.objects.create(user=person, role=role, unit=self.unit)
            self.people[name] = person
        ReasonCode.objects.update(active_from=date(2020, 1, 1))  # the codes are older than the workbench

    def act(self, name: str) -> Actor:
        """Somebody acts."""
        from jcml.review.journal import Actor

        return Actor(self.people[name], "", "127.0.0.1")

    def receive(self, facts: dict[str, Any], given: list[Any]) -> None:
        """Take in a published list."""
        from jcml.review.intake import take_in
        from jcml.review.journal import SYSTEM

        _, new = take_in(SYSTEM, self.unit, facts, given)
        assert new == len(given)

    def handle(self, now: Now) -> dict[str, str]:
        """Handle every clue that waits, some each day; the outcome that the reviewers meant for each clue's id."""
        from jcml.review.handling import claim_next

        meant: dict[str, str] = {}
        for number in itertools.count(1):
            who = "first" if number % 2 else "second"
            clue = claim_next(self.act(who))
            if clue is None:
                return meant
            now.at += timedelta(minutes=20)
            (found,) = decide([(self.candidate(clue), "ranked")], REVIEWERS, self.random, unit="unit", until=date.max)
            meant[clue.pk] = found["outcome"]
            verdict = self.propose(who, clue, found)
            now.at += timedelta(minutes=20)
            if verdict.second and self.random.random() < RETURNED:
                self.check(verdict, "checker", approved=False)
                verdict = self.propose(who, clue, found)
            if verdict.second:
                self.check(verdict, "deputy", approved=True)
            if number % A_DAY == 0:
                now.next_day()
        return meant

    def candidate(self, clue: Clue) -> Candidate:
        """What is true of a clue's subject."""
        return self.known[tuple(clue.content["unit"].values())]

    def propose(self, who: str, clue: Clue, found: Row) -> Verdict:
        """Say what was found."""
        from jcml.review.handling import propose

        clue.refresh_from_db()
        first = clue.reasons.order_by("-speaks_for", "place").values_list("feature", flat=True)[0]
        return propose(self.act(who), clue.pk, opinion(found, first), version=clue.version, digest=clue.evidence_digest)

    def check(self, verdict: Verdict, who: str, *, approved: bool) -> None:
        """A second person confirms, or sends back."""
        from jcml.review.handling import decide as decide_on

        verdict.clue.refresh_from_db()
        decide_on(self.act(who), verdict.clue_id, approved=approved, text="同意" if approved else "请补充核实经过", version=verdict.clue.version, digest=verdict.clue.evidence_digest)

    def audit(self, **of_list: date) -> Audit:
        """What the workbench knows of the random draws of one list, or of all lists."""
        from jcml.review.models import Clue
        from jcml.review.statistics import share

        drawn = Clue.objects.filter(unit=self.unit, selected="audit", **of_list)
        confirmed, answered = drawn.filter(outcome="confirmed").count(), drawn.filter(outcome__in=["confirmed", "not_confirmed"]).count()
        told = share(confirmed, answered)
        return Audit(drawn.count(), confirmed, answered, (told["low"] or 0) / 100, 1.0 if told["high"] is None else told["high"] / 100)


def opinion(found: Row, reason: str) -> Opinion:
    """A finding in the words of the workbench."""
    from jcml.review.verdicts import Opinion

    outcome = found["outcome"]
    if outcome == "confirmed":
        return Opinion("accepted", subtype="advice", text=TEXT, department="administrative", worth_checking=True, feedback={reason: "true"})
    if outcome == "not_confirmed":
        return Opinion("explained", reason_code=found["reason"], text=TEXT, worth_checking=found["reason"] != "below_threshold", feedback={reason: "irrelevant"})
    if outcome == "returned":
        return Opinion("unsure", missing="在案材料不足以判断")
    return Opinion("data_error", subtype="wrong_merge" if outcome == "identity_mismatch" else "wrong_field", wrong_field="当事人")


# -- many seeds ------------------------------------------------------------------------------------------------------


def set_up(home: Path) -> None:
    """A workbench of its own, in a home of its own."""
    os.environ |= {"JCML_REVIEW_HOME": str(home), "DJANGO_SETTINGS_MODULE": "jcml.review.settings"}
    os.environ.pop("JCML_REVIEW_DATABASE", None)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def interval(values: list[float]) -> tuple[float, float, float]:
    """Mean and Student's 95 % interval over seeds."""
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return mean(values), mean(values) - half, mean(values) + half


def main(arguments: list[str] | None = None) -> None:
    """Run the loop on many offices and print what they say together, as JSON lines."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--seeds", type=int, default=12)
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    given = asked.parse_args(arguments)
    days = date_series(FIRST, date(FIRST.year + 9, 1, 1), EVERY)[: given.rounds]
    offices: list[tuple[list[Round], Audit]] = []
    alone: list[list[float]] = []
    with TemporaryDirectory(prefix="jcml-loop-") as scratch, spent() as used:
        set_up(Path(scratch) / "workbench")
        for seed in range(1, given.seeds + 1):
            loop = Loop(seed, Path(scratch) / f"office{seed}")
            alone.append(loop.without_return(days))
            rounds = list(loop.rounds(days))
            offices.append((rounds, loop.desk.audit()))
            told = "  ".join(f"{r.hit_rate:.2f} ({a:.2f} {r.unlearned:.2f}) v{r.version} {r.labelled} {r.stopped}" for r, a in zip(rounds, alone[-1], strict=True))
            print(f"{seed}: {told}", file=sys.stderr, flush=True)
    summary(offices, alone)
    show("loop, CPU seconds per office", used.cpu / given.seeds, "s", f"{given.rounds} lists each")


def summary(offices: list[tuple[list[Round], Audit]], alone: list[list[float]]) -> None:
    """One line per figure."""
    data, lists = f"synthetic, {len(offices)} offices", [rounds for rounds, _ in offices]
    for number, rounds in enumerate(zip(*lists, strict=True), 1):
        show(f"loop, list {number}: truly in need among the first places", mean(r.hit_rate for r in rounds), "share", f"without returning verdicts {mean(a[number - 1] for a in alone):.3f}, an order that learns nothing {mean(r.unlearned for r in rounds):.3f}, all {mean(r.base_rate for r in rounds):.3f}")
        show(f"loop, list {number}: labels known", mean(r.labelled for r in rounds), "labels", f"{sum(r.version > 0 for r in rounds)} of {len(rounds)} offices had a trained model in force")
    stopped = Counter(r.stopped for rounds in lists for r in rounds)
    show("loop, trainings that led to a new champion", stopped[""], "trainings", f"{stopped['gates']} kept out by their gates, {stopped['JC4003'] + stopped['JC4006']} stopped by the leak alarm, {stopped['JC4001'] + stopped['JC4002']} by too few labels")
    rise, low, high = interval([rounds[-1].hit_rate - rounds[0].hit_rate for rounds in lists])
    show("loop, rise from the first to the last list", rise, "share", f"95 % interval {low:.3f} – {high:.3f}; {data}")
    show("loop, lower end of the rise", low, "share", "above 0", limit=0.0, at_least=True)
    beyond, low, high = interval([(r[-1].hit_rate - r[-1].unlearned) - (r[0].hit_rate - r[0].unlearned) for r in lists])
    show("loop, rise beyond that of an order that learns nothing", beyond, "share", f"95 % interval {low:.3f} – {high:.3f}; {data}")
    more, low, high = interval([mean(r.hit_rate for r in rounds[1:]) - mean(a[1:]) for rounds, a in zip(lists, alone, strict=True)])
    show("loop, more on the lists after the first than without returning verdicts", more, "share", f"95 % interval {low:.3f} – {high:.3f}; {data}")
    every = [r for rounds in lists for r in rounds]
    show("loop, lists whose audit interval holds the truth", mean(r.audit.holds(r.rest) for r in every), "share", f"{len(every)} lists, {mean(r.audit.drawn for r in every):.1f} draws each, {mean(r.audit.high - r.audit.low for r in every):.2f} wide", limit=0.9, at_least=True)
    pooled = [(audit, mean(r.rest for r in rounds)) for rounds, audit in offices]
    show("loop, offices whose interval over all lists holds the truth", sum(a.holds(true) for a, true in pooled), "offices", f"{len(pooled)}; {mean(a.drawn for a, _ in pooled):.0f} draws each, {mean(a.high - a.low for a, _ in pooled):.2f} wide")


if __name__ == "__main__":
    main()
