"""The figures of a training run as PNG files; the only door to matplotlib, which comes with the extra `plots`.

Titles are English because a Chinese font cannot be presumed; the model card beside them is in both languages.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jcml.estimators.lightgbm import beeswarm
from jcml.training.train import Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_ROWS = 1000
INK, ACCENT, QUIET = "#1f2933", "#0b6e4f", "#9aa5b1"


def draw_figures(trained: Trained, folder: Path, *, synthetic: bool = False) -> list[str]:
    """Draw every figure that the data allow; returns the file names, none when `plots` is not installed.

    >>> import tempfile
    >>> from jcml.workspace.example import example_training
    >>> "lift_over_rules.png" in draw_figures(example_training(), Path(tempfile.mkdtemp()), synthetic=True)
    True
    """
    try:
        import matplotlib
    except ImportError:
        return []
    matplotlib.use("Agg")
    made = [
        _figure(folder / "precision_over_time.png", lambda axes: _precision(axes, trained), synthetic),
        _figure(folder / "reliability.png", lambda axes: _reliability(axes, trained), synthetic),
        _figure(folder / "lift_over_rules.png", lambda axes: _lift(axes, trained), synthetic),
        _beeswarm(trained, folder / "shap_beeswarm.png"),
    ]
    return [name for name in made if name]


def _figure(path: Path, draw: Any, synthetic: bool) -> str:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4.2))
    drawn = draw(axes)
    if drawn:
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if synthetic:
            figure.text(0.99, 0.01, "synthetic data: shows the machinery, no evidence of accuracy", ha="right", size=7, color=QUIET)
        figure.tight_layout()
        figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path.name if drawn else ""


def _precision(axes: Axes, trained: Trained) -> bool:
    by_date = trained.figures["by_date"]
    days = sorted(trained.test_days)
    best = trained.figures["best_rule"]
    for name, label, colour, width in (("model", "model", ACCENT, 2.4), (best, f"best rule ({best.removeprefix('rule:')})", INK, 1.4), ("random", "random", QUIET, 1.2)):
        points = [(str(days[d["date"]]), d["precision"].get(name)) for d in by_date if d["precision"].get(name) is not None]
        if points:
            axes.plot([p[0] for p in points], [p[1] for p in points], marker="o", label=label, color=colour, linewidth=width)
    axes.set_title(f"Precision at capacity ({trained.figures['capacity']}) over time, labelled rows")
    axes.set_ylim(0, 1)
    axes.tick_params(axis="x", rotation=45, labelsize=8)
    axes.legend(frameon=False)
    return bool(by_date)


def _reliability(axes: Axes, trained: Trained) -> bool:
    bins = trained.figures["reliability"]
    if not bins:
        return False
    said, found = [b[1] for b in bins], [b[2] for b in bins]
    spread = [[max(0.0, b[2] - b[3]) for b in bins], [max(0.0, b[4] - b[2]) for b in bins]]
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--")
    axes.errorbar(said, found, yerr=spread, fmt="o-", color=ACCENT, ecolor=QUIET, capsize=3)
    axes.set_xlabel("stated probability")
    axes.set_ylabel("confirmed share (95 % interval)")
    axes.set_title("Reliability on later time")
    return True


def _lift(axes: Axes, trained: Trained) -> bool:
    contestants = trained.figures["contestants"]
    rows = sorted(
        ((n, c["precision_at_capacity"]) for n, c in contestants.items() if c["precision_at_capacity"][0] is not None), key=lambda r: r[1][0]
    )
    if not rows:
        return False
    at = np.arange(len(rows))
    values = [r[1][0] for r in rows]
    spread = [[max(0.0, r[1][0] - r[1][1]) for r in rows], [max(0.0, r[1][2] - r[1][0]) for r in rows]]
    axes.barh(at, values, color=[ACCENT if r[0] == "model" else QUIET for r in rows], xerr=spread, ecolor=INK, capsize=2)
    axes.set_yticks(at, [r[0].removeprefix("rule:") for r in rows], fontsize=8)
    axes.set_xlabel("confirmed share of the first places (95 % interval)")
    axes.set_title("Model, rules and baselines on the same rows")
    return True


def _beeswarm(trained: Trained, path: Path) -> str:
    import matplotlib.pyplot as plt

    matrix = trained.test_matrix
    rows = np.arange(len(matrix))[:: max(1, len(matrix) // SHOWN_ROWS)]
    values = matrix.values[rows]
    contributions = trained.model.fitted.contributions(values)[:, :-1]
    figure = plt.figure()
    beeswarm(contributions, values, matrix.features)
    figure = plt.gcf()
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close("all")
    return path.name
