"""What an engine is given: facts about the office's data, the as-of dates, and a plan.

A question (`jcml.query.Question`) is pure meaning. To answer it an engine also needs facts about the office's data
(`SourceFacts`) and the as-of dates (`Calendar`). From these `jcml.engines.compile` makes a `Plan`: small named SQL
steps and one result, which the engine runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jcml.dates import Period, day_number, midnight
from jcml.query import Relation

if TYPE_CHECKING:
    import pyarrow as pa

END_OF_TIME = 2**62
"""Microseconds UTC that no row reaches; `_superseded` of a version that nothing replaced."""


def files_of(path: Path) -> list[Path]:
    """The Parquet files of a table: itself, or those of its folder in the order of their names, where a cluster wrote it.

    >>> files_of(Path("matrix.parquet"))
    [PosixPath('matrix.parquet')]
    """
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def location(path: Path) -> str:
    """A path of this machine and its workers as Spark is told it, whatever file system the cluster takes for its own.

    >>> location(Path("/state/matrix.parquet"))
    'file:///state/matrix.parquet'
    """
    return f"file://{path.absolute()}"


def rows_in(path: Path) -> int:
    """How many rows a Parquet file, or a folder of such, holds.

    >>> from jcml.workspace.example import example_list
    >>> rows_in(example_list().folder / "matrix.parquet") == example_list().publication.scored
    True
    """
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(file).num_rows for file in files_of(path))


@dataclass(frozen=True)
class Statistics:
    """What the compiler estimates costs from: counted once, when a source is merged.

    Parameters
    ----------
    first_day, last_day : int
        Day numbers of the first and the last row.
    known_until : int
        A day number that no row reaches, neither by when it happened nor by when it became known.
    soon : tuple of (int, int)
        (days, rows): how many rows nothing replaced and were known so many days after they happened, or sooner.
    entities : tuple of (str, int, int)
        (column, entities, entity-days): on how many days something happened to how many entities.
    largest : tuple of (str, int)
        (column, the greatest absolute value in it); what sums of them may need in digits.

    Examples
    --------
    >>> Statistics(0, 9, 12, ((0, 5), (29, 8)), (("station", 2, 6),)).known_within(30)
    8
    """

    first_day: int
    last_day: int
    known_until: int
    soon: tuple[tuple[int, int], ...] = ()
    entities: tuple[tuple[str, int, int], ...] = ()
    largest: tuple[tuple[str, int], ...] = ()

    def known_within(self, days: int) -> int:
        """At least how many rows were known within so many days and never replaced."""
        return max((rows for late, rows in self.soon if late <= days), default=0)


@dataclass(frozen=True)
class SourceFacts:
    """What an office delivered of one table.

    Parameters
    ----------
    rows : int
        Versions in the canonical file.
    columns : frozenset of str
        Columns that the office delivers; a feature of any other column is NULL.
    first_known : int or None
        Microseconds UTC when the first row became known; None when there is no row.
    covered_from : date or None
        Rows that happened earlier were never delivered; None when the delivery reaches back to the beginning.
    holes : tuple of (date, date)
        Periods, both days included, for which nothing was delivered.
    versioned : bool
        True when some row was corrected or withdrawn.
    known_after : bool
        True when no row was known before it happened.
    one_row_per_key : bool
        True when no two rows describe the same entity, so that there is no version to choose.
    statistics : Statistics or None
        Counts for choosing a plan; None where they were not counted, and for tables without days.

    Examples
    --------
    >>> SourceFacts(rows=0).delivered
    False
    """

    rows: int = 0
    columns: frozenset[str] = frozenset()
    first_known: int | None = None
    covered_from: date | None = None
    holes: tuple[tuple[date, date], ...] = ()
    versioned: bool = True
    known_after: bool = False
    one_row_per_key: bool = False
    statistics: Statistics | None = None

    @property
    def delivered(self) -> bool:
        """True when at least one row is there."""
        return self.first_known is not None

    def covers(self, at: int, start: date, end: date) -> bool:
        """True when the source was delivered before `at` and without a hole from `start` to the day before `end`.

        >>> facts = SourceFacts(rows=1, first_known=0, holes=((date(2024, 3, 1), date(2024, 3, 31)),))
        >>> facts.covers(10**18, date(2024, 1, 1), date(2024, 4, 1))
        False
        >>> facts.covers(10**18, date(2024, 4, 1), date(2024, 7, 1))
        True
        """
        if self.first_known is None or self.first_known >= at:
            return False
        if self.covered_from is not None and start != date.min and start < self.covered_from:
            return False
        last = end - timedelta(days=1)
        return not any(first <= last and start <= until for first, until in self.holes)


@dataclass(frozen=True)
class Source:
    """A table bound for an engine: its columns, where its canonical rows are, and what was delivered.

    `rows` is a Parquet file or an Arrow table with the canonical columns.

    >>> Source(Relation("a", ()), Path("a.parquet"), SourceFacts()).relation.name
    'a'
    """

    relation: Relation
    rows: Path | pa.Table
    facts: SourceFacts


@dataclass(frozen=True)
class Calendar:
    """The as-of dates of a matrix, in the office's time zone.

    Parameters
    ----------
    days : tuple of date
        As-of dates, ascending.
    every : Period
        Their distance; an event is scored on the first of them after it became known, so the date before the
        first one matters too.
    zone : ZoneInfo
        Where a day begins.

    Examples
    --------
    >>> from jcml.dates import months
    >>> Calendar((date(2024, 7, 1),), months(3), ZoneInfo("Asia/Shanghai")).before(date(2024, 7, 1))
    datetime.date(2024, 4, 1)
    """

    days: tuple[date, ...]
    every: Period
    zone: ZoneInfo

    def before(self, day: date) -> date:
        """The as-of date before `day`."""
        index = self.days.index(day)
        return self.days[index - 1] if index else self.every.before(day)

    def window(self, day: date, over: Period, lag: Period | None) -> tuple[date, date]:
        """First day of a window and the day after its last one, for an as-of date.

        A lag in months and a window in months are counted together, back from the as-of date.
        """
        if lag is None:
            return over.before(day), day
        end = lag.before(day)
        same = over.unbounded or (over.months > 0) == (lag.months > 0)
        return (over.then(lag).before(day) if same else over.before(end)), end

    def start(self, day: date) -> int:
        """Microseconds UTC at which a day begins."""
        return midnight(day, self.zone)

    def columns(self) -> dict[str, list[int]]:
        """The columns of the table of dates that every plan begins with."""
        return {
            "_asof": [day_number(d) for d in self.days],
            "_prev": [day_number(self.before(d)) for d in self.days],
            "_t": [self.start(d) for d in self.days],
        }


@dataclass(frozen=True)
class Daily:
    """Daily buckets as an engine with a state folder keeps them over runs.

    Parameters
    ----------
    source : str
        Whose rows.
    rows : str
        SELECT of the rows that go into buckets, `_a` being the day from which each was known.
    summed : str
        What is added up per day, as the columns of a SELECT that groups by all others.
    wanted : str
        Condition of the buckets that the dates of a question need.

    >>> Daily("sales", "SELECT 1 AS _a", "_a").wanted
    'TRUE'
    """

    source: str
    rows: str
    summed: str
    wanted: str = "TRUE"


@dataclass(frozen=True)
class Step:
    """One named intermediate result; `why` says what it is for, `daily` how it may be kept over runs.

    >>> Step("unit", "SELECT 1", "the units").name
    'unit'
    """

    name: str
    sql: str
    why: str
    daily: Daily | None = None


@dataclass(frozen=True)
class Choice:
    """Which shape of SQL the compiler chose for a source, and why.

    >>> Choice("vat_returns", "ladder", "3 windows end together").shape
    'ladder'
    """

    source: str
    shape: str
    why: str


@dataclass
class Plan:
    """What an engine runs: the dates, the steps in order, and the query that gives the result.

    >>> Plan({}, [], "SELECT 1").script()
    'SELECT 1'
    """

    dates: dict[str, list[int] | list[bool]]
    steps: list[Step]
    result: str
    choices: list[Choice] = field(default_factory=list)

    def script(self) -> str:
        """The plan as one SQL statement a person can read; the table `_dates` is given."""
        if not self.steps:
            return self.result
        parts = [f"-- {s.why}\n{s.name} AS (\n{s.sql}\n)" for s in self.steps]
        return "WITH\n" + ",\n".join(parts) + "\n" + self.result
