"""The scenarios by name: an office on disk, and what it was made with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from importlib import import_module
from pathlib import Path

from jcml.durable import write_file
from jcml.errors import InputMissing, Place
from jcml.simulation.world import World
from jcml.simulation.writing import write_office
from jcml.tables.table import Table

SCENARIOS = ("refined_oil_tax", "provident_fund_litigation", "reverse_penalty_link")
_NOTE = "simulated.json"


@dataclass(frozen=True)
class Simulated:
    """What an office was made with; kept beside it in `simulated.json`.

    Parameters
    ----------
    scenario : str
    seed : int
    first, last : str
        The days that the records span, ISO; everything was received on `last` at the latest.

    >>> Simulated("refined_oil_tax", 7, "2019-01-01", "2025-12-31").last_day
    datetime.date(2025, 12, 31)
    """

    scenario: str
    seed: int
    first: str
    last: str

    @property
    def last_day(self) -> date:
        """`last` as a day."""
        return date.fromisoformat(self.last)


def simulate(scenario: str, seed: int, *, size: int | None = None) -> World:
    """The world of a scenario, by name.

    Parameters
    ----------
    scenario : one of SCENARIOS
    seed : int
    size : int, optional
        Units of the scenario's own kind (stations, deductions, persons); its default when None.

    >>> simulate("reverse_penalty_link", 1, size=200).name
    'reverse_penalty_link'
    """
    made = import_module(f"jcml.simulation.{scenario}").simulate
    world: World = made(seed) if size is None else made(seed, size=size)
    return world


def make_office(scenario: str, contracts: Mapping[str, type[Table]], folder: Path, seed: int) -> Simulated:
    """Write the office of a scenario into a folder: raw files, `office.toml`, the truth, and `simulated.json`.

    >>> import tempfile
    >>> make_office("reverse_penalty_link", {}, Path(tempfile.mkdtemp()), 1)
    Traceback (most recent call last):
        ...
    ValueError: no contract for table 'charge_provisions'
    """
    world = simulate(scenario, seed)
    write_office(world, contracts, folder, seed=seed)
    made = Simulated(scenario, seed, world.first.isoformat(), world.last.isoformat())
    note = json.dumps(asdict(made), indent=1) + "\n"
    write_file(folder / _NOTE, lambda path: path.write_text(note, encoding="utf-8"))
    return made


def read_simulated(folder: Path) -> Simulated:
    """What the office in a folder was made with.

    Raises
    ------
    InputMissing
        JC1100, if the folder holds no simulated office.

    >>> import tempfile
    >>> read_simulated(Path(tempfile.mkdtemp()))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    jcml.errors.InputMissing: ...there is no such file...
    """
    path = folder / _NOTE
    if not path.is_file():
        raise InputMissing("JC1100", Place(path))
    return Simulated(**json.loads(path.read_text(encoding="utf-8")))
