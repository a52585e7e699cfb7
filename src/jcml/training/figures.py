"""The figures of a training run as PNG files; the only door to matplotlib, which comes with the extra `plots`.

Loading matplotlib and SHAP takes as long as drawing, so a process beside the training run does both: it loads while
the run computes, and draws when it is told where the drawing lies. Titles are English because a Chinese font cannot be
presumed; the model card beside them is in both languages.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jcml.estimators.lightgbm import beeswarm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from jcml.training.train import Trained

SHOWN_ROWS = 1000
INK, ACCENT, QUIET = "#1f2933", "#0b6e4f", "#9aa5b1"


def draw_figures(trained: Trained, folder: Path, *, synthetic: bool = False) -> list[str]:
    """Draw every figure that the data allow; returns the file names, none when `plots` is not installed.

    >>> import tempfile
    >>> from jcml.workspace.example import example_training
    >>> "lift_over_rules.png" in draw_figures(example_training(), Path(tempfile.mkdtemp()), synthetic=True)
    True
    """
    if not find_spec("matplotlib"):
        return []
    drawing = Drawing(trained.figures, [str(d) for d in trained.test_days], synthetic)
    return [*drawing.draw(folder), *Swarm.of(trained).draw(folder)]


@dataclass(frozen=True)
class Drawing:
    """What was measured, to be drawn: `figures` of `evaluate`, ISO dates of the test periods, whether it is synthetic.

    >>> import tempfile
    >>> from jcml.workspace.example import example_training
    >>> run = example_training()
    >>> Drawing(run.figures, [str(d) for d in run.test_days], True).draw(Path(tempfile.mkdtemp()))[0]
    'precision_over_time.png'
    """

    figures: dict[str, Any]
    test_days: Sequence[str]
    synthetic: bool

    def draw(self, folder: Path) -> list[str]:
        """Three figures, or those that the data allow."""
        made = [
            _figure(folder / "precision_over_time.png", lambda axes: _precision(axes, self), self.synthetic),
            _figure(folder / "reliability.png", lambda axes: _reliability(axes, self), self.synthetic),
            _figure(folder / "lift_over_rules.png", lambda axes: _lift(axes, self), self.synthetic),
        ]
        return [name for name in made if name]

    def save(self, folder: Path) -> None:
        """Lay it down for the process beside."""
        (folder / "measured.json").write_text(json.dumps([self.figures, list(self.test_days), self.synthetic]), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Drawing:
        """Read what `save` wrote."""
        return cls(*json.loads((folder / "measured.json").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Swarm:
    """Rows of the test periods with the contributions of the final model: (n, k) values, (n, k) log-odds, k names.

    >>> from jcml.workspace.example import example_training
    >>> swarm = Swarm.of(example_training())
    >>> swarm.values.shape == swarm.contributions.shape
    True
    """

    values: NDArray[np.float64]
    contributions: NDArray[np.float64]
    features: Sequence[str]

    @classmethod
    def of(cls, trained: Trained) -> Swarm:
        """At most about a thousand rows."""
        matrix = trained.test_matrix
        values = matrix.values[:: max(1, len(matrix) // SHOWN_ROWS)]
        return cls(values, trained.model.fitted.contributions(values)[:, :-1], matrix.features)

    def draw(self, folder: Path) -> list[str]:
        """SHAP's beeswarm."""
        plt = _pyplot()
        plt.figure()
        beeswarm(self.contributions, self.values, self.features)
        figure = plt.gcf()
        figure.tight_layout()
        figure.savefig(folder / "shap_beeswarm.png", dpi=110, metadata={"Software": None})
        plt.close("all")
        return ["shap_beeswarm.png"]

    def save(self, folder: Path) -> None:
        """Lay it down for the process beside."""
        np.savez(folder / "swarm.npz", values=self.values, contributions=self.contributions, features=np.array(self.features))

    @classmethod
    def read(cls, folder: Path) -> Swarm:
        """Read what `save` wrote."""
        with np.load(folder / "swarm.npz", allow_pickle=False) as arrays:
            return cls(arrays["values"], arrays["contributions"], arrays["features"].tolist())


class DrawingBeside:
    """A process that loads matplotlib while the training run computes, and draws while it fits; use it in a `with` block.

    Without `plots` there is no process, and nothing is drawn. When this process is killed the other one ends too.

    >>> import tempfile
    >>> from jcml.workspace.example import example_training
    >>> run, folder = example_training(), Path(tempfile.mkdtemp())
    >>> with DrawingBeside(synthetic=True) as beside:
    ...     beside.begin(run.figures, run.test_days)
    ...     names = beside.finish(run, folder)
    >>> names == sorted(path.name for path in folder.iterdir())
    True
    """

    def __init__(self, *, synthetic: bool) -> None:
        self.synthetic = synthetic

    def __enter__(self) -> DrawingBeside:
        """Start to load."""
        self.scratch = tempfile.TemporaryDirectory()
        self.place = Path(self.scratch.name)
        command = [sys.executable, "-m", "jcml.training.figures", str(self.place)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True) if find_spec("matplotlib") else None  # noqa: S603 - our own module
        return self

    def begin(self, figures: dict[str, Any], test_days: Sequence[date]) -> None:
        """Have what was measured drawn, and come back at once."""
        if self.process is not None:
            Drawing(figures, [str(d) for d in test_days], self.synthetic).save(self.place)
            self._ask("measured")

    def finish(self, trained: Trained, folder: Path) -> list[str]:
        """Have the beeswarm drawn, wait, and move every figure into `folder`; returns the file names.

        Raises
        ------
        RuntimeError
            If the process beside failed; it has said why on the standard error stream.
        """
        if self.process is None:
            return []
        Swarm.of(trained).save(self.place)
        self._ask("swarm")
        self.process.communicate()
        if self.process.returncode:
            raise RuntimeError(f"figures were not drawn: the process beside ended with {self.process.returncode}")
        drawn = sorted(self.place.glob("*.png"))
        for path in drawn:
            shutil.move(path, folder / path.name)
        return [path.name for path in drawn]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the process, whether it drew or not."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            self.process.communicate()
        self.scratch.cleanup()

    def _ask(self, what: str) -> None:
        assert self.process is not None and self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended already; `finish` says so
            self.process.stdin.write(what + "\n")
            self.process.stdin.flush()


def _draw_what_is_asked(place: Path) -> None:
    """Load, then draw what each line of the standard input names, until it ends."""
    plt = _pyplot()
    beeswarm(np.array([[0.5], [-0.5]]), np.array([[1.0], [0.0]]), ("a",))  # SHAP loads here, fonts are read at the first text
    plt.gcf().tight_layout()
    plt.close("all")
    for line in sys.stdin:
        {"measured": Drawing, "swarm": Swarm}[line.strip()].read(place).draw(place)  # type: ignore[attr-defined]


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _figure(path: Path, draw: Any, synthetic: bool) -> str:
    plt = _pyplot()
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


def _precision(axes: Axes, drawing: Drawing) -> bool:
    by_date = drawing.figures["by_date"]
    days = sorted(drawing.test_days)
    best = drawing.figures["best_rule"]
    for name, label, colour, width in (("model", "model", ACCENT, 2.4), (best, f"best rule ({best.removeprefix('rule:')})", INK, 1.4), ("random", "random", QUIET, 1.2)):
        points = [(days[d["date"]], d["precision"].get(name)) for d in by_date if d["precision"].get(name) is not None]
        if points:
            axes.plot([p[0] for p in points], [p[1] for p in points], marker="o", label=label, color=colour, linewidth=width)
    axes.set_title(f"Precision at capacity ({drawing.figures['capacity']}) over time, labelled rows")
    axes.set_ylim(0, 1)
    axes.tick_params(axis="x", rotation=45, labelsize=8)
    axes.legend(frameon=False)
    return bool(by_date)


def _reliability(axes: Axes, drawing: Drawing) -> bool:
    bins = drawing.figures["reliability"]
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


def _lift(axes: Axes, drawing: Drawing) -> bool:
    contestants = drawing.figures["contestants"]
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


if __name__ == "__main__":
    _draw_what_is_asked(Path(sys.argv[1]))
    os._exit(0)  # everything is written; taking matplotlib and SHAP apart takes as long as drawing
