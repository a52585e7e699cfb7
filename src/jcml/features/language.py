"""The words of a definition beyond the columns' own: ratios, gaps, peers, shared values, dated parameters.

Windowed quantities (`sum`, `count`, `since` …) are methods of columns and tables (`jcml.tables.expression`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from typing import Literal

from jcml.dates import Period, day_number
from jcml.errors import ConfigurationError, nearest
from jcml.query import Attribute, Constant, Field, Own, Peers, Shared, Type
from jcml.tables.expression import ColumnExpression, Expression, Value, as_of, meaning, value


@dataclass(frozen=True)
class Parameter:
    """A dated number with its source: a tax rate, a threshold, a time limit.

    Parameters
    ----------
    values : tuple of (date, scaled whole number)
        In force from that day on, oldest first.
    scale : int
        Decimal places of the whole numbers.
    basis : str
        The law, standard or judgement it comes from.
    status : {"checked", "unchecked", "inferred"}
        Whether a lawyer has confirmed it.

    >>> Parameter("税率", "rate", "", ((date(2019, 4, 1), 13),), 2, "《…》", "unchecked").scale
    2
    """

    zh: str
    en: str
    unit: str
    values: tuple[tuple[date, int], ...]
    scale: int
    basis: str
    status: Literal["checked", "unchecked", "inferred"]


@dataclass(frozen=True)
class Parameters:
    """All dated parameters of a workspace, and its working-day calendar.

    >>> Parameters({}, (), ()).numbers
    {}
    """

    numbers: Mapping[str, Parameter]
    holidays: tuple[date, ...]
    workdays: tuple[date, ...]


PARAMETERS: ContextVar[Parameters] = ContextVar("jcml_parameters")
"""The parameters of the workspace whose definition is being read."""

USED: ContextVar[set[str]] = ContextVar("jcml_parameters_used")
"""The names of the parameters that the definition being read has used."""


def parameter(name: str, *, on: Value | None = None) -> Expression:
    """A dated parameter, in the version in force on a day (by default the as-of date).

    Raises
    ------
    ConfigurationError
        JC3030, if the workspace has no parameter of that name.

    Examples
    --------
    >>> rate = Parameter("税率", "rate", "", ((date(2019, 4, 1), 13),), 2, "", "unchecked")
    >>> token = PARAMETERS.set(Parameters({"tax.vat_rate": rate}, (), ()))
    >>> parameter("tax.vat_rate").node.type
    Type(kind='exact', scale=2)
    >>> PARAMETERS.reset(token)
    """
    known = PARAMETERS.get(Parameters({}, (), ())).numbers
    if name not in known:
        raise ConfigurationError("JC3030", name=name, nearest=nearest(name, known))
    if (used := USED.get(None)) is not None:
        used.add(name)
    found = known[name]
    day = as_of if on is None else value(on)
    values = tuple((day_number(start), number) for start, number in found.values)
    return Expression(Constant(Type("exact", found.scale), name, values, day.node), day.tables)


def this(column: Expression) -> Expression:
    """The unit's own value of a column, inside a `where=` over rows of the same table.

    `Cases.matching(creditor=Cases.creditor).count(over=YEAR, where=Cases.case != this(Cases.case))` leaves this case out.

    >>> from jcml.tables import Column, EntityTable, text
    >>> from jcml.tables import date as day
    >>> class Firms(EntityTable):
    ...     firm = Column(text, "企业", "Firm", role=("key", "row id"), entity="firm")
    ...     received_on = Column(day, "入库", "Received", role="known on")
    >>> this(Firms.firm).node.name
    '@firms.firm'
    """
    if not isinstance(column.node, Field):
        raise ConfigurationError("JC3034")
    return Expression(Own(column.node.type, f"@{column.node.table}.{column.node.name}"), column.tables)


def ratio(above: Value, below: Value) -> Expression:
    """One quantity in proportion to another; NULL when the second is 0 or either is unknown.

    >>> ratio(1, 4).node.op
    '/'
    """
    return value(above) / below


def difference(one: Value, other: Value) -> Expression:
    """One quantity less another.

    >>> difference(3, 1).node.op
    '-'
    """
    return value(one) - other


def recomputed(expected: Value, recorded: Value) -> Expression:
    """What a term, fine or tax should have been, less what was recorded; 0 when they agree.

    >>> recomputed(130, 100).node.op
    '-'
    """
    return value(expected) - recorded


def gap(first: Value, second: Value, *, working: bool = False) -> Expression:
    """Days from the first date to the second, negative if it is earlier; working days with `working=True`.

    Working days follow the workspace's calendar (`features/parameters/calendar.yaml`).

    >>> gap(date(2024, 1, 1), date(2024, 1, 31)).node.op
    'days_between'
    """
    start, end = value(first), value(second)
    tables = {**start.tables, **end.tables}
    if not working:
        return Expression(meaning("days_between", start.node, end.node), tables)
    known = PARAMETERS.get(Parameters({}, (), ()))
    off = tuple(sorted(day_number(d) for d in known.holidays if d.isoweekday() <= 5))
    on = tuple(sorted(day_number(d) for d in known.workdays if d.isoweekday() > 5))
    return Expression(meaning("working_days_between", start.node, end.node, extra=(off, on)), tables)


def days_later(start: Value, count: Value) -> Expression:
    """The date so many days later.

    >>> days_later(date(2024, 1, 1), 30).node.type.kind
    'date'
    """
    first, number = value(start), value(count)
    return Expression(meaning("add_days", first.node, number.node), {**first.tables, **number.tables})


def either(condition: Expression, yes: Value, no: Value) -> Expression:
    """One value where the condition is true, the other where it is false, NULL where it is unknown.

    >>> either(value(1) > 0, 1, 0).node.op
    'if'
    """
    first, second = value(yes), value(no)
    node = meaning("if", condition.node, first.node, second.node)
    return Expression(node, {**condition.tables, **first.tables, **second.tables})


def greatest(*values: Value) -> Expression:
    """The greatest of the values; NULL when one is unknown.

    >>> greatest(1, 2).node.op
    'greatest'
    """
    parts = [value(v) for v in values]
    return Expression(meaning("greatest", *(p.node for p in parts)), {k: t for p in parts for k, t in p.tables.items()})


def least(*values: Value) -> Expression:
    """The smallest of the values; NULL when one is unknown.

    >>> least(1, 2).node.op
    'least'
    """
    parts = [value(v) for v in values]
    return Expression(meaning("least", *(p.node for p in parts)), {k: t for p in parts for k, t in p.tables.items()})


def peers(
    what: Expression,
    by: Expression | tuple[Expression, ...] = (),
    *,
    measure: Literal["robust_z", "percentile", "median"] = "robust_z",
) -> Expression:
    """How a quantity compares with the unit's peers: cohort members of equal `by` on the same as-of date.

    NULL under 8 peers; see `jcml.query.Peers` for the measures.

    >>> peers(value(1) / 2).node.measure
    'robust_z'
    """
    groups = by if isinstance(by, tuple) else (by,)
    tables = {k: t for e in (what, *groups) for k, t in e.tables.items()}
    kind = meaning("/", what.node, what.node).type
    return Expression(Peers(kind, what.node, tuple(g.node for g in groups), measure), tables)


def shared(column: Expression, *, where: Expression | None = None, measure: Literal["count", "share"] = "count") -> Expression:
    """How many others in a register hold the same value, or the share of them for which `where` is true.

    >>> from jcml.tables import Column, EntityTable, text
    >>> from jcml.tables import date as day
    >>> class Register(EntityTable):
    ...     firm = Column(text, "企业", "Firm", role=("key", "row id"), entity="firm")
    ...     phone = Column(text, "电话", "Phone", entity="phone")
    ...     received_on = Column(day, "入库", "Received", role="known on")
    >>> shared(Register.phone).node.column
    'phone'
    """
    node = column.node
    if not isinstance(node, Field | Attribute) or not isinstance(column, ColumnExpression):
        raise ConfigurationError("JC3031")
    if measure == "share" and where is None:
        raise ConfigurationError("JC3032")
    match = node.match if isinstance(node, Attribute) else ()
    kind = Type("exact") if measure == "count" else Type("number")
    made = Shared(kind, node.table, node.name, match, measure, where.node if where is not None else None)
    return Expression(made, {**column.tables, **(where.tables if where is not None else {})})


def bunching(amount: Expression, threshold: Value, *, over: Period, width: float = 0.15) -> Expression:
    """How many amounts lie just below a threshold for each one just above it; NULL when none lies above.

    *Just below* is from ``(1 - width) × threshold`` up to, not including, the threshold; *just above* from the
    threshold up to ``(1 + width) × threshold``. After McCrary, Journal of Econometrics 142(2), 2008.

    >>> from jcml.dates import months
    >>> from jcml.workspace.example import example
    >>> decisions = example()[1].tables["penalty_decisions"]
    >>> bunching(decisions.fine, 10_000, over=months(24)).node.op
    '/'
    """
    limit = value(threshold)
    below = (amount >= limit * (1 - width)) & (amount < limit)
    above = (amount >= limit) & (amount < limit * (1 + width))
    rows = amount._own_rows()
    return rows.count(over=over, where=below) / rows.count(over=over, where=above)


def category(column: Expression) -> Expression:
    """A code column as a categorical feature: the position of its code in the contract's list.

    Raises
    ------
    ConfigurationError
        JC3033, if the column has no list of codes.

    >>> from jcml.workspace.example import example
    >>> decisions = example()[1].tables["penalty_decisions"]
    >>> category(decisions.measure).node.extra
    ('warning', 'fine', 'confiscation', 'detention', 'revocation')
    """
    if not isinstance(column, ColumnExpression) or not column.column.type.codes:
        raise ConfigurationError("JC3033")
    node = meaning("code", column.node, extra=tuple(column.column.type.codes))
    return Expression(node, column.tables)
