"""The workspace: every supervision model with its three files, checked together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jcml.dates import Period
from jcml.errors import ConfigurationError, InputMissing, JcmlError, Place, nearest, raise_all
from jcml.features.definition import SupervisionModel
from jcml.features.language import Parameters
from jcml.serving.plan import ServingPlan
from jcml.strict_yaml import place_of, read_yaml
from jcml.tables.table import Table
from jcml.training.plan import TrainingPlan
from jcml.workspace.definitions import Definitions, read_parameters

KINDS = {"features": ".py", "training": ".yaml", "serving": ".yaml"}


@dataclass(frozen=True)
class Model:
    """A supervision model with how it learns and how it is used.

    `parameters` are the names of the dated parameters it rests on.

    >>> from jcml.workspace.example import example
    >>> model, _ = example()
    >>> model.serving.every == model.training.as_of.every
    True
    """

    name: str
    definition: SupervisionModel
    training: TrainingPlan
    serving: ServingPlan
    parameters: frozenset[str]


class Workspace:
    """A folder with `features/`, `training/` and `serving/`.

    Raises
    ------
    InputMissing
        JC1001, if the folder is no workspace.

    Examples
    --------
    >>> from jcml.workspace.scaffold import shipped
    >>> "reverse_penalty_link" in Workspace(shipped()).names
    True
    """

    def __init__(self, root: Path) -> None:
        if not all((root / kind).is_dir() for kind in KINDS):
            raise InputMissing("JC1001", Place(root))
        self.root = root

    @cached_property
    def parameters(self) -> Parameters:
        """The dated parameters."""
        return read_parameters(self.root / "features" / "parameters")

    @cached_property
    def definitions(self) -> Definitions:
        """The loader of its definition files."""
        return Definitions(self.root / "features", self.parameters)

    @cached_property
    def tables(self) -> dict[str, type[Table]]:
        """Every contract, by name."""
        return self.definitions.tables()

    @property
    def names(self) -> list[str]:
        """The names of the supervision models that have at least one file."""
        found = {
            path.stem
            for kind, suffix in KINDS.items()
            for path in (self.root / kind).glob(f"[!_]*{suffix}")
        }
        return sorted(found)

    def files(self, name: str) -> dict[str, Path]:
        """The three files of a model, whether they exist or not."""
        return {kind: self.root / kind / f"{name}{suffix}" for kind, suffix in KINDS.items()}

    def model(self, name: str) -> Model:
        """Read the three files of a model and check that they fit together.

        Raises
        ------
        InputMissing
            JC1002, if there is no such model.
        ConfigurationError
            JC1003, if one of its files is missing; JC1004 to JC1006, if they contradict each other.
        """
        files = self.files(name)
        if name not in self.names:
            raise InputMissing("JC1002", model=name, nearest=nearest(name, self.names), models=", ".join(self.names) or "-")
        missing = [ConfigurationError("JC1003", Place(path), model=name) for path in files.values() if not path.is_file()]
        raise_all(missing)
        definition, used = self.definitions.model(files["features"])
        training = read_yaml(files["training"], TrainingPlan)
        serving = read_yaml(files["serving"], ServingPlan)
        raise_all(_contradictions(files, definition, training, serving))
        return Model(name, definition, training, serving, frozenset(used))

    def check(self) -> list[JcmlError]:
        """Every problem of every model; empty when all is well."""
        problems: list[JcmlError] = []
        for name in self.names:
            try:
                self.model(name)
            except JcmlError as error:
                problems.extend(getattr(error, "errors", (error,)))
        return problems


def _contradictions(
    files: dict[str, Path], definition: SupervisionModel, training: TrainingPlan, serving: ServingPlan
) -> list[JcmlError]:
    found: list[JcmlError] = []
    within, gap = definition.label.within, training.split.gap
    if gap is not None and _days(gap) < _days(within):
        found.append(ConfigurationError("JC1004", place_of(files["training"], "split", "gap"), gap=gap.name, within=within.name))
    if training.as_of.every != serving.every:
        found.append(
            ConfigurationError("JC1005", place_of(files["serving"], "every"), every=serving.every.name, training=training.as_of.every.name)
        )
    for feature in training.leaks.allow:
        if feature not in definition.features:
            found.append(
                ConfigurationError("JC1006", place_of(files["training"], "leaks", "allow", feature), feature=feature, nearest=nearest(feature, definition.features))
            )
    return found


def _days(period: Period) -> int:
    return period.months * 31 + period.days
