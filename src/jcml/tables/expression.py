"""What a definition writes: values, conditions and windowed quantities, as Python expressions over columns.

`Deliveries.litres.sum(over=months(12), where=Deliveries.hour >= 22)` builds nodes of `jcml.query`; nothing is
computed. Conditions are joined with `&`, `|` and `~`, because Python keeps `and`, `or` and `not` for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

from jcml.dates import Period
from jcml.errors import ConfigurationError
from jcml.query import (
    BOOLEAN,
    DATE,
    EXACT,
    Aggregate,
    Alike,
    AsOf,
    Attribute,
    Field,
    MeaningError,
    Near,
    Node,
    Own,
    Presence,
    Type,
    aggregate_type,
    call,
    literal,
    walk,
)

if TYPE_CHECKING:
    from jcml.tables.table import Column, Table

Value: TypeAlias = "Expression | str | int | float | bool | date"


def meaning(op: str, *args: Node, extra: tuple[Any, ...] = ()) -> Node:
    """An operation node; a question without meaning becomes an error that names the definition's line.

    Raises
    ------
    ConfigurationError
        JC3001, if the operation has no meaning for such values.

    >>> meaning("+", literal(1), literal(2)).type.kind
    'exact'
    """
    try:
        return call(op, *args, extra=extra)
    except MeaningError as error:
        raise ConfigurationError("JC3001", problem=str(error)) from None


class Expression:
    """A value of a row or of the unit, or a condition; operators build larger ones.

    Parameters
    ----------
    node : Node
        What it means.
    tables : mapping of name to Table
        The contracts it refers to.
    rows : Rows or None
        For a column: the rows it belongs to, so that it can be aggregated.

    Examples
    --------
    >>> (value(3) > 2).node.type.kind
    'boolean'
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, node: Node, tables: Mapping[str, type[Table]], rows: Rows | None = None) -> None:
        self.node = node
        self.tables = dict(tables)
        self.rows = rows

    def _with(self, op: str, *others: Value, extra: tuple[Any, ...] = (), swap: bool = False) -> Expression:
        parts = [self, *(value(o) for o in others)]
        if swap:
            parts.reverse()
        tables = {name: table for part in parts for name, table in part.tables.items()}
        return Expression(meaning(op, *(p.node for p in parts), extra=extra), tables)

    def __add__(self, other: Value) -> Expression:
        return self._with("+", other)

    def __radd__(self, other: Value) -> Expression:
        return self._with("+", other, swap=True)

    def __sub__(self, other: Value) -> Expression:
        return self._with("-", other)

    def __rsub__(self, other: Value) -> Expression:
        return self._with("-", other, swap=True)

    def __mul__(self, other: Value) -> Expression:
        return self._with("*", other)

    def __rmul__(self, other: Value) -> Expression:
        return self._with("*", other, swap=True)

    def __truediv__(self, other: Value) -> Expression:
        return self._with("/", other)

    def __rtruediv__(self, other: Value) -> Expression:
        return self._with("/", other, swap=True)

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return self._with("==", other)  # type: ignore[arg-type]

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]
        return self._with("!=", other)  # type: ignore[arg-type]

    def __lt__(self, other: Value) -> Expression:
        return self._with("<", other)

    def __le__(self, other: Value) -> Expression:
        return self._with("<=", other)

    def __gt__(self, other: Value) -> Expression:
        return self._with(">", other)

    def __ge__(self, other: Value) -> Expression:
        return self._with(">=", other)

    def __and__(self, other: Value) -> Expression:
        return self._with("and", other)

    def __or__(self, other: Value) -> Expression:
        return self._with("or", other)

    def __invert__(self) -> Expression:
        return self._with("not")

    def __abs__(self) -> Expression:
        return self._with("abs")

    def __bool__(self) -> bool:
        raise ConfigurationError("JC3002")

    def between(self, low: Value, high: Value) -> Expression:
        """True from `low` to `high`, both included."""
        return (self >= low) & (self <= high)

    def isin(self, *options: str) -> Expression:
        """True when the code or text is one of the options."""
        return self._with("in", extra=options)

    def mentions(self, *words: str) -> Expression:
        """True when the text contains at least one of the words (关键词)."""
        return self._with("mentions", extra=words)

    def is_null(self) -> Expression:
        """True when the value is unknown."""
        return self._with("is_null")

    def otherwise(self, other: Value) -> Expression:
        """The value, or `other` where it is unknown."""
        return self._with("coalesce", other)

    def rounded(self, places: int) -> Expression:
        """Rounded half away from zero to so many places; exact again, so it can be summed."""
        return self._with("round", extra=(places,))

    def multiple_of(self, whole: int) -> Expression:
        """True when the amount is a whole multiple of `whole` units (1000 for a sum ending in 000)."""
        scale = self.node.type.scale
        return self._with("multiple_of", extra=(whole * 10**scale,))

    @property
    def year(self) -> Expression:
        """The calendar year of a date."""
        return self._with("year")

    @property
    def month(self) -> Expression:
        """The calendar month of a date, 1 to 12."""
        return self._with("month")

    @property
    def weekday(self) -> Expression:
        """The day of the week of a date, 1 Monday to 7 Sunday."""
        return self._with("weekday")

    # -- windowed quantities ---------------------------------------------------------------------------------------

    def sum(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """The sum of the values; 0 when there is no row."""
        return self._aggregate("sum", over, lag, where)

    def mean(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """The mean of the values; NULL when there is none."""
        return self._aggregate("mean", over, lag, where)

    def min(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """The smallest value; NULL when there is none."""
        return self._aggregate("min", over, lag, where)

    def max(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """The greatest value; NULL when there is none."""
        return self._aggregate("max", over, lag, where)

    def std(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """The sample standard deviation; NULL under two values."""
        return self._aggregate("std", over, lag, where)

    def distinct(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """How many different values; 0 when there is no row."""
        return self._aggregate("distinct", over, lag, where)

    def last(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """The value of the latest row that has one."""
        return self._aggregate("last", over, lag, where)

    def first(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """The value of the earliest row that has one."""
        return self._aggregate("first", over, lag, where)

    def trend(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """The least-squares slope per day; NULL when all rows are of one day."""
        return self._aggregate("trend", over, lag, where)

    def rise(
        self, *, over: Period, lag: Period | None = None, where: Expression | None = None, per: Expression | None = None
    ) -> Expression:
        """How far a counter rose, resets left out, added up over the counters that `per` tells apart."""
        return self._aggregate("rise", over, lag, where, per)

    def changes(
        self, *, over: Period, lag: Period | None = None, where: Expression | None = None, per: Expression | None = None
    ) -> Expression:
        """How often the value differs from that of the row before, within equal `per`."""
        return self._aggregate("changes", over, lag, where, per)

    def share(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """Of a condition: the share of rows for which it is true. Of an amount: the share of its sum where `where` is.

        NULL when there is no row, or the whole sum is 0.
        """
        if self.node.type == BOOLEAN:
            rows = self._own_rows()
            both = self if where is None else self & where
            return rows.count(over=over, lag=lag, where=both) / rows.count(over=over, lag=lag, where=where)
        if where is None:
            raise ConfigurationError("JC3003")
        return self.sum(over=over, lag=lag, where=where) / self.sum(over=over, lag=lag)

    def _own_rows(self) -> Rows:
        if self.rows is not None:
            return self.rows
        names = {n.table for n in walk(self.node) if isinstance(n, Field)}
        looked_into = {n.table for n in walk(self.node) if isinstance(n, Presence)}
        if len(names - looked_into) != 1:
            raise ConfigurationError("JC3004", tables=", ".join(sorted(names)) or "-")
        return Rows(self.tables[next(iter(names - looked_into))])

    def _aggregate(
        self, function: Any, over: Period, lag: Period | None, where: Expression | None, per: Expression | None = None
    ) -> Expression:
        rows = self._own_rows()
        node = self.node
        if isinstance(node, Attribute) and self.rows is not None:
            node = Field(node.type, node.table, node.name)
        per_columns = tuple(n.name for n in walk(per.node) if isinstance(n, Field)) if per is not None else ()
        return rows.aggregate(function, node, over, lag, where, per_columns, self.tables)


class Rows:
    """The rows of a table that belong to a unit: by default those with its key, or those that `matching` names.

    >>> from jcml.dates import months
    >>> from jcml.workspace.example import example
    >>> model, store = example()
    >>> store.tables["reverse_cases"].count(over=months(6)).node.function
    'count'
    """

    def __init__(
        self,
        table: type[Table],
        match: tuple[tuple[str, Node], ...] = (),
        near: Near | None = None,
        alike: Alike | None = None,
        tables: Mapping[str, type[Table]] | None = None,
    ) -> None:
        self._table = table
        self._match = match
        self._near = near
        self._alike = alike
        self._tables = {table.name: table, **(tables or {})}

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("__"):  # tools that look at objects ask for these
            raise AttributeError(name)
        column = self._table.columns.get(name)
        if column is None:
            from jcml.errors import nearest

            raise ConfigurationError(
                "JC3005", table=self._table.__name__, column=name, nearest=nearest(name, self._table.columns)
            )
        return column_expression(self._table, column, self)

    def matching(self, **columns: Value) -> Rows:
        """The rows whose columns equal these values, of the unit or of what it refers to."""
        match = list(self._match)
        tables = dict(self._tables)
        for name, given in columns.items():
            own = getattr(self, name)
            other = value(given)
            meaning("==", own.node, other.node)
            match.append((name, other.node))
            tables |= other.tables
        return Rows(self._table, tuple(match), self._near, self._alike, tables)

    def near(self, metres: int, of: type[Table] | Rows | None = None) -> Rows:
        """The rows at most so many metres from the unit (or from the entity `of` that it refers to)."""
        at = self._table.coordinates()
        ours: list[Node] = [Own(_DEGREES, "@latitude"), Own(_DEGREES, "@longitude")]
        tables = dict(self._tables)
        if of is not None:
            place = of if isinstance(of, Rows) else Rows(of)
            ours = [getattr(place, c).node for c in place._table.coordinates()]
            tables |= place._tables
        near = Near(metres, at, ours[0], ours[1])
        return Rows(self._table, self._match, near, self._alike, tables)

    def alike(self, text: Expression, bits: int = 3) -> Rows:
        """The rows whose text is nearly the same as the unit's: at most `bits` (0 to 3) of 60 bits differ."""
        name = getattr(text.node, "name", "")
        column = self._table.columns.get(name)
        if column is None or column.sensitivity != "free text" or not isinstance(text.node, Field | Attribute) or not 0 <= bits <= 3:
            raise ConfigurationError("JC3006", table=self._table.__name__)
        signature = replace(text.node, type=EXACT, name=name + "__signature")
        return Rows(self._table, self._match, self._near, Alike(name, signature, bits), {**self._tables, **text.tables})

    def count(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """How many rows; 0 when there is none."""
        return self.aggregate("count", None, over, lag, where)

    def since(self, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """Days from the latest row to the as-of date; NULL when there is none."""
        return self.aggregate("since", None, over, lag, where)

    def present(self, *, where: Expression | None = None, **columns: Value) -> Expression:
        """Is there such a row? Beside a feature it is asked of the unit, inside a `where=` of each row (碰撞)."""
        rows = self.matching(**columns) if columns else self
        tables = dict(rows._tables)
        if where is not None:
            tables |= where.tables
        node = Presence(BOOLEAN, self._table.name, rows._match, where.node if where is not None else None)
        return Expression(node, tables)

    def absent(self, *, where: Expression | None = None, **columns: Value) -> Expression:
        """Is there no such row? The opposite of `present`."""
        return ~self.present(where=where, **columns)

    def aggregate(
        self,
        function: Any,
        node: Node | None,
        over: Period,
        lag: Period | None,
        where: Expression | None,
        per: tuple[str, ...] = (),
        tables: Mapping[str, type[Table]] | None = None,
    ) -> Expression:
        """Any aggregate function of these rows; the named methods call it."""
        for period in (over, lag):
            if not isinstance(period, Period | None):
                raise ConfigurationError("JC3001", problem=f"over= and lag= need a period such as months(12), not {period!r}")
        try:
            made = Aggregate(
                aggregate_type(function, node),
                self._table.name,
                function,
                node,
                over,
                lag,
                where.node if where is not None else None,
                self._match,
                self._near,
                self._alike,
                per,
            )
        except MeaningError as error:
            raise ConfigurationError("JC3001", problem=str(error)) from None
        if where is not None and where.node.type != BOOLEAN:
            raise ConfigurationError("JC3001", problem=f"where= needs a condition, not {where.node.type.kind}")
        return Expression(made, {**self._tables, **(tables or {}), **(where.tables if where is not None else {})})


_DEGREES = Type("exact", 6)

as_of = Expression(AsOf(DATE), {})
"""The as-of date of the row, as a value."""


def value(given: Value) -> Expression:
    """Anything a definition may write as a value, as an expression.

    >>> value(0.5).node.type
    Type(kind='exact', scale=1)
    """
    return given if isinstance(given, Expression) else Expression(literal(given), {})


def column_expression(table: type[Table], column: Column, rows: Rows | None = None) -> Expression:
    """A column as an expression.

    Raises
    ------
    ConfigurationError
        JC3010, if the column is a protected attribute, which may never reach a feature.

    >>> from jcml.tables import Column, EntityTable, text
    >>> from jcml.tables import date as day
    >>> class Firms(EntityTable):
    ...     firm = Column(text, "企业", "Firm", role=("key", "row id"), entity="firm")
    ...     religion = Column(text, "宗教", "Religion", sensitivity="protected")
    ...     received_on = Column(day, "入库", "Received", role="known on")
    >>> column_expression(Firms, Firms.columns["firm"]).node.name
    'firm'
    >>> Firms.religion
    Traceback (most recent call last):
    jcml.errors.ConfigurationError: JC3010: Firms.religion (宗教) is a protected attribute and may not reach a feature
    """
    if column.sensitivity == "protected":
        raise ConfigurationError("JC3010", table=table.__name__, column=column.name, title=column.zh)
    match = rows._match if rows is not None else ()
    node: Node = Field(column.type.value, table.name, column.name)
    if match:
        node = Attribute(column.type.value, table.name, column.name, match)
    tables = {table.name: table, **(rows._tables if rows is not None else {})}
    return ColumnExpression(node, tables, rows or Rows(table), column)


class ColumnExpression(Expression):
    """A column; of a moment it also gives the local `day` and `hour`.

    >>> from jcml.tables import Column, EventTable, moment, text
    >>> class Pumps(EventTable):
    ...     reading = Column(text, "编号", "Reading", role="row id")
    ...     read_at = Column(moment, "时间", "Time", role=("happened on", "known on"))
    >>> Pumps.read_at.hour.node.name
    'read_at__hour'
    """

    def __init__(self, node: Node, tables: Mapping[str, type[Table]], rows: Rows, column: Column) -> None:
        super().__init__(node, tables, rows)
        self.column = column

    @property
    def day(self) -> Expression:
        """The local date of a moment."""
        return self._derived("__day", DATE)

    @property
    def hour(self) -> Expression:
        """The hour of the local day, 0 to 23."""
        return self._derived("__hour", EXACT)

    def _derived(self, suffix: str, kind: Type) -> Expression:
        if self.node.type.kind != "moment" or not isinstance(self.node, Field | Attribute):
            raise ConfigurationError("JC3001", problem=f"{suffix[2:]} needs a moment, not {self.node.type.kind}")
        node = replace(self.node, type=kind, name=self.column.name + suffix)
        return Expression(node, self.tables, self.rows)
