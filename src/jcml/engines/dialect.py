"""The few places where SQL engines differ."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PLAIN = re.compile(r"[^\x00]+")
_WORD = 2**64


def quote(name: str) -> str:
    """An SQL identifier, quoted; the only way a name of a table or column gets into SQL.

    Raises
    ------
    ValueError
        If the name is empty, longer than 128 characters or contains NUL.

    >>> quote('station"id')
    '"station""id"'
    """
    if not _PLAIN.fullmatch(name) or len(name) > 128:
        raise ValueError(f"not a usable SQL name: {name!r}")
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as an SQL literal.

    >>> text("it's")
    "'it''s'"
    """
    if "\x00" in value:
        raise ValueError("a text with NUL cannot be written in SQL")
    return "'" + value.replace("'", "''") + "'"


class Dialect:
    """SQL of DuckDB; another engine overrides what it says differently.

    >>> Dialect().year("e.d")
    "CAST(year(DATE '1970-01-01' + CAST(e.d AS INTEGER)) AS BIGINT)"
    """

    name = "duckdb"
    distinct_apart = False
    """Whether different values are better counted in a pass of their own than beside other aggregates."""
    looks_up = True
    """True where `as_of` is the quickest way to a running sum; else questions are sorted among the days."""

    def text(self, value: str) -> str:
        """A text as a literal."""
        return text(value)

    def without(self, columns: Sequence[str]) -> str:
        """Every column but the named ones, as the first thing of a SELECT."""
        return f"* EXCLUDE ({', '.join(columns)})"

    def numbered(self, keys: Sequence[str]) -> str:
        """Window: a whole number for each row, the same whenever the same rows are numbered, in no special order."""
        return "row_number() OVER ()"

    def date(self, day: str) -> str:
        """A day number as a date."""
        return f"DATE '1970-01-01' + CAST({day} AS INTEGER)"

    def day_number(self, day: str) -> str:
        """A date as a day number."""
        return f"CAST({day} - DATE '1970-01-01' AS INTEGER)"

    def year(self, day: str) -> str:
        """The year of a day number."""
        return f"CAST(year({self.date(day)}) AS BIGINT)"

    def month(self, day: str) -> str:
        """The month of a day number."""
        return f"CAST(month({self.date(day)}) AS BIGINT)"

    def floor_divide(self, value: str, by: int) -> str:
        """Whole-number division of a value that is never negative."""
        return f"({value} // {by})"

    def contains(self, value: str, word: str) -> str:
        """Whether a text contains a word."""
        return f"contains({value}, {self.text(word)})"

    def count_up_to(self, numbers: Sequence[int], value: str) -> str:
        """How many of the listed numbers are at most `value`."""
        return f"len(list_filter([{', '.join(map(str, numbers))}], lambda x: x <= {value}))"

    def as_of(self, table: str, alias: str, equal: Sequence[tuple[str, str]], before: str) -> str:
        """Join to the units, `u`, the last row of a table whose `_day` lies before a day of the unit."""
        keys = " AND ".join(f"{alias}.{column} = {value}" for column, value in equal)
        return f"ASOF LEFT JOIN {table} AS {alias} ON {keys} AND {alias}._day < {before}"

    def latest(self, value: str, happened: str, row: str) -> str:
        """Aggregate: the value of the latest row, ties by the greater row id."""
        return f"arg_max({value}, {{'h': {happened}, 'r': {row}}})"

    def earliest(self, value: str, happened: str, row: str) -> str:
        """Aggregate: the value of the earliest row, ties by the smaller row id."""
        return f"arg_min({value}, {{'h': {happened}, 'r': {row}}})"

    def wide(self, value: str) -> str:
        """A whole number with room for products and sums of squares."""
        return f"CAST({value} AS HUGEINT)"

    def of_wide(self, value: str) -> str:
        """A wide whole number as a double: its high and its low 64 bits, each rounded, added up."""
        return f"CAST({value} AS DOUBLE)"

    def median(self, value: str, partition: str) -> str:
        """Window: the median of a double over a partition."""
        return f"median({value}) OVER (PARTITION BY {partition})"

    def bits(self, left: str, right: str) -> str:
        """How many bits of two whole numbers differ."""
        return f"bit_count(xor({left}, {right}))"

    def band(self, value: str, number: str) -> str:
        """The 15 bits with the given number (0 to 3) of a 60-bit signature."""
        return f"(({value} >> (15 * {number})) & 32767)"

    def each(self, numbers: Sequence[int], alias: str, column: str) -> str:
        """A table of listed numbers."""
        return f"(VALUES {', '.join(f'({n})' for n in numbers)}) AS {alias}({column})"

    def hashed(self, columns: Sequence[str]) -> str:
        """A whole number that is another one when any of the columns is; hashed twice, because one pass joins them by XOR alone."""
        return f"CAST(hash(hash({', '.join(columns)})) >> 1 AS BIGINT)"

    def floor(self, value: str) -> str:
        """The greatest whole number at most a double."""
        return f"CAST(floor({value}) AS BIGINT)"


class SparkDialect(Dialect):
    """SQL of Spark 4.3, in its ANSI mode and with double-quoted identifiers; both are settings of the session.

    >>> SparkDialect().year("e.d")
    "CAST(year(date_add(DATE '1970-01-01', CAST(e.d AS INTEGER))) AS BIGINT)"
    """

    name = "spark"
    distinct_apart = True  # beside others, Spark makes a copy of every row per counted column
    looks_up = False  # measured: LEFT ASOF JOIN takes twice the CPU of one sort for all windows

    def text(self, value: str) -> str:
        """A text as a literal; Spark reads a backslash as an escape."""
        return "'" + text(value)[1:-1].replace("\\", "\\\\").replace("''", "\\'") + "'"

    def without(self, columns: Sequence[str]) -> str:
        """Every column but the named ones, as the first thing of a SELECT."""
        return f"* EXCEPT ({', '.join(columns)})"

    def numbered(self, keys: Sequence[str]) -> str:
        """A number by partition and place in it, which a lost executor's rows get again: nothing before it leaves their order to chance."""
        return "monotonically_increasing_id()"

    def date(self, day: str) -> str:
        """A day number as a date."""
        return f"date_add(DATE '1970-01-01', CAST({day} AS INTEGER))"

    def day_number(self, day: str) -> str:
        """A date as a day number."""
        return f"CAST(unix_date({day}) AS INTEGER)"

    def floor_divide(self, value: str, by: int) -> str:
        """Whole-number division of a value that is never negative."""
        return f"({value} div {by})"

    def count_up_to(self, numbers: Sequence[int], value: str) -> str:
        """How many of the listed numbers are at most `value`."""
        return f"CAST(size(filter(array({', '.join(map(str, numbers))}), x -> x <= {value})) AS BIGINT)"

    def latest(self, value: str, happened: str, row: str) -> str:
        """Aggregate: the value of the latest row, ties by the greater row id."""
        return f"max_by({value}, struct({happened}, {row}))"

    def earliest(self, value: str, happened: str, row: str) -> str:
        """Aggregate: the value of the earliest row, ties by the smaller row id."""
        return f"min_by({value}, struct({happened}, {row}))"

    def wide(self, value: str) -> str:
        """A whole number with room for products and sums of squares."""
        return f"CAST({value} AS DECIMAL(38, 0))"

    def of_wide(self, value: str) -> str:
        """A wide whole number as a double: its high and its low 64 bits, each rounded, added up."""
        low = f"pmod({value}, {_WORD}BD)"
        high = f"CAST(CAST(({value} - {low}) div {_WORD}BD AS BIGINT) AS DOUBLE)"
        small = f"abs({value}) < {2**63}BD"
        return f"(CASE WHEN {small} THEN CAST(CAST({value} AS BIGINT) AS DOUBLE) ELSE {high} * {_WORD}D + CAST({low} AS DOUBLE) END)"

    def median(self, value: str, partition: str) -> str:
        """Window: the median of a double over a partition, interpolated in the same steps as DuckDB's."""
        low, high = (
            f"percentile_disc(0.5) WITHIN GROUP (ORDER BY {value}{order}) OVER (PARTITION BY {partition})" for order in ("", " DESC")
        )
        return f"({low} + ({high} - {low}) * 0.5D)"

    def bits(self, left: str, right: str) -> str:
        """How many bits of two whole numbers differ."""
        return f"bit_count({left} ^ {right})"

    def hashed(self, columns: Sequence[str]) -> str:
        """A whole number that is another one when any of the columns is."""
        return f"xxhash64({', '.join(columns)})"
