"""How a supervision model learns: `training/NAME.yaml` as a value.

A number that decides something says why: every gate has a `because`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from jcml.dates import Period, months
from jcml.errors import ConfigurationError, nearest

LEAST_WORDS = 4
"""A reason has at least so many characters."""


@dataclass(frozen=True)
class AsOf:
    """On which days units are looked at.

    Parameters
    ----------
    first : date
        The first as-of date.
    every : Period
        The step to the next; the same as in the serving plan.
    last : date or "newest"
        `newest` means the newest day on which every label has had its time.

    >>> from datetime import date
    >>> AsOf(first=date(2021, 1, 1), every=months(3)).last
    'newest'
    """

    first: date
    every: Period
    last: date | Literal["newest"] = "newest"

    def __post_init__(self) -> None:
        if self.every.unbounded:
            raise ValueError("every cannot be 'ever'")
        if isinstance(self.last, date) and self.last < self.first:
            raise ValueError("last lies before first")


@dataclass(frozen=True)
class Split:
    """How the past is cut into training and test, always by time.

    Parameters
    ----------
    by : {"time"}
        There is no other way: a shuffled split shows what a model cannot do.
    test : Period
        Length of one test period.
    folds : int
        How many test periods, the newest last.
    gap : Period or None
        Between the last training day and the first test day; by default, and at least, the label's `within`.
    least_train : Period
        A fold with less before it is left out.

    >>> Split(test=months(6)).folds
    3
    """

    test: Period
    by: Literal["time"] = "time"
    folds: int = 3
    gap: Period | None = None
    least_train: Period = field(default_factory=lambda: months(12))

    def __post_init__(self) -> None:
        if self.folds < 1:
            raise ValueError("folds must be at least 1")


@dataclass(frozen=True)
class Search:
    """How long Optuna may look for better settings.

    Parameters
    ----------
    trials : int
        At most so many settings; 0 keeps those of the plan.
    minutes : float
        At most so long; a slower machine tries fewer.

    >>> Search().trials
    20
    """

    trials: int = 20
    minutes: float = 5.0

    def __post_init__(self) -> None:
        if self.trials < 0 or self.minutes <= 0:
            raise ValueError("trials and minutes cannot be negative")


@dataclass(frozen=True)
class EstimatorPlan:
    """What is fitted.

    Parameters
    ----------
    settings : mapping
        LightGBM's own parameters; they replace the defaults.
    rounds : int
        The most trees; early stopping may choose fewer.
    early_stopping : int
        Stop when so many further trees have not lowered the log-loss on the later part of the training rows.
    seeds : tuple of int
        One fit each. The model is their mean; their spread shows how much the result hangs on chance.
    search : Search
        The budget for better settings.
    balance : bool
        Weigh the classes equally while fitting; calibration undoes it.

    >>> EstimatorPlan().rounds
    600
    """

    settings: dict[str, float] = field(default_factory=dict)
    rounds: int = 600
    early_stopping: int = 60
    seeds: tuple[int, ...] = (1, 2, 3)
    search: Search = field(default_factory=Search)
    balance: bool = False

    def __post_init__(self) -> None:
        if not self.seeds:
            raise ValueError("seeds needs at least one number")
        if self.rounds < 1 or self.early_stopping < 1:
            raise ValueError("rounds and early_stopping must be at least 1")


@dataclass(frozen=True)
class Gate:
    """A condition that a trained model must meet before a person may promote it, and why.

    Parameters
    ----------
    metric : str
        One of `jcml.training.evaluate.METRICS`, which docs/reference/plans.md lists.
    because : str
        The reason for the number.
    at_least, at_most : float or None
        One of the two; the lower end of the interval must reach `at_least`, the upper end may not exceed `at_most`.

    >>> Gate("auc", "random is 0.5", at_least=0.6).at_least
    0.6
    """

    metric: str
    because: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a gate has either at_least or at_most")
        if len(self.because.strip()) < LEAST_WORDS:
            raise ValueError("because must say why")
        from jcml.training.evaluate import METRICS

        if self.metric not in METRICS:
            raise ConfigurationError("JC4004", metric=self.metric, nearest=nearest(self.metric, METRICS), allowed=", ".join(METRICS))


@dataclass(frozen=True)
class Leaks:
    """When a feature is too good to be true.

    Parameters
    ----------
    single_feature_auc : float
        A feature that alone separates the labels this well (or this well the other way round) stops the run.
    model_auc : float
        A model that separates the labels of a later time this well stops the run as well: the label is then a
        formula of the features, or a source arrived with it.
    allow : mapping of feature to reason
        Features a person has looked at, and why they are no leak.
    allow_model : str
        Why the model may be so good; empty when nobody has looked.

    >>> Leaks().single_feature_auc
    0.95
    """

    single_feature_auc: float = 0.95
    model_auc: float = 0.98
    allow: dict[str, str] = field(default_factory=dict)
    allow_model: str = ""

    def __post_init__(self) -> None:
        if not 0.5 < self.single_feature_auc <= 1 or not 0.5 < self.model_auc <= 1:
            raise ValueError("an area lies between 0.5 and 1; an alarm that never rings is none")
        if any(len(reason.strip()) < LEAST_WORDS for reason in self.allow.values()):
            raise ValueError("allow must say why a feature is no leak")


@dataclass(frozen=True)
class TrainingPlan:
    """Everything `training/NAME.yaml` says.

    Parameters
    ----------
    as_of : AsOf
        On which days units are looked at.
    split : Split
        How the past is cut into training and test.
    gates : tuple of Gate
        What a trained model must show before a person may promote it; at least one.
    estimator : EstimatorPlan
        What is fitted, and how long better settings are looked for.
    calibration : {"auto", "none", "platt", "beta", "isotonic"}
        How margins become probabilities; `auto` takes what the number of labelled rows can carry.
    leaks : Leaks
        When a result is too good to be true.
    least_confirmed : int
        With fewer confirmed, or fewer not confirmed rows, nothing is trained.

    >>> from datetime import date
    >>> gate = Gate("gain_over_best_rule", "what the rules can do needs no model", at_least=0.0)
    >>> TrainingPlan(AsOf(date(2021, 1, 1), months(3)), Split(test=months(6)), (gate,)).least_confirmed
    20
    """

    as_of: AsOf
    split: Split
    gates: tuple[Gate, ...]
    estimator: EstimatorPlan = field(default_factory=EstimatorPlan)
    calibration: Literal["auto", "none", "platt", "beta", "isotonic"] = "auto"
    leaks: Leaks = field(default_factory=Leaks)
    least_confirmed: int = 20

    def __post_init__(self) -> None:
        if not self.gates:
            raise ValueError("a model without a gate cannot be promoted; write at least one")
