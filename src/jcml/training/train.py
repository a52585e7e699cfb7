"""The whole run: plan → matrix → splits → leak alarms → fit → evaluate → gates → register as challenger."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import jcml
from jcml.dates import Period, date_series, midnight
from jcml.errors import CheckFailed, InputMissing, raise_all
from jcml.estimators.baselines import Logistic, best_single_feature, random_scores, rule_scores, rules_together
from jcml.estimators.lightgbm import Fitted, best_rounds, fit, mean_of
from jcml.features.definition import SupervisionModel
from jcml.features.matrix import Matrix, Outcomes, build_matrix, find_outcomes
from jcml.metrics.calibration import Calibration, choose_method, fit_calibration
from jcml.metrics.drift import drift_profile
from jcml.metrics.ranking import auc
from jcml.registry.mlflow import Evidence, Registry
from jcml.registry.trained_model import TrainedModel
from jcml.tables.store import Store
from jcml.training.evaluate import TestRows, audit_figures, evaluate
from jcml.training.gates import GateResult, check_gates
from jcml.training.leaks import leak_alarms, refuse_leaks, refuse_perfection
from jcml.training.plan import TrainingPlan
from jcml.training.search import search_settings
from jcml.training.splits import Fold, later_part, split_by_time

Say = Callable[[str], None]


@dataclass
class Trained:
    """What a training run gave.

    Parameters
    ----------
    model : TrainedModel
    gates : list of GateResult
    figures : dict
        As measured on later time; see `evaluate`.
    test : TestRows
        Rows of all test periods with everybody's scores.
    test_matrix : Matrix
        The same rows, with their keys and values.
    seconds : dict of step to seconds

    Examples
    --------
    >>> from jcml.workspace.example import example_training
    >>> trained = example_training()
    >>> trained.kept == all(gate.kept for gate in trained.gates)
    True
    """

    model: TrainedModel
    gates: list[GateResult]
    figures: dict[str, Any]
    test: TestRows
    test_matrix: Matrix
    test_days: tuple[date, ...]
    parameters: dict[str, Any]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """True when every gate was kept."""
        return all(g.kept for g in self.gates)


class Training:
    """One training run of a supervision model.

    Parameters
    ----------
    name : str
    definition : SupervisionModel
    plan : TrainingPlan
    capacity : int
        From the serving plan, or as the office set it.
    every : Period
    store : Store
    until : date
        Only what was known before this day is used.
    champion : TrainedModel or None
        The one in force, for comparison.
    say : callable
        Told of each step.

    Examples
    --------
    >>> from jcml.workspace.example import example
    >>> model, store = example()
    >>> training = Training(model.name, model.definition, model.training, 10, store, until=date(2022, 3, 1))
    >>> training.days()[0]  # the first as-of date; on the later ones, labels have not had their time
    datetime.date(2021, 7, 1)
    """

    def __init__(
        self,
        name: str,
        definition: SupervisionModel,
        plan: TrainingPlan,
        capacity: int,
        store: Store,
        *,
        until: date,
        champion: TrainedModel | None = None,
        trials: int | None = None,
        threads: int = 0,
        say: Say = lambda text: None,
    ) -> None:
        self.name = name
        self.definition = definition
        self.plan = plan
        self.capacity = capacity
        self.every: Period = plan.as_of.every
        self.store = store
        self.until = until
        self.champion = champion
        self.trials = plan.estimator.search.trials if trials is None else trials
        self.threads = threads
        self.say = say
        self.monotone = {
            n: {"increasing": 1, "decreasing": -1}[f.monotone] for n, f in definition.named_features.items() if f.monotone
        }
        self.settings: dict[str, Any] = dict(plan.estimator.settings)
        self.seconds: dict[str, float] = {}
        self._mark = time.perf_counter()

    def run(self, evaluated: Callable[[dict[str, Any], Sequence[date]], None] | None = None) -> Trained:
        """Do it all; nothing is registered yet. `evaluated` is told the figures and test days before the final fit.

        Raises
        ------
        InputMissing
            JC4005, if no as-of date is old enough.
        CheckFailed
            JC4001, too few labels; JC4002, too little time; JC4003 and JC4006, leak alarms.
        """
        days = self.days()
        matrix = build_matrix(self.definition, self.store, days, self.every)
        self._lap("features", f"{len(matrix):,} × {len(matrix.features)}")
        outcomes = find_outcomes(self.definition, self.store, matrix, self.every)
        labels = outcomes.labels(midnight(self.until, self.store.office.zone))
        self._enough(labels)
        self._lap("labels", f"{int((labels == 1).sum()):,} / {int((labels == 0).sum()):,}")
        raise_all(refuse_leaks(leak_alarms(matrix.values, labels, matrix.features, self.plan.leaks)))
        filled = [d.item() for d in np.unique(matrix.as_of[~np.isnan(labels)])]
        folds = split_by_time(filled, self.plan.split, self.definition.label.within)
        tried = self._search(matrix, outcomes, folds[0])
        self._lap("search", f"{tried} trials")
        contests = [self._contest(matrix, outcomes, labels, fold) for fold in folds]
        self._lap("folds", f"{len(contests)} test periods")
        test = _together(contests, matrix)
        refuse_perfection(auc(test.scores["model"], test.labels), self.plan.leaks)
        rules = tuple(n for n in test.scores if n.startswith("rule:") or n == "rules_together")
        figures = evaluate(test, self.capacity, rules=rules)
        figures["folds"] = [c.described() for c in contests]
        figures["seeds"] = [round(s, 6) for s in contests[-1].seed_areas]
        figures["metrics"]["seed_spread"] = [float(np.ptp(contests[-1].seed_areas))] * 3
        self._group_figures(test, figures)
        chosen = np.concatenate([c.rows for c in contests])
        figures["drift"] = drift_profile({"margin": test.scores["model"], **{n: matrix.column(n)[chosen] for n in matrix.features}})
        figures["audit"] = audit_figures(test, [outcomes.channel[i] for i in chosen], self.capacity)
        self._lap("evaluation", "")
        test_days = tuple(d for f in folds for d in f.test)
        if evaluated:
            evaluated(figures, test_days)
        model = self._final(matrix, labels, test, figures, int(np.median([c.rounds for c in contests])))
        gates = check_gates(self.plan.gates, figures["metrics"])
        self._lap("final fit", f"{model.learned.trees} trees")
        return Trained(
            model, gates, figures, test, matrix.take(chosen), test_days,
            self._parameters(matrix, folds, tried, model), self.seconds,
        )

    def days(self) -> list[date]:
        """The as-of dates whose labels have had their time by `until`."""
        plan = self.plan.as_of
        within = self.definition.label.within
        last = plan.last if isinstance(plan.last, date) else self.until
        days = [d for d in date_series(plan.first, last, plan.every) if within.after(d) <= self.until]
        if not days:
            raise InputMissing("JC4005", until=self.until)
        return days

    def _lap(self, step: str, detail: str) -> None:
        now = time.perf_counter()
        self.seconds[step] = round(now - self._mark, 3)
        self._mark = now
        self.say(f"{step}: {detail}" if detail else step)

    def _enough(self, labels: NDArray[np.float64]) -> None:
        confirmed, cleared = int((labels == 1).sum()), int((labels == 0).sum())
        if min(confirmed, cleared) < self.plan.least_confirmed:
            raise CheckFailed("JC4001", model=self.name, confirmed=min(confirmed, cleared), least=self.plan.least_confirmed)

    # -- fitting -----------------------------------------------------------------------------------------------

    def _fits(self, values: NDArray[np.float64], labels: NDArray[np.float64], rounds: int) -> list[Fitted]:
        """One model per seed; their mean is the model."""
        return [
            fit(
                values, labels, self.definition.question.names, rounds=rounds, seed=seed, settings=self.settings,
                categorical=self.definition.categorical, monotone=self.monotone, weights=self._weights(labels), threads=self.threads,
            )
            for seed in self.plan.estimator.seeds
        ]

    def _weights(self, labels: NDArray[np.float64]) -> NDArray[np.float64] | None:
        if not self.plan.estimator.balance:
            return None
        rate = float(labels.mean())
        return np.asarray(np.where(labels == 1, 0.5 / rate, 0.5 / (1 - rate)), dtype=np.float64)

    def _rounds(
        self, values: NDArray[np.float64], labels: NDArray[np.float64], later: NDArray[np.bool_], settings: dict[str, Any], seed: int
    ) -> tuple[int, NDArray[np.float64]]:
        return best_rounds(
            (values[~later], labels[~later]), (values[later], labels[later]), self.definition.question.names,
            most=self.plan.estimator.rounds, patience=self.plan.estimator.early_stopping, seed=seed, settings=settings,
            categorical=self.definition.categorical, monotone=self.monotone, threads=self.threads,
        )

    def _training_rows(self, matrix: Matrix, outcomes: Outcomes, fold: Fold) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Rows of the training days that had a label before the test period began, and those labels."""
        known = outcomes.labels(midnight(fold.cutoff, self.store.office.zone))
        days = np.array([np.datetime64(d) for d in fold.train])
        rows = np.flatnonzero(np.isin(matrix.as_of, days) & ~np.isnan(known))
        return rows, known[rows]

    def _search(self, matrix: Matrix, outcomes: Outcomes, fold: Fold) -> int:
        rows, labels = self._training_rows(matrix, outcomes, fold)
        values = matrix.values[rows]
        later = later_part(matrix.as_of[rows], labels)
        if not self.trials or not later.any() or len(np.unique(labels[later])) < 2 or len(np.unique(labels[~later])) < 2:
            return 0

        def judge(settings: dict[str, Any]) -> float:
            _, margins = self._rounds(values, labels, later, {**self.settings, **settings}, self.plan.estimator.seeds[0])
            return float(np.mean(np.logaddexp(0, -margins) * labels[later] + np.logaddexp(0, margins) * (1 - labels[later])))

        from jcml.training.plan import Search

        budget = Search(self.trials, self.plan.estimator.search.minutes)
        found, tried = search_settings(judge, budget, seed=self.plan.estimator.seeds[0], say=lambda t: self.say(f"search {t}"))
        self.settings = {**found, **self.plan.estimator.settings}
        return tried

    def _contest(self, matrix: Matrix, outcomes: Outcomes, labels: NDArray[np.float64], fold: Fold) -> Contest:
        train, known = self._training_rows(matrix, outcomes, fold)
        if len(np.unique(known)) < 2:
            raise CheckFailed("JC4001", model=self.name, confirmed=int((known == 1).sum()), least=self.plan.least_confirmed)
        test = np.flatnonzero(np.isin(matrix.as_of, np.array([np.datetime64(d) for d in fold.test])))
        values, test_values = matrix.values[train], matrix.values[test]
        later = later_part(matrix.as_of[train], known)
        rounds, inner = self._rounds_of_seeds(values, known, later)
        margins_by_seed = [f.margins(test_values, threads=self.threads) for f in self._fits(values, known, rounds)]
        margins = np.mean(margins_by_seed, axis=0)
        areas = [auc(m, labels[test]) for m in margins_by_seed]
        calibration = Calibration("none") if inner is None else self._calibrate(inner, known[later])
        scores = {"model": margins, "random": random_scores([matrix.units[i] for i in test], seed=hash_date(fold.cutoff))}
        hits = {r: matrix.column(f"rule:{r}")[test] for r in matrix.rules}
        scores |= {f"rule:{r}": rule_scores(h) for r, h in hits.items()}
        if len(hits) > 1:
            scores["rules_together"] = rules_together(hits)
        single = best_single_feature(values, known, matrix.features, auc)
        scores["best_feature"] = single.scores(test_values)
        scores["logistic"] = Logistic(values, known).scores(test_values)
        if self.champion is not None and self.champion.fitted.features == matrix.features:
            if self.champion.trained_until <= str(fold.cutoff):  # a champion that learned from these outcomes would be flattered
                scores["champion"] = self.champion.fitted.margins(test_values)
            else:
                self.say(f"champion left out of {fold.test[0]}: it learned until {self.champion.trained_until}")
        seen = np.isin(matrix.unit_numbers[test], np.unique(matrix.unit_numbers[train]))
        return Contest(
            fold, test, labels[test], scores, seen, calibration.apply(margins), rounds, areas, single.name,
            len(train), int((known == 1).sum()),
        )

    def _rounds_of_seeds(
        self, values: NDArray[np.float64], labels: NDArray[np.float64], later: NDArray[np.bool_]
    ) -> tuple[int, NDArray[np.float64] | None]:
        """The median of the rounds that each seed finds best, and the mean of their margins on later time.

        One seed alone stops by chance a hundred trees too early or too late.
        """
        if not later.any() or len(np.unique(labels[later])) < 2 or len(np.unique(labels[~later])) < 2:
            return min(100, self.plan.estimator.rounds), None
        found = [self._rounds(values, labels, later, self.settings, seed) for seed in self.plan.estimator.seeds]
        return int(np.median([rounds for rounds, _ in found])), np.mean([margins for _, margins in found], axis=0)

    def _calibrate(self, margins: NDArray[np.float64], labels: NDArray[np.float64]) -> Calibration:
        known = ~np.isnan(labels)
        confirmed = int((labels == 1).sum())
        method = self.plan.calibration
        if method == "auto":
            method = choose_method(int(known.sum()), min(confirmed, int(known.sum()) - confirmed))
        if method == "none" or not known.any():
            return Calibration("none")
        return fit_calibration(margins[known], labels[known], method)

    def _final(
        self, matrix: Matrix, labels: NDArray[np.float64], test: TestRows, figures: dict[str, Any], rounds: int
    ) -> TrainedModel:
        """The model that is registered: fitted to all labelled rows, calibrated on the margins of later time."""
        known = np.flatnonzero(~np.isnan(labels))
        fitted = mean_of(self._fits(matrix.values[known], labels[known], rounds))
        calibration = self._calibrate(test.scores["model"], test.labels)
        return TrainedModel(
            self.name, fitted, calibration, self.definition.fingerprint, self.capacity, self.every.name, str(self.until),
            matrix.data_digest, len(known), int((labels == 1).sum()), figures, _bands(test.labels),
        )

    def _group_figures(self, test: TestRows, figures: dict[str, Any]) -> None:
        from jcml.metrics.groups import by_group, largest_gap, selection_rates

        selected = np.zeros(len(test.labels), dtype=bool)
        for day in np.unique(test.dates):
            chosen = np.flatnonzero(test.dates == day)
            selected[chosen[np.argsort(-test.scores["model"][chosen], kind="stable")[: self.capacity]]] = True
        figures["groups"] = {}
        gaps = []
        for name, members in test.groups.items():
            rates = selection_rates(selected, np.array(members))
            areas = by_group(auc, test.scores["model"], test.labels, np.array(members))
            gap = largest_gap(rates)
            rows = {
                str(g): {"n": r.n, "labelled": areas[g].labelled, "selected": _rounded(r.rate), "auc": _rounded(areas[g].value)}
                for g, r in rates.items()
            }
            figures["groups"][name] = {"largest_gap": _rounded(gap), "rows": rows}
            gaps += [gap] if gap is not None else []
        if gaps:
            figures["metrics"]["group_gap"] = [max(gaps)] * 3

    def _parameters(self, matrix: Matrix, folds: list[Fold], tried: int, model: TrainedModel) -> dict[str, Any]:
        return {
            "until": self.until, "as_of_dates": len(np.unique(matrix.as_of)), "rows": len(matrix), "features": len(matrix.features),
            "folds": len(folds), "trials": tried, "trees": model.learned.trees, "calibration": model.calibration.method,
            "fingerprint": model.fingerprint, "data_digest": model.data_digest, "matrix_digest": matrix.digest,
            "capacity": self.capacity, "jcml": jcml.__version__, **{f"setting.{k}": v for k, v in self.settings.items()},
        }


@dataclass
class Contest:
    """One test period: its rows and everybody's scores.

    >>> fold = Fold((date(2023, 1, 1),), (date(2024, 1, 1),))
    >>> scores = {"model": np.array([2.0, 1.0])}
    >>> Contest(fold, np.arange(2), np.array([1.0, 0.0]), scores, np.zeros(2, bool), np.array([0.8, 0.2]), 60, [1.0], "a", 90, 30).described()["auc"]
    1.0
    """

    fold: Fold
    rows: NDArray[np.int64]
    labels: NDArray[np.float64]
    scores: dict[str, NDArray[np.float64]]
    seen: NDArray[np.bool_]
    probabilities: NDArray[np.float64]
    rounds: int
    seed_areas: list[float]
    best_feature: str
    train_rows: int
    train_confirmed: int

    def described(self) -> dict[str, Any]:
        """What it was, for the model card."""
        area = auc(self.scores["model"], self.labels)
        return {
            "train_from": str(self.fold.train[0]), "train_to": str(self.fold.train[-1]), "test_from": str(self.fold.test[0]),
            "test_to": str(self.fold.test[-1]), "train_rows": self.train_rows, "train_confirmed": self.train_confirmed,
            "test_rows": len(self.rows), "labelled": int((~np.isnan(self.labels)).sum()), "confirmed": int((self.labels == 1).sum()),
            "auc": None if area != area else round(area, 6), "trees": self.rounds, "best_feature": self.best_feature,
        }


def _together(contests: list[Contest], matrix: Matrix) -> TestRows:
    rows = np.concatenate([c.rows for c in contests])
    groups = {g: matrix.group(g) for g in matrix.groups}
    names = set.intersection(*(set(c.scores) for c in contests))
    _, numbers = np.unique(matrix.as_of[rows], return_inverse=True)
    return TestRows(
        np.concatenate([c.labels for c in contests]), numbers.astype(np.int64), matrix.unit_numbers[rows],
        {n: np.concatenate([c.scores[n] for c in contests]) for n in contests[0].scores if n in names},
        np.concatenate([c.seen for c in contests]), np.concatenate([c.probabilities for c in contests]),
        {g: [members[i] for i in rows] for g, members in groups.items()},
    )


def _bands(labels: NDArray[np.float64]) -> tuple[tuple[str, float], ...]:
    """High, medium and low: twice the usual rate and more, the usual rate and more, less."""
    known = ~np.isnan(labels)
    rate = float(labels[known].mean()) if known.any() else 0.2
    return (("high", round(min(0.9, 2 * rate), 4)), ("medium", round(rate, 4)), ("low", 0.0))


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else round(float(value), 6)


def hash_date(day: date) -> int:
    """A seed that differs per day and never changes.

    >>> hash_date(date(2024, 1, 1))
    738886
    """
    return day.toordinal()


def register(trained: Trained, registry: Registry, files: Callable[[Trained, Path], None]) -> TrainedModel:
    """Log a training run with its files and register its model as challenger; returns it with its version.

    >>> from jcml.workspace.example import example_training
    >>> registry = Registry(Path(tempfile.mkdtemp()))
    >>> register(example_training(), registry, lambda run, folder: None).version
    1
    >>> registry.versions("reverse_penalty_link")[0].aliases
    ('challenger',)
    """
    from dataclasses import replace

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files(trained, folder)
        metrics = {k: v[0] for k, v in trained.figures["metrics"].items() if v and v[0] is not None}
        metrics |= {f"{k}_low": v[1] for k, v in trained.figures["metrics"].items() if v and v[1] is not None}
        gates = {
            g.gate.metric: {"kept": g.kept, "says": g.says, "because": g.gate.because} for g in trained.gates
        }
        number = registry.register(trained.model, Evidence(trained.parameters, metrics, gates, folder))
    return replace(trained.model, version=number)
