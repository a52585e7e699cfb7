"""What a question means: frozen nodes, and no engine in sight.

A definition of the feature language becomes a tree of these nodes; an engine turns the tree into SQL
(`jcml.engines.compile`) or walks it in plain Python (`jcml.engines.plain`). Whatever an engine does, the
meaning is the one written here and fixed by `tests/spec`.

Three kinds of place a value can come from:

- a **row** of a source table (`Field`), inside a windowed question about many rows;
- the **unit** at its as-of date (`Own`, `Attribute`, `AsOf`), one value per (unit, as-of date);
- the definition itself (`Literal`, `Constant`).

Money and quantities are `exact`: whole numbers of the smallest unit (cents, millilitres) with a scale, so a sum
has one value, whatever the order of the rows. `number` is a double and appears only after a division.

A row counts at as-of date *t* when it happened and was known before *t*, and when no later version of it was
known before *t*. Unknown (NULL) is a value and never means zero, false or "known".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from functools import cache, cached_property
from typing import Any, Literal, TypeAlias

from jcml.dates import Period

Kind: TypeAlias = Literal["exact", "number", "boolean", "text", "date", "moment"]


@dataclass(frozen=True)
class Type:
    """The type of a value: its kind and, for `exact`, how many decimal places the whole number carries.

    >>> Type("exact", 2)          # money: a BIGINT of cents
    Type(kind='exact', scale=2)
    """

    kind: Kind
    scale: int = 0

    @property
    def numeric(self) -> bool:
        """True for `exact` and `number`."""
        return self.kind in ("exact", "number")


EXACT = Type("exact")
NUMBER = Type("number")
BOOLEAN = Type("boolean")
TEXT = Type("text")
DATE = Type("date")
MOMENT = Type("moment")


class MeaningError(ValueError):
    """A question that has no meaning: a sum of texts, a date compared with a number.

    >>> try:
    ...     call("+", literal("a"), literal(1))
    ... except MeaningError as error:
    ...     print(error)
    '+' needs numbers, not text and exact
    """


@dataclass(frozen=True)
class Node:
    """Any node; `type` is the type of its value.

    >>> Node(TEXT).type.kind
    'text'
    """

    type: Type


@dataclass(frozen=True)
class Field(Node):
    """A column of a row of a source table.

    >>> Field(Type("exact", 3), "deliveries", "litres").name
    'litres'
    """

    table: str
    name: str


@dataclass(frozen=True)
class Fixed(Node):
    """A fixed value; `exact` values are stored as the scaled whole number, dates as day numbers.

    >>> literal(1.5)
    Fixed(type=Type(kind='exact', scale=1), value=15)
    """

    value: str | int | float | bool | None


@dataclass(frozen=True)
class Constant(Node):
    """A dated parameter (a tax rate, a time limit): the value in force on a day.

    Parameters
    ----------
    name : str
        `file.key` of the workspace's parameters.
    values : tuple of (day number, scaled whole number)
        In force from that day on, oldest first; before the first day the value is NULL.
    on : Node
        The day (type `date`) on which it applies.

    >>> Constant(Type("exact", 2), "tax.vat_rate", ((17987, 13),), AsOf(DATE)).name
    'tax.vat_rate'
    """

    name: str
    values: tuple[tuple[int, int], ...]
    on: Node


@dataclass(frozen=True)
class AsOf(Node):
    """The as-of date of the row.

    >>> AsOf(DATE).type.kind
    'date'
    """


@dataclass(frozen=True)
class Own(Node):
    """A column of the unit's own row, in the version valid and known at the as-of date.

    >>> Own(TEXT, "district").name
    'district'
    """

    name: str


@dataclass(frozen=True)
class Attribute(Node):
    """A column of another entity that the unit refers to, in the version valid and known at the as-of date.

    Parameters
    ----------
    table, name : str
        The table looked into and the column read.
    match : tuple of (column, Node)
        Columns of `table` and the unit-level values they must equal.

    Of several versions the one valid from the latest day counts, then the one known last, then the greatest
    row id. NULL when there is none.

    >>> Attribute(TEXT, "civil_cases", "creditor", (("case_no", Own(TEXT, "case_no")),)).name
    'creditor'
    """

    table: str
    name: str
    match: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Call(Node):
    """An operation on values; see `OPERATIONS` for each meaning. NULL goes in, NULL comes out, unless said.

    >>> call("/", literal(1), literal(0)).op
    '/'
    """

    op: str
    args: tuple[Node, ...]
    extra: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Presence(Node):
    """Is there a row of `table` that matches? The condition across sources (碰撞).

    Inside a `where=` it is asked of each row (the values in `match` are that row's), with this source's own
    `known on`: a matching row counts only if it was known before the as-of date. Beside a feature it is asked of
    the unit. True or false, never NULL, where the source was delivered.

    >>> Presence(BOOLEAN, "penalties", (("enterprise", Field(TEXT, "deliveries", "supplier")),)).table
    'penalties'
    """

    table: str
    match: tuple[tuple[str, Node], ...]
    where: Node | None = None


@dataclass(frozen=True)
class Near:
    """Rows within a distance of the unit.

    Coordinates are `exact` degrees of scale 6. Distance is on a flat earth around the unit: 111,320 m per degree
    of latitude, times the cosine of the unit's latitude for longitude; good to 0.1 % at city distances.

    `at` names the two columns of the rows, `latitude` and `longitude` are the unit's own.

    >>> Near(500, ("lat", "lon"), Own(Type("exact", 6), "latitude"), Own(Type("exact", 6), "longitude")).metres
    500
    """

    metres: int
    at: tuple[str, str]
    latitude: Node
    longitude: Node


@dataclass(frozen=True)
class Alike:
    """Rows whose text is nearly the same as the unit's: their 60-bit signatures differ in at most `bits` bits (0 to 3).

    The signature is a SimHash of character trigrams, made at import (Charikar, STOC 2002; Manku et al., WWW 2007).

    >>> Alike("facts", Own(EXACT, "facts__signature"), 3).bits
    3
    """

    column: str
    signature: Node
    bits: int


Function: TypeAlias = Literal[
    "count", "sum", "mean", "min", "max", "std", "distinct", "last", "first", "since", "trend", "rise", "changes"
]


@dataclass(frozen=True)
class Aggregate(Node):
    """One number about the rows of a table that a unit may know of at its as-of date.

    Parameters
    ----------
    table : str
        Whose rows.
    function : str
        See `AGGREGATES`.
    value : Node or None
        What is aggregated, per row; None for `count` and `since`. Rows where it is NULL are left out.
    over, lag : Period
        With as-of date *t*: rows with ``t - lag - over <= happened on < t - lag`` and ``known on < t``.
    where : Node or None
        A condition per row; rows where it is false or NULL are left out.
    match : tuple of (column, Node)
        Columns of `table` and the unit-level values they must equal.
    near, alike : Near or None, Alike or None
        Further restrictions.
    per : tuple of str
        For `rise` and `changes`: rows are compared within equal values of these columns.

    >>> Aggregate(EXACT, "deliveries", "count", None, Period(months=12)).function
    'count'
    """

    table: str
    function: Function
    value: Node | None
    over: Period
    lag: Period | None = None
    where: Node | None = None
    match: tuple[tuple[str, Node], ...] = ()
    near: Near | None = None
    alike: Alike | None = None
    per: tuple[str, ...] = ()


@dataclass(frozen=True)
class Peers(Node):
    """How a value compares with that of the unit's peers: cohort members of the same group and as-of date.

    `robust_z` is (value - median) / (1.4826 × median absolute deviation), NULL when the deviation is 0;
    `percentile` is the share of peers with a smaller value plus half of those with an equal one (the unit itself
    included); `median` is the median. NULL under `least` peers with a value, the unit included. `count`, `mad`,
    `below` and `ties` are what these are made of.

    >>> Peers(NUMBER, Own(EXACT, "nozzles"), (Own(TEXT, "district"),), "robust_z").least
    8
    """

    value: Node
    groups: tuple[Node, ...]
    measure: Literal["robust_z", "percentile", "median", "mad", "count", "below", "ties"]
    least: int = 8


@dataclass(frozen=True)
class Shared(Node):
    """Other entities that hold the same value (a phone, an address, an agent) at the as-of date.

    Parameters
    ----------
    table, column : str
        The register, and the column whose value is shared.
    match : tuple of (column, Node)
        Finds the unit's own entry in the register.
    measure : {"count", "share"}
        How many others hold the value; or the share of them for which `where` is true.
    where : Node or None
        A condition on the others' rows.

    `count` is 0 for a value that nobody shares; NULL when the unit has no entry or no value. `share` is NULL when
    there are no others.

    >>> Shared(EXACT, "register", "phone", (("enterprise", Own(TEXT, "enterprise")),), "count").column
    'phone'
    """

    table: str
    column: str
    match: tuple[tuple[str, Node], ...]
    measure: Literal["count", "share"]
    where: Node | None = None


@dataclass(frozen=True)
class Relation:
    """What a question needs to know of a source table: its columns and which of them have a role.

    Parameters
    ----------
    name : str
        The table.
    columns : tuple of (name, Type)
        The columns a question may use; protected columns are not among them.
    keys : tuple of str
        Columns that name the entity a row describes; empty for a table of plain events.
    happens : bool
        True when rows have a `happened on`.
    valid_from, valid_to : str
        Columns with the first and last day of validity; empty when the table has none.

    >>> Relation("stations", (("station", TEXT),), keys=("station",), happens=False).keys
    ('station',)
    """

    name: str
    columns: tuple[tuple[str, Type], ...]
    keys: tuple[str, ...] = ()
    happens: bool = True
    valid_from: str = ""
    valid_to: str = ""

    def type_of(self, column: str) -> Type:
        """The type of a column."""
        return dict(self.columns)[column]


@dataclass(frozen=True)
class Unit:
    """What one row of the matrix is about.

    Parameters
    ----------
    table : str
        The table whose rows are scored.
    keys : tuple of str
        Its columns that name the unit.
    scored_after : int or None
        None: an entity, scored on every as-of date on which it is valid and known. A number of days: an event,
        scored once, on the first as-of date that lies after the day it became known and at least so many days
        after it happened.

    >>> Unit("stations", ("station",)).once
    False
    """

    table: str
    keys: tuple[str, ...]
    scored_after: int | None = None

    @property
    def once(self) -> bool:
        """True for an event, which is scored once."""
        return self.scored_after is not None


@dataclass(frozen=True)
class Question:
    """A whole matrix: for which units, and which values of each.

    Parameters
    ----------
    unit : Unit
        What a row is about.
    cohort : Node or None
        A unit-level condition; rows where it is false or NULL are left out.
    values : tuple of (name, Node)
        The columns of the matrix.
    relations : tuple of Relation
        The tables it reads.

    >>> unit = Unit("stations", ("station",))
    >>> Question(unit, None, (("one", literal(1)),), ()).names
    ('one',)
    """

    unit: Unit
    cohort: Node | None
    values: tuple[tuple[str, Node], ...]
    relations: tuple[Relation, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(name for name, _ in self.values)

    def relation(self, table: str) -> Relation:
        """The relation of a table."""
        return next(r for r in self.relations if r.name == table)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the meaning: equal exactly when the question is the same, whatever its wording."""
        return digest([self.unit, self.cohort, list(self.values), list(self.relations)])


@dataclass(frozen=True)
class Outcome:
    """What is found about a unit after its as-of date; the only thing that looks forward, and never a feature.

    Parameters
    ----------
    table : str
        Where findings are recorded.
    confirmed, not_confirmed : Node
        Conditions on its rows; a unit with a confirmed row is 1, with only not confirmed ones 0, else unknown.
    within : Period
        Findings count that happened from the as-of date on, for so long.
    match : tuple of (column, Node)
        Columns of `table` and the unit-level values they must equal.
    about : Node or None
        A date of the row that must equal the as-of date; then `within` bounds only how late a finding may come.
    channel : Node or None
        A text of the row: why the unit was looked at.

    >>> from jcml.dates import months
    >>> Outcome("verdicts", literal(True), literal(False), months(6), ()).table
    'verdicts'
    """

    table: str
    confirmed: Node
    not_confirmed: Node
    within: Period
    match: tuple[tuple[str, Node], ...]
    about: Node | None = None
    channel: Node | None = None


@dataclass(frozen=True)
class AggregateMeaning:
    """What an aggregate function does, in words and in types.

    >>> AGGREGATES["sum"].empty
    0
    """

    says: str
    empty: int | None
    result: Literal["exact", "value", "number"]
    value: Literal["none", "exact", "any"]


AGGREGATES: dict[str, AggregateMeaning] = {
    "count": AggregateMeaning("number of rows", 0, "exact", "none"),
    "sum": AggregateMeaning("sum of the values", 0, "value", "exact"),
    "mean": AggregateMeaning("sum divided by the number of values", None, "number", "exact"),
    "min": AggregateMeaning("smallest value", None, "value", "any"),
    "max": AggregateMeaning("greatest value", None, "value", "any"),
    "std": AggregateMeaning("sample standard deviation; NULL under two values", None, "number", "exact"),
    "distinct": AggregateMeaning("number of different values", 0, "exact", "any"),
    "last": AggregateMeaning("value of the latest row; ties by the greater row id", None, "value", "any"),
    "first": AggregateMeaning("value of the earliest row; ties by the smaller row id", None, "value", "any"),
    "since": AggregateMeaning("days from the latest row to the as-of date", None, "exact", "none"),
    "trend": AggregateMeaning("least-squares slope per day; NULL when all rows are of one day", None, "number", "exact"),
    "rise": AggregateMeaning("sum of the increases from each value to the next; a fall is a reset and adds nothing; "
                             "NULL under two values", None, "value", "exact"),
    "changes": AggregateMeaning("how often a value differs from the one before it", 0, "exact", "any"),
}
"""Every aggregate function: meaning, result for no rows (where the source was delivered), result type, argument."""

OPERATIONS: dict[str, str] = {
    "+": "sum", "-": "difference", "*": "product",
    "/": "quotient as a number; NULL when the divisor is 0",
    "==": "equal", "!=": "not equal", "<": "less", "<=": "at most", ">": "more", ">=": "at least",
    "and": "both (false and NULL is false)", "or": "either (true or NULL is true)", "not": "negation",
    "is_null": "true when unknown, else false; never NULL",
    "coalesce": "the first value that is known",
    "if": "second value where the first is true, else the third",
    "in": "equal to one of the listed values",
    "mentions": "the text contains at least one of the listed words",
    "abs": "absolute value", "least": "smallest of the values", "greatest": "greatest of the values",
    "days_between": "days from the first date to the second, negative if it is earlier",
    "working_days_between": "working days after the first date up to and including the second; negative if earlier",
    "add_days": "the date so many days later",
    "year": "calendar year", "month": "calendar month, 1 to 12", "weekday": "1 Monday to 7 Sunday",
    "code": "position of a code in the contract's list, from 0; NULL when it is not listed",
    "round": "rounded half away from zero to an exact value of the given scale",
    "multiple_of": "true when the exact value is a whole multiple of the listed one",
}
"""Every scalar operation and its meaning."""


def literal(value: str | bool | int | float | date | None) -> Fixed:
    """A fixed value as a node; a float becomes exact with as many places as it is written with.

    >>> literal(True).type.kind, literal("x").type.kind, literal(0.25)
    ('boolean', 'text', Fixed(type=Type(kind='exact', scale=2), value=25))
    """
    if isinstance(value, bool):
        return Fixed(BOOLEAN, value)
    if isinstance(value, int):
        return Fixed(EXACT, value)
    if isinstance(value, float):
        text = f"{value:.12f}".rstrip("0")
        places = len(text.split(".")[1])
        return Fixed(Type("exact", places), round(value * 10**places))
    if isinstance(value, date):
        return Fixed(DATE, (value - date(1970, 1, 1)).days)
    if value is None:
        return Fixed(NUMBER, None)
    return Fixed(TEXT, value)


def call(op: str, *args: Node, extra: tuple[Any, ...] = ()) -> Call:
    """An operation with its result type worked out.

    Raises
    ------
    MeaningError
        If the operation has no meaning for arguments of these types.

    >>> call("+", literal(1), literal(0.5)).type
    Type(kind='exact', scale=1)
    >>> call("==", literal("a"), literal("b")).type.kind
    'boolean'
    """
    return Call(_result(op, [a.type for a in args], extra), op, args, extra)


def _result(op: str, types: list[Type], extra: tuple[Any, ...]) -> Type:
    kinds = " and ".join(t.kind for t in types)
    exact = all(t.kind == "exact" for t in types)
    if op in ("+", "-", "abs", "least", "greatest"):
        if all(t.numeric for t in types):
            return Type("exact", max(t.scale for t in types)) if exact else NUMBER
        if op in ("least", "greatest") and len({t.kind for t in types}) == 1:
            return types[0]
        raise MeaningError(f"{op!r} needs numbers, not {kinds}")
    if op in ("*", "/"):
        if not all(t.numeric for t in types):
            raise MeaningError(f"{op!r} needs numbers, not {kinds}")
        return Type("exact", sum(t.scale for t in types)) if exact and op == "*" else NUMBER
    if op in ("==", "!=", "<", "<=", ">", ">="):
        left, right = types
        if left.kind != right.kind and not (left.numeric and right.numeric):
            raise MeaningError(f"{op!r} cannot compare {left.kind} with {right.kind}")
        return BOOLEAN
    if op in ("and", "or", "not"):
        if any(t.kind != "boolean" for t in types):
            raise MeaningError(f"{op!r} needs conditions, not {kinds}")
        return BOOLEAN
    if op == "is_null":
        return BOOLEAN
    if op in ("in", "mentions"):
        if types[0].kind != "text":
            raise MeaningError(f"{op!r} needs a text or code, not {kinds}")
        return BOOLEAN
    if op in ("coalesce", "if"):
        choices = types if op == "coalesce" else types[1:]
        if op == "if" and types[0].kind != "boolean":
            raise MeaningError(f"'if' needs a condition first, not {types[0].kind}")
        if all(t.kind == "exact" for t in choices):
            return Type("exact", max(t.scale for t in choices))
        if all(t.numeric for t in choices):
            return NUMBER
        if len({t.kind for t in choices}) == 1:
            return choices[0]
        raise MeaningError(f"{op!r} needs values of one kind, not {kinds}")
    if op in ("days_between", "working_days_between"):
        if any(t.kind != "date" for t in types):
            raise MeaningError(f"{op!r} needs dates, not {kinds}")
        return EXACT
    if op == "add_days":
        if types[0].kind != "date" or types[1] != EXACT:
            raise MeaningError(f"'add_days' needs a date and whole days, not {kinds}")
        return DATE
    if op in ("year", "month", "weekday"):
        if types[0].kind != "date":
            raise MeaningError(f"{op!r} needs a date, not {kinds}")
        return EXACT
    if op == "code":
        if types[0].kind != "text":
            raise MeaningError(f"'code' needs a code column, not {kinds}")
        return EXACT
    if op == "round":
        if not types[0].numeric:
            raise MeaningError(f"'round' needs a number, not {kinds}")
        return Type("exact", int(extra[0]))
    if op == "multiple_of":
        if types[0].kind != "exact":
            raise MeaningError(f"'multiple_of' needs an exact value, not {kinds}")
        return BOOLEAN
    raise MeaningError(f"unknown operation {op!r}")


def aggregate_type(function: str, value: Node | None) -> Type:
    """The result type of an aggregate function for a value.

    Raises
    ------
    MeaningError
        If the function does not take such a value; sums and means take exact values only, because the sum of
        doubles depends on the order of the rows.

    >>> aggregate_type("sum", literal(0.5))
    Type(kind='exact', scale=1)
    """
    meaning = AGGREGATES[function]
    if (value is None) != (meaning.value == "none"):
        raise MeaningError(f"{function} takes {'no value' if meaning.value == 'none' else 'a value'}")
    if value is not None and meaning.value == "exact" and value.type.kind != "exact":
        raise MeaningError(
            f"{function} needs an exact value, not {value.type.kind}; round it first, for example .round(2)"
        )
    if meaning.result == "exact":
        return EXACT
    if meaning.result == "number":
        return NUMBER
    assert value is not None
    return value.type


def children(node: Any) -> Iterator[Node]:
    """The nodes directly inside a node.

    >>> [type(c).__name__ for c in children(call("+", literal(1), literal(2)))]
    ['Fixed', 'Fixed']
    """
    for field in fields(node):
        yield from _nodes(getattr(node, field.name))


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, Near | Alike):
        yield from children(value)
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


def walk(node: Node) -> Iterator[Node]:
    """The node and every node inside it, each occurrence once, outermost first.

    >>> len(list(walk(call("+", literal(1), literal(2)))))
    3
    """
    yield node
    for child in children(node):
        yield from walk(child)


def columns_read(node: Node, unit: str) -> dict[str, set[str]]:
    """Table → the columns that a value reads or joins by; `unit` is the table of the units themselves.

    >>> columns_read(Attribute(TEXT, "firms", "size", (("size", Own(TEXT, "firm")),)), "stations")
    {'firms': {'size'}, 'stations': {'firm'}}
    """
    found: dict[str, set[str]] = {}
    for inner in walk(node):
        names: set[str] = set()
        table = getattr(inner, "table", unit)
        if isinstance(inner, Field | Own | Attribute):
            names.add(inner.name)
        if isinstance(inner, Attribute | Presence | Aggregate | Shared):
            names.update(column for column, _ in inner.match)
        if isinstance(inner, Aggregate):
            names.update(inner.per)
            names.update(inner.near.at if inner.near else ())
            names.update([inner.alike.column] if inner.alike else ())
        if isinstance(inner, Shared):
            names.add(inner.column)
        if names:
            found.setdefault(table, set()).update(n.partition("__")[0] for n in names)
    return found


def is_row_level(node: Node, table: str) -> bool:
    """True when the value depends on a row of `table`.

    >>> is_row_level(Field(TEXT, "deliveries", "note"), "deliveries")
    True
    """
    return any(isinstance(n, Field) and n.table == table for n in walk(node))


_PLAIN = {str, int, float, bool, type(None)}


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


def canonical(value: Any) -> Any:
    """The node as plain lists, strings and numbers, the same for equal meaning; what the fingerprint hashes.

    >>> canonical(literal(True))
    ['Fixed', ['Type', 'boolean', 0], True]
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple or kind is list:
        return [canonical(v) for v in value]
    if isinstance(value, Node | Type | Near | Alike | Period | Relation | Unit):
        return [kind.__name__, *(canonical(getattr(value, name)) for name in _field_names(kind))]  # type: ignore[arg-type]
    if isinstance(value, dict):
        return {str(k): canonical(v) for k, v in value.items()}
    if isinstance(value, date):
        return value.isoformat()
    return value


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, in hex.

    >>> digest(literal(1)) == digest(literal(1))
    True
    """
    text = json.dumps(canonical(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
