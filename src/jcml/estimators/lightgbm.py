"""LightGBM, and SHAP through it; the only door to both.

A model is a native `Booster` and its text: nothing is pickled. Margins (log-odds) order units, probabilities come
from calibration, and contributions are exact SHAP values of the margin (path-dependent, Lundberg et al., Nature
Machine Intelligence 2, 2020), which LightGBM computes itself and `shap` draws.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jcml.errors import ConfigurationError, NotPermitted, nearest

if TYPE_CHECKING:
    import lightgbm

DEFAULTS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.04,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_cat_to_onehot": 8,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
LONGEST_TEXT = 256 * 1024 * 1024


@dataclass(frozen=True)
class Fitted:
    """A fitted LightGBM model as its own text.

    Parameters
    ----------
    text : str
        LightGBM's native format.
    features : tuple of str
        The columns it expects, in order.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 2)); y = (x[:, 0] > 0).astype(float)
    >>> model = fit(x, y, ("a", "b"), rounds=5, seed=1)
    >>> bool(model.margins(x)[y == 1].mean() > model.margins(x)[y == 0].mean())
    True
    """

    text: str
    features: tuple[str, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        return Fitted, (self.text, self.features)  # to another process travels the text alone

    @cached_property
    def booster(self) -> lightgbm.Booster:
        """The model, ready to score."""
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def trees(self) -> int:
        """How many trees it has."""
        return int(self.booster.num_trees())

    def margins(self, values: NDArray[np.float64], *, threads: int = 0) -> NDArray[np.float64]:
        """(n,) log-odds of an (n, k) matrix whose columns stand in the order of `features`; NaN is unknown."""
        if not len(values):
            return np.empty(0)
        made = self.booster.predict(np.ascontiguousarray(values), raw_score=True, num_threads=threads)
        return np.asarray(made, dtype=np.float64)

    def contributions(self, values: NDArray[np.float64], *, threads: int = 0) -> NDArray[np.float64]:
        """(n, k + 1) exact SHAP values in log-odds, the base value last; each row adds up to its margin."""
        if not len(values):
            return np.empty((0, len(self.features) + 1))
        made = self.booster.predict(np.ascontiguousarray(values), pred_contrib=True, num_threads=threads)
        return np.asarray(made, dtype=np.float64)

    def importance(self) -> dict[str, float]:
        """Total gain per feature, as shares that add up to 1."""
        gain = np.asarray(self.booster.feature_importance("gain"), dtype=float)
        total = gain.sum() or 1.0
        return {name: float(g / total) for name, g in zip(self.features, gain, strict=True)}


def read_fitted(text: str, features: Sequence[str], digest: str = "") -> Fitted:
    """A model from its text, checked before it is parsed.

    Raises
    ------
    NotPermitted
        JC5003, if the digest differs; JC5004, if the text is no LightGBM model or expects other columns.

    >>> read_fitted("not a model", ("a",))
    Traceback (most recent call last):
    jcml.errors.NotPermitted: JC5004: the trained model is not a LightGBM text model with the expected features
    """
    if digest and hashlib.sha256(text.encode()).hexdigest() != digest:
        raise NotPermitted("JC5003")
    head = text[:200_000]
    if len(text) > LONGEST_TEXT or not head.startswith("tree\n") or "\nobjective=binary" not in head:
        raise NotPermitted("JC5004")
    named = next((line for line in head.splitlines() if line.startswith("feature_names=")), "")
    if named.removeprefix("feature_names=").split(" ") != list(features):
        raise NotPermitted("JC5004")
    if not _whole(text, len(features)):
        raise NotPermitted("JC5004")
    fitted = Fitted(text, tuple(features))
    import lightgbm

    try:
        _ = fitted.booster
    except lightgbm.basic.LightGBMError:
        raise NotPermitted("JC5004") from None
    return fitted


def _whole(text: str, features: int) -> bool:
    """Whether every tree is there and is a tree; LightGBM reads them side by side and ends the process where one is not."""
    body, end, _ = text.partition("\nend of trees\n")
    head, *trees = body.split("\nTree=")
    told = next((line for line in head.splitlines() if line.startswith("tree_sizes=")), "").removeprefix("tree_sizes=")
    sizes = [str(len(f"Tree={tree}\n".encode())) for tree in trees]
    try:
        return bool(end) and told.split() == sizes and all(_is_tree(tree, features) for tree in trees)
    except (KeyError, ValueError):
        return False


def _is_tree(text: str, features: int) -> bool:
    """Whether each split reads a feature there is, and each node and leaf is reached once, from an earlier node.

    A line that is missing, or holds something else than numbers, is a KeyError or a ValueError.
    """
    lines = dict(line.split("=", 1) for line in text.splitlines()[1:] if line)
    numbers = {name: [float(n) for n in line.split()] for name, line in lines.items()}
    leaves, categories = int(lines["num_leaves"]), int(lines["num_cat"])
    nodes = leaves - 1
    if leaves == 1:  # a constant; LightGBM leaves out what it does not need
        return categories == 0 and len(numbers["leaf_value"]) == 1 and bool(np.isfinite(numbers["leaf_value"]).all())
    for name in ("leaf_value", "leaf_count", "leaf_weight", "split_feature", "threshold", "internal_value", "internal_weight", "internal_count"):
        if len(numbers[name]) != (leaves if name.startswith("leaf_") else nodes):
            return False
    splits, thresholds, kinds = numbers["split_feature"], numbers["threshold"], [int(k) for k in lines["decision_type"].split()]
    children = [[int(c) for c in lines[side].split()] for side in ("left_child", "right_child")]
    starts = [int(n) for n in lines.get("cat_boundaries", "0").split()]
    codes = numbers.get("cat_threshold", [])
    return (
        leaves > 1 and int(lines["is_linear"]) == 0 and bool(np.isfinite(numbers["leaf_value"]).all())
        and not np.isnan(thresholds).any()  # infinite where a split tells missing from present
        and {len(kinds), *map(len, children)} == {nodes} and all(0 <= s < features for s in splits)
        and all(not kind & 1 or 0 <= at < categories for kind, at in zip(kinds, thresholds, strict=True))
        and len(starts) == categories + 1 and starts[0] == 0 and starts[-1] == len(codes) and sorted(starts) == starts
        and sorted(c for side in children for c in side) == [*range(-leaves, 0), *range(1, nodes)]
        and all(c < 0 or c > node for side in children for node, c in enumerate(side))
    )


def fit(
    values: NDArray[np.float64],
    labels: NDArray[np.float64],
    features: Sequence[str],
    *,
    rounds: int,
    seed: int,
    settings: Mapping[str, Any] | None = None,
    categorical: Sequence[str] = (),
    monotone: Mapping[str, int] | None = None,
    weights: NDArray[np.float64] | None = None,
    threads: int = 0,
) -> Fitted:
    """Fit so many trees to labelled rows.

    Parameters
    ----------
    values : (n, k)
        NaN is unknown and takes its own way down each tree.
    labels : (n,)
        1 or 0; unknown labels are not passed here.
    categorical : sequence of str
        Features that are codes.
    monotone : mapping of feature to 1 or -1
        The score may only rise, or only fall, with it.

    >>> x = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> fit(x, (x[:, 0] > 0).astype(float), ("a",), rounds=5, seed=1).trees
    5
    """
    import lightgbm

    data = _dataset(values, labels, features, categorical, weights)
    with _accepted(settings):
        booster = lightgbm.train(_parameters(settings, seed, threads, features, monotone), data, num_boost_round=rounds)
    return Fitted(booster.model_to_string(num_iteration=-1), tuple(features))


def mean_of(fits: Sequence[Fitted]) -> Fitted:
    """One model whose margin is the mean of several models' margins: all their trees, each with its share.

    Models that differ only by the seed of their sampling disagree by chance; their mean disagrees less. It stays one
    LightGBM text, so contributions stay exact.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 2)); y = (x[:, 0] > 0).astype(float)
    >>> fits = [fit(x, y, ("a", "b"), rounds=5, seed=s) for s in (1, 2)]
    >>> bool(np.allclose(mean_of(fits).margins(x), (fits[0].margins(x) + fits[1].margins(x)) / 2, rtol=0, atol=1e-12))
    True
    """
    if len(fits) == 1:
        return fits[0]
    import lightgbm

    head, _, rest = fits[0].text.partition("\n\nTree=")
    tail = rest[rest.index("end of trees") :]
    trees = [_shared(block, len(fits)) for f in fits for block in _trees(f.text)]
    numbered = [f"Tree={i}\n{block}" for i, block in enumerate(trees)]
    head = "\n".join(line for line in head.splitlines() if not line.startswith("tree_sizes="))
    sizes = " ".join(str(len(block.encode())) for block in numbered)
    merged = lightgbm.Booster(model_str=f"{head}\ntree_sizes={sizes}\n\n{''.join(numbered)}{tail}")
    return Fitted(merged.model_to_string(num_iteration=-1), fits[0].features)


def _trees(text: str) -> list[str]:
    """The trees of a model's text, without their numbers."""
    body = text[text.index("\nTree=") : text.index("end of trees")]
    return [block.partition("\n")[2] for block in body.split("\nTree=")[1:]]


def _shared(block: str, among: int) -> str:
    """A tree that counts for one of so many."""
    lines = block.split("\n")
    for index, line in enumerate(lines):
        name, _, numbers = line.partition("=")
        if name in ("leaf_value", "internal_value"):
            lines[index] = f"{name}={' '.join(repr(float(n) / among) for n in numbers.split())}"
    return "\n".join(lines)


def best_rounds(
    train: tuple[NDArray[np.float64], NDArray[np.float64]],
    later: tuple[NDArray[np.float64], NDArray[np.float64]],
    features: Sequence[str],
    *,
    most: int,
    patience: int,
    seed: int,
    settings: Mapping[str, Any] | None = None,
    categorical: Sequence[str] = (),
    monotone: Mapping[str, int] | None = None,
    threads: int = 0,
) -> tuple[int, NDArray[np.float64]]:
    """How many trees serve rows of a later time best, by log-loss, and the margins they get there.

    >>> x = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> y = (x[:, 0] > 0).astype(float)
    >>> rounds, margins = best_rounds((x, y), (x, y), ("a",), most=20, patience=5, seed=1)
    >>> 1 <= rounds <= 20, len(margins)
    (True, 200)
    """
    import lightgbm

    data = _dataset(*train, features, categorical, None)
    valid = lightgbm.Dataset(later[0], later[1], reference=data, free_raw_data=False)
    parameters = {**_parameters(settings, seed, threads, features, monotone), "metric": "binary_logloss"}
    with _accepted(settings):
        booster = lightgbm.train(
            parameters, data, num_boost_round=most, valid_sets=[valid],
            callbacks=[lightgbm.early_stopping(patience, verbose=False)],
        )
    rounds = max(1, int(booster.best_iteration))
    margins = booster.predict(later[0], raw_score=True, num_iteration=rounds, num_threads=threads)
    return rounds, np.asarray(margins, dtype=np.float64)


@contextmanager
def _accepted(settings: Mapping[str, Any] | None) -> Iterator[None]:
    """Refuse settings (JC4007) that LightGBM does not know, which it would pass over, and those that it refuses."""
    import lightgbm

    known = {alias for names in lightgbm.basic._ConfigAliases._get_all_param_aliases().values() for alias in names}
    if unknown := sorted(set(settings or ()) - known):
        raise ConfigurationError("JC4007", problem=", ".join(unknown), nearest=nearest(unknown[0], known))
    try:
        yield
    except lightgbm.basic.LightGBMError as error:
        raise ConfigurationError("JC4007", problem=str(error).split(" at /")[0]) from None


def _dataset(
    values: NDArray[np.float64],
    labels: NDArray[np.float64],
    features: Sequence[str],
    categorical: Sequence[str],
    weights: NDArray[np.float64] | None,
) -> lightgbm.Dataset:
    import lightgbm

    return lightgbm.Dataset(
        np.ascontiguousarray(values), labels, feature_name=list(features),
        categorical_feature=[list(features).index(c) for c in categorical], weight=weights, free_raw_data=False,
        params={"verbosity": -1},
    )


def _parameters(
    settings: Mapping[str, Any] | None, seed: int, threads: int, features: Sequence[str], monotone: Mapping[str, int] | None
) -> dict[str, Any]:
    made = {**DEFAULTS, **(settings or {}), "seed": seed, "num_threads": threads}
    for whole in ("num_leaves", "min_data_in_leaf", "max_depth", "bagging_freq"):
        if whole in made:
            made[whole] = int(made[whole])
    if monotone:
        made["monotone_constraints"] = [monotone.get(f, 0) for f in features]
    return made


def beeswarm(contributions: NDArray[np.float64], values: NDArray[np.float64], names: Sequence[str]) -> None:
    """Draw SHAP's beeswarm of an (n, k) set of contributions on the current figure; needs the extra `plots`.

    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> beeswarm(np.array([[0.5], [-0.5]]), np.array([[1.0], [0.0]]), ("a",))
    >>> len(plt.gcf().axes) > 0
    True
    >>> plt.close("all")
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        explanation = shap.Explanation(values=contributions, data=values, feature_names=list(names))
        shap.plots.beeswarm(explanation, max_display=15, show=False, plot_size=(9, 6))
