"""How good a ranking is on later time: against chance, the rules, a straight line and the champion, on the same rows.

Only checked rows have a label. Figures therefore come in two kinds: bounds over the whole list, with unknown
counted once as not confirmed and once as confirmed; and figures over labelled rows, ranked among themselves at the
capacity's share of the list, with an interval from resampling real units. Neither knows why a row was checked; the
audit share does (`jcml.metrics.audit`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jcml.metrics.audit import audit_hit_rate, false_share_bound
from jcml.metrics.calibration import brier, expected_calibration_error, reliability
from jcml.metrics.intervals import bootstrap, resamples
from jcml.metrics.ranking import auc, average_precision, precision_at_capacity

Vector = NDArray[np.float64]
REPEATS = 500

METRICS: dict[str, tuple[str, str, str]] = {
    "auc": ("曲线下面积（已核查行）", "area under the ROC curve, labelled rows", "at_least"),
    "average_precision": ("平均精确率（已核查行）", "average precision, labelled rows", "at_least"),
    "precision_at_capacity": ("办理容量内查实率（已核查行中排序）", "precision at capacity, among labelled rows", "at_least"),
    "gain_over_random": ("比随机多查实的比例", "precision at capacity less that of chance", "at_least"),
    "gain_over_best_rule": ("比最好的规则多查实的比例", "precision at capacity less that of the best rule", "at_least"),
    "gain_over_best_feature": ("比最好的单个特征多查实的比例", "precision at capacity less that of the best single feature", "at_least"),
    "gain_over_logistic": ("比逻辑回归多查实的比例", "precision at capacity less that of logistic regression", "at_least"),
    "gain_over_champion": ("比在用模型多查实的比例", "precision at capacity less that of the champion", "at_least"),
    "calibration_error": ("校准误差", "expected calibration error", "at_most"),
    "brier": ("布里尔分数", "Brier score", "at_most"),
    "seed_spread": ("换随机种子的波动（曲线下面积）", "spread of the area over seeds", "at_most"),
    "unseen_auc": ("训练中未出现过的对象的曲线下面积", "area for units never seen in training", "at_least"),
    "group_gap": ("各组入选率的最大差距", "largest gap of selection rates between groups", "at_most"),
}
"""Every metric a gate may name: Chinese, English, and whether more or less is better."""


@dataclass(frozen=True)
class Figure:
    """A measured number with its 95 % interval; NaN where it has no meaning.

    >>> Figure(0.5, 0.4, 0.6).as_list()
    [0.5, 0.4, 0.6]
    """

    value: float
    low: float
    high: float

    def as_list(self) -> list[float | None]:
        """Value, low, high; None for NaN, so that it can be written as JSON."""
        return [None if v != v else round(float(v), 6) for v in (self.value, self.low, self.high)]


@dataclass(frozen=True)
class TestRows:
    """The rows of all test periods together, with the scores that each contestant gave them.

    Parameters
    ----------
    labels : (n,) 1, 0 or NaN
    dates : (n,) whole numbers, one per as-of date
    units : (n,) whole numbers, one per real unit
    scores : mapping of contestant to (n,)
        `model` and the baselines.
    seen : (n,) bool
        Whether the unit was in the training rows of its fold.
    probabilities : (n,)
        Of the model, calibrated on earlier time.

    >>> rows = TestRows(np.array([1.0, np.nan]), np.zeros(2, int), np.arange(2), {"model": np.array([0.9, 0.1])}, np.zeros(2, bool), np.full(2, 0.5))
    >>> list(rows.scores)
    ['model']
    """

    __test__ = False

    labels: Vector
    dates: NDArray[np.int64]
    units: NDArray[np.int64]
    scores: Mapping[str, Vector]
    seen: NDArray[np.bool_]
    probabilities: Vector
    groups: Mapping[str, list[str]] = field(default_factory=dict)


def evaluate(rows: TestRows, capacity: int, *, seed: int = 0, rules: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every figure of an evaluation, ready to be written as JSON.

    Parameters
    ----------
    rows : TestRows
    capacity : int
        Clues per as-of date.
    rules : tuple of str
        The contestants that are practitioners' rules.

    >>> labels = np.tile([1.0, 0.0], 20)
    >>> scores = {"model": labels, "random": np.arange(40.0)}
    >>> rows = TestRows(labels, np.zeros(40, int), np.arange(40), scores, np.zeros(40, bool), labels * 0.8 + 0.1)
    >>> evaluate(rows, 4)["metrics"]["precision_at_capacity"]
    [1.0, 1.0, 1.0]
    """
    model = rows.scores["model"]
    figures: dict[str, Any] = {
        "capacity": capacity,
        "rows": len(rows.labels),
        "labelled": int((~np.isnan(rows.labels)).sum()),
        "confirmed": int((rows.labels == 1).sum()),
        "metrics": {},
        "contestants": {},
        "by_date": by_date(rows, capacity),
        "reliability": [
            [int(b.n), round(b.mean_probability, 6), round(b.confirmed_share, 6), round(b.interval.low, 6), round(b.interval.high, 6)]
            for b in reliability(rows.probabilities, rows.labels, 8)
        ],
    }
    metrics = figures["metrics"]
    metrics["auc"] = _interval(auc, rows, model, seed).as_list()
    metrics["average_precision"] = _interval(average_precision, rows, model, seed).as_list()
    metrics["brier"] = _of_probabilities(brier, rows, seed).as_list()
    metrics["calibration_error"] = _of_probabilities(expected_calibration_error, rows, seed).as_list()
    low, high = whole_list_bounds(rows, model, capacity)
    figures["whole_list"] = [round(low, 6), round(high, 6)]
    unseen = ~rows.seen
    if (~np.isnan(rows.labels[unseen])).sum() >= 20:
        metrics["unseen_auc"] = _interval(auc, rows, model, seed, unseen).as_list()
    contest = precision_contest(rows, capacity, seed)
    for name, scores in rows.scores.items():
        own, gained = contest[name]
        figures["contestants"][name] = {
            "auc": _interval(auc, rows, scores, seed, repeats=0).as_list()[0],
            "precision_at_capacity": own.as_list(),
            "gain": gained.as_list() if name != "model" else None,
        }
    metrics["precision_at_capacity"] = contest["model"][0].as_list()
    best = max(rules, key=lambda r: figures["contestants"][r]["precision_at_capacity"][0] or 0.0, default="")
    figures["best_rule"] = best
    for metric, name in (
        ("gain_over_random", "random"), ("gain_over_best_rule", best), ("gain_over_best_feature", "best_feature"),
        ("gain_over_logistic", "logistic"), ("gain_over_champion", "champion"),
    ):
        if name in figures["contestants"]:
            metrics[metric] = figures["contestants"][name]["gain"]
    return figures


def labelled_precision(scores: Vector, labels: Vector, dates: NDArray[np.int64], share: Vector) -> float:
    """Confirmed share of the first places when labelled rows are ranked per date, at that date's share of the list.

    `share` is indexed by date number; ties are counted by expectation. NaN without a labelled row.

    >>> labelled_precision(np.array([3.0, 2.0, 1.0]), np.array([1.0, 0.0, np.nan]), np.zeros(3, int), np.array([0.5]))
    1.0
    """
    known = ~np.isnan(labels)
    return _precision(scores[known], labels[known], dates[known], share)


def _precision(scores: Vector, labels: Vector, dates: NDArray[np.int64], share: Vector) -> float:
    hits = places = 0.0
    for day in np.flatnonzero(np.bincount(dates)):
        chosen = np.flatnonzero(dates == day)
        k = min(len(chosen), max(1, int(len(chosen) * share[day] + 0.5)))
        s, y = scores[chosen], labels[chosen]
        cut = np.partition(s, len(s) - k)[len(s) - k]
        above, tied = s > cut, s == cut
        hits += y[above].sum() + (k - above.sum()) * y[tied].mean()
        places += k
    return float(hits / places) if places else float("nan")


def shares(rows: TestRows, capacity: int) -> Vector:
    """The share of each date's list that the capacity covers, indexed by date number.

    >>> rows = TestRows(np.zeros(4), np.zeros(4, int), np.arange(4), {}, np.zeros(4, bool), np.zeros(4))
    >>> shares(rows, 2)
    array([0.5])
    """
    return np.minimum(1.0, capacity / np.maximum(1, np.bincount(rows.dates)))


def precision_contest(rows: TestRows, capacity: int, seed: int) -> dict[str, tuple[Figure, Figure]]:
    """For every contestant: precision at capacity among labelled rows, and how much more the model's is.

    All of them are measured on the same resamples of real units, so a gain's interval knows that both orders look at
    the same rows.

    >>> labels = np.tile([1.0, 0.0], 20)
    >>> rows = TestRows(labels, np.zeros(40, int), np.arange(40), {"model": labels, "rule:r": -labels}, np.zeros(40, bool), labels)
    >>> own, gained = precision_contest(rows, 4, seed=0)["rule:r"]
    >>> own.value, gained.value
    (0.0, 1.0)
    """
    known = ~np.isnan(rows.labels)
    nothing = Figure(float("nan"), float("nan"), float("nan"))
    if not known.any():
        return dict.fromkeys(rows.scores, (nothing, nothing))
    share, y, d = shares(rows, capacity), rows.labels[known], rows.dates[known]
    scores = {name: s[known] for name, s in rows.scores.items()}
    values = {name: _precision(s, y, d, share) for name, s in scores.items()}
    drawn: dict[str, list[float]] = {name: [] for name in scores}
    for chosen in resamples(rows.units[known], REPEATS, np.random.default_rng(seed)):
        labels, dates = y[chosen], d[chosen]
        for name, s in scores.items():
            drawn[name].append(_precision(s[chosen], labels, dates, share))
    model = np.array(drawn["model"])
    made = {}
    for name, value in values.items():
        own = np.array(drawn[name])
        made[name] = (_spread(value, own), _spread(values["model"] - value, model - own))
    return made


def _spread(value: float, drawn: Vector) -> Figure:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Figure(value, float(low), float(high))


def whole_list_bounds(rows: TestRows, scores: Vector, capacity: int) -> tuple[float, float]:
    """Precision of the whole lists, unknown counted once as not confirmed and once as confirmed; (low, high).

    >>> rows = TestRows(np.array([1.0, np.nan]), np.zeros(2, int), np.arange(2), {}, np.zeros(2, bool), np.zeros(2))
    >>> whole_list_bounds(rows, np.array([2.0, 1.0]), 2)
    (0.5, 1.0)
    """
    low = high = places = 0.0
    for day in np.unique(rows.dates):
        chosen = rows.dates == day
        k = min(capacity, int(chosen.sum()))
        bounds = precision_at_capacity(scores[chosen], rows.labels[chosen], k)
        low, high, places = low + bounds.lower * k, high + bounds.upper * k, places + k
    return (low / places, high / places) if places else (0.0, 1.0)


def by_date(rows: TestRows, capacity: int) -> list[dict[str, Any]]:
    """Per as-of date: how many were labelled, and precision at capacity of the model and of chance.

    >>> rows = TestRows(np.array([1.0, 0.0]), np.array([0, 1]), np.arange(2), {"model": np.zeros(2)}, np.zeros(2, bool), np.zeros(2))
    >>> [(day["date"], day["precision"]["model"]) for day in by_date(rows, 1)]
    [(0, 1.0), (1, 0.0)]
    """
    share = shares(rows, capacity)
    made = []
    for day in np.unique(rows.dates):
        chosen = rows.dates == day
        known = chosen & ~np.isnan(rows.labels)
        scores = {
            name: labelled_precision(s[chosen], rows.labels[chosen], rows.dates[chosen], share)
            for name, s in rows.scores.items()
        }
        made.append({
            "date": int(day), "rows": int(chosen.sum()), "labelled": int(known.sum()),
            "confirmed": int((rows.labels[chosen] == 1).sum()),
            "precision": {n: None if v != v else round(v, 6) for n, v in scores.items()},
        })
    return made


def audit_figures(rows: TestRows, channels: list[str], capacity: int) -> dict[str, Any] | None:
    """What rows drawn at random say, without the bias of those that somebody chose: the base rate of the population,
    and an upper bound on the share of false clues above the list's threshold. None without audited rows.

    >>> audit_figures(TestRows(np.zeros(1), np.zeros(1, int), np.zeros(1, int), {}, np.zeros(1, bool), np.zeros(1)), [""], 1)
    """
    audited = np.array([c == "audit" for c in channels])
    labels = rows.labels[audited]
    if not audited.any() or not (~np.isnan(labels)).any():
        return None
    scores = rows.scores["model"]
    thresholds = []
    for day in np.unique(rows.dates):
        ordered = np.sort(scores[rows.dates == day])[::-1]
        thresholds.append(ordered[min(capacity, len(ordered)) - 1])
    estimate = audit_hit_rate(labels, np.ones(len(labels)))
    bound = false_share_bound(scores[audited], labels, float(np.median(thresholds)))
    return {
        "n": int(estimate.n), "rate": [_plain(estimate.rate), _plain(estimate.low), _plain(estimate.high)],
        "false_share_at_most": _plain(bound) if bound is not None else None,
        "auc": _plain(auc(scores[audited], labels)) if len(np.unique(labels[~np.isnan(labels)])) == 2 else None,
    }


def _plain(value: float) -> float | None:
    return None if value != value else round(float(value), 6)


def _interval(
    statistic: Any, rows: TestRows, scores: Vector, seed: int, chosen: NDArray[np.bool_] | None = None, repeats: int = REPEATS
) -> Figure:
    known = ~np.isnan(rows.labels) if chosen is None else chosen & ~np.isnan(rows.labels)
    y = rows.labels[known]
    if not known.any() or len(np.unique(y)) < 2:
        return Figure(float("nan"), float("nan"), float("nan"))
    value = statistic(scores[known], y)
    if not repeats:
        return Figure(value, value, value)
    found = bootstrap(statistic, scores[known], y, groups=rows.units[known], repeats=repeats, seed=seed)
    return Figure(value, found.low, found.high)


def _of_probabilities(statistic: Any, rows: TestRows, seed: int) -> Figure:
    known = ~np.isnan(rows.labels)
    if not known.any():
        return Figure(float("nan"), float("nan"), float("nan"))
    given = (rows.probabilities[known], rows.labels[known])
    found = bootstrap(statistic, *given, groups=rows.units[known], repeats=REPEATS, seed=seed)
    return Figure(statistic(*given), found.low, found.high)
