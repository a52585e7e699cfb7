"""What a scenario hands over: records as the contracts name them, how they are delivered, and the truth.

A row is a dict from contract column to a plain value: text and codes as str, amounts as int, float or Decimal in the
contract's own unit, dates and moments as `date` and `datetime` (local time), True and False, None for nothing. How a
cell looks in a file is decided when it is written. A row's `known on` is drawn here with `known_after` or `batch_day`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, Literal, TypeAlias

from jcml.dates import shift_months

Row: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["utf-8", "gbk", "xlsx"]
Notation: TypeAlias = Literal["iso", "slash", "dots", "compact", "chinese"]


def _every_row(row: Row) -> bool:
    return True


@dataclass(frozen=True)
class File:
    """One file of a delivery.

    Parameters
    ----------
    stem : str
        The file's name without its ending; empty: the table's name.
    kind : {"utf-8", "gbk", "xlsx"}
        CSV in one of two encodings, or a workbook.
    dates : {"iso", "slash", "dots", "compact", "chinese"}
        How days are written in a CSV file; a workbook holds typed dates.
    headers : mapping of column to header
        Where a header is not the contract's Chinese title (a renamed schema, a district of its own ways).
    without : tuple of str
        Columns that this file does not have.
    holds : callable of row to bool
        Which rows it holds; a row goes into the first file that holds it.

    >>> File("returns_2021", kind="gbk").dates
    'iso'
    """

    stem: str = ""
    kind: Kind = "utf-8"
    dates: Notation = "iso"
    headers: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    holds: Callable[[Row], bool] = _every_row


@dataclass(frozen=True)
class Delivery:
    """How a table is delivered and what of it was not.

    Parameters
    ----------
    files : tuple of File
    units : mapping of column to unit
        A unit of `jcml.tables.office.UNITS` in which the column is delivered, such as 万元; equal in all files.
    codes : mapping of column to mapping of label to code
        Labels beside the contract's own, such as the old name of an authority (D07); bound in `office.toml`.
    covered_from : date or None
        Nothing that happened earlier was delivered; the scenario leaves such rows out itself.
    missing : tuple of (date, date)
        Times that were not delivered, both days included; their rows are left out when files are written (D12).
    rates : mapping of defect to rate
        Replaces default rates of `jcml.simulation.defects.DEFECTS`; 0 for none.

    >>> Delivery().files[0].kind
    'utf-8'
    """

    files: tuple[File, ...] = (File(),)
    units: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    covered_from: date | None = None
    missing: tuple[tuple[date, date], ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """The records of a synthetic office and the truth about them.

    Parameters
    ----------
    name : str
        The supervision model it is for.
    tables : mapping of table to list of rows
        Table names as the contracts have them (`vat_returns`).
    truth : list of rows
        One per unit and as-of date, with at least `unit`, `as_of`, `outcome` (True when it truly needs supervision)
        and `mechanism` (how, or which lawful explanation, or empty). Written to `truth.csv`, which no contract binds.
    first, last : date
        The time that the records span; deliveries are received on `last` at the latest.
    deliveries : mapping of table to Delivery
        How a table is delivered; by default one UTF-8 file.
    office_toml : str
        Text added at the end of `office.toml`.

    >>> World("demo", {"stations": []}, [], date(2021, 1, 1), date(2025, 12, 31)).deliveries
    {}
    """

    name: str
    tables: dict[str, list[Row]]
    truth: list[Row]
    first: date
    last: date
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)
    office_toml: str = ""


def known_after(random: Random, day: date, low: int, high: int, *, late: float = 0.08, latest: int = 90) -> date:
    """When a row became known that happened on a day: `low` to `high` days later, sometimes much later.

    Parameters
    ----------
    low, high : int
        The usual lag in days, both included.
    late : float
        Share of rows with a long tail behind `high` (late entry, D06): exponential with mean `latest` / 3, capped.
    latest : int
        Most days that the tail adds.

    >>> known_after(Random(1), date(2024, 1, 1), 1, 3, late=0) - date(2024, 1, 1) <= timedelta(days=3)
    True
    """
    lag = random.randint(low, high)
    if random.random() < late:
        lag += min(latest, 1 + int(random.expovariate(3 / latest)))
    return day + timedelta(days=lag)


def batch_day(day: date, every: int, after: int) -> date:
    """When a row becomes known that is delivered in batches: `after` days past the end of its `every` calendar months.

    >>> batch_day(date(2024, 2, 3), 3, 20), batch_day(date(2024, 12, 31), 6, 30)
    (datetime.date(2024, 4, 20), datetime.date(2025, 1, 30))
    """
    start = date(day.year, (day.month - 1) // every * every + 1, 1)
    return shift_months(start, every) + timedelta(days=after - 1)


def together(name: str, *worlds: World) -> World:
    """Several worlds as one office; no two may fill the same table.

    Raises
    ------
    ValueError
        If two of them fill the same table.

    >>> empty = World("a", {"stations": []}, [], date(2021, 1, 1), date(2025, 12, 31))
    >>> other = World("b", {"suits": []}, [], date(2020, 1, 1), date(2024, 12, 31))
    >>> sorted(together("both", empty, other).tables)
    ['stations', 'suits']
    """
    tables: dict[str, list[Row]] = {}
    for world in worlds:
        if twice := tables.keys() & world.tables.keys():
            raise ValueError(f"two worlds fill {', '.join(sorted(twice))}")
        tables |= world.tables
    return World(
        name,
        tables,
        [{"model": row.get("model", world.name), **row} for world in worlds for row in world.truth],
        min(world.first for world in worlds),
        max(world.last for world in worlds),
        {table: delivery for world in worlds for table, delivery in world.deliveries.items()},
        "\n".join(world.office_toml for world in worlds if world.office_toml),
    )
