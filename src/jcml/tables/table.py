"""The contract of a source table: what its columns are, whoever delivers them.

A contract is a class. Each column says what it holds, in Chinese and English, and which role it plays:

| role | meaning |
|---|---|
| `row id` | tells a row from all others of the source; several columns may share the role |
| `key` | names the entity that a row describes |
| `happened on` | when the thing happened (event tables) |
| `known on` | when the row became known to the office; without it a row is never known |
| `valid from`, `valid to` | first and last day on which an entity's version holds |
| `withdrawn` | true: this version takes the row back |
| `reverses` | the row id of an earlier row that this one cancels (红冲) |
| `latitude`, `longitude` | where, in degrees |
| `name` | what people call it |
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, overload

from jcml.errors import ConfigurationError, nearest
from jcml.query import BOOLEAN, DATE, EXACT, MOMENT, TEXT, Relation, Type
from jcml.tables.expression import Expression, Rows, column_expression
from jcml.tables.identifiers import IDENTIFIERS

if TYPE_CHECKING:
    from jcml.dates import Period
    from jcml.tables.expression import Value

Role = Literal[
    "row id", "key", "happened on", "known on", "valid from", "valid to", "withdrawn", "reverses",
    "latitude", "longitude", "name",
]
ROLES: tuple[str, ...] = Role.__args__  # type: ignore[attr-defined]
Sensitivity = Literal["", "personal", "free text", "protected"]


@dataclass(frozen=True)
class ColumnType:
    """What a column holds.

    Parameters
    ----------
    value : Type
        The type of its values in a question.
    codes : mapping of code to (Chinese, English)
        For a code column: every code it may hold, in a fixed order.
    money : bool
        True for amounts of money, so that reasons say 元 and 万元.

    Examples
    --------
    >>> decimal(3).value
    Type(kind='exact', scale=3)
    """

    value: Type
    codes: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)
    money: bool = False


text = ColumnType(TEXT)
integer = ColumnType(EXACT)
money = ColumnType(Type("exact", 2), money=True)
boolean = ColumnType(BOOLEAN)
date = ColumnType(DATE)
moment = ColumnType(MOMENT)


def decimal(places: int) -> ColumnType:
    """A quantity with a fixed number of decimal places; there is no floating point in a contract.

    >>> decimal(6).value.scale
    6
    """
    return ColumnType(Type("exact", places))


def code(**codes: tuple[str, str] | str) -> ColumnType:
    """A code from a list; each code with what it means in Chinese and English.

    >>> list(code(valid=("有效", "valid"), expired=("过期", "expired")).codes)
    ['valid', 'expired']
    """
    return ColumnType(TEXT, {k: (v, v) if isinstance(v, str) else v for k, v in codes.items()})


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a contract.

    Parameters
    ----------
    type : ColumnType
        `text`, `code(...)`, `integer`, `decimal(n)`, `money`, `boolean`, `date` or `moment`.
    zh, en : str
        What it is called.
    role : str or tuple of str
        One or several of the roles in the table above.
    entity : str
        The kind of thing it names (`station`, `enterprise`, `person`, `case`). Such a column is a join key: it is
        replaced by a keyed pseudonym at import, the same one in every table.
    identifier : str
        The official numbering its values must follow (`uscc`, `resident_id`, `case_number` …), check digits included.
    unit : tuple of (Chinese, English)
        The unit of a quantity.
    at_least, at_most : number or None
        Bounds; a row outside is quarantined.
    required : bool
        A row without it is quarantined.
    sensitivity : str
        `personal`: shown masked. `free text`: used by `mentions` and `alike`, never shown whole. `protected`: an
        attribute that may never reach a feature.

    Examples
    --------
    >>> Column(money, "金额", "amount").zh
    '金额'
    """

    type: ColumnType
    zh: str
    en: str
    role: str | tuple[str, ...] = ()
    entity: str = ""
    identifier: str = ""
    unit: tuple[str, str] = ("", "")
    at_least: float | None = None
    at_most: float | None = None
    required: bool = False
    sensitivity: Sensitivity = ""
    name: str = ""

    @property
    def roles(self) -> tuple[str, ...]:
        """Its roles, as a tuple."""
        return (self.role,) if isinstance(self.role, str) else self.role

    def __set_name__(self, owner: Any, name: str) -> None:
        object.__setattr__(self, "name", name)

    @overload
    def __get__(self, instance: None, owner: builtins.type[Table]) -> Any: ...
    @overload
    def __get__(self, instance: object, owner: builtins.type[Table]) -> Any: ...
    def __get__(self, instance: object, owner: builtins.type[Table]) -> Any:
        return column_expression(owner, self)


_RESERVED = {
    "count", "since", "present", "absent", "matching", "near", "alike", "columns", "name", "title", "agency",
    "relation", "keys", "coordinates", "aggregate", "crs",
}


class Table:
    """Base of `EventTable` and `EntityTable`; a subclass declares columns, `title` and `agency`.

    Raises
    ------
    ConfigurationError
        JC12xx, when the class is made and its roles do not fit together.

    >>> Table.columns
    {}
    """

    name: ClassVar[str] = ""
    title: ClassVar[tuple[str, str]] = ("", "")
    agency: ClassVar[tuple[str, str]] = ("", "")
    crs: ClassVar[str] = ""
    columns: ClassVar[dict[str, Column]] = {}
    happens: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.columns = {k: v for k, v in vars(cls).items() if isinstance(v, Column)}
        if cls.columns:
            cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
            _check_contract(cls)

    @classmethod
    def having(cls, role: str) -> list[Column]:
        """The columns that play a role."""
        return [c for c in cls.columns.values() if role in c.roles]

    @classmethod
    def one(cls, role: str) -> Column | None:
        """The column that plays a role, or None."""
        found = cls.having(role)
        return found[0] if found else None

    @classmethod
    def coordinates(cls) -> tuple[str, str]:
        """The names of the columns that say where."""
        found = cls.one("latitude"), cls.one("longitude")
        if found[0] is None or found[1] is None:
            raise ConfigurationError("JC3007", table=cls.__name__)
        return found[0].name, found[1].name

    @classmethod
    def relation(cls) -> Relation:
        """The table as a question sees it: without protected columns, with what is derived at import."""
        columns: list[tuple[str, Type]] = []
        for column in cls.columns.values():
            if column.sensitivity == "protected":
                continue
            columns.append((column.name, column.type.value))
            if column.type.value.kind == "moment":
                columns += [(column.name + "__day", DATE), (column.name + "__hour", EXACT)]
            if column.sensitivity == "free text":
                columns.append((column.name + "__signature", EXACT))
            if column.identifier:
                columns.append((column.name + "__valid", BOOLEAN))
        start, end = cls.one("valid from"), cls.one("valid to")
        return Relation(
            cls.name,
            tuple(columns),
            tuple(c.name for c in cls.having("key")),
            cls.happens,
            start.name if start else "",
            end.name if end else "",
        )

    @classmethod
    def matching(cls, **columns: Value) -> Rows:
        """The rows whose columns equal these values; see `Rows.matching`."""
        return Rows(cls).matching(**columns)

    @classmethod
    def near(cls, metres: int, of: type[Table] | Rows | None = None) -> Rows:
        """The rows near the unit; see `Rows.near`."""
        return Rows(cls).near(metres, of)

    @classmethod
    def alike(cls, text: Expression, bits: int = 3) -> Rows:
        """The rows with nearly the same text; see `Rows.alike`."""
        return Rows(cls).alike(text, bits)

    @classmethod
    def count(cls, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """How many rows; see `Rows.count`."""
        return Rows(cls).count(over=over, lag=lag, where=where)

    @classmethod
    def since(cls, *, over: Period, lag: Period | None = None, where: Expression | None = None) -> Expression:
        """Days since the latest row; see `Rows.since`."""
        return Rows(cls).since(over=over, lag=lag, where=where)

    @classmethod
    def present(cls, *, where: Expression | None = None, **columns: Value) -> Expression:
        """Is there such a row? See `Rows.present`."""
        return Rows(cls).present(where=where, **columns)

    @classmethod
    def absent(cls, *, where: Expression | None = None, **columns: Value) -> Expression:
        """Is there no such row? See `Rows.absent`."""
        return Rows(cls).absent(where=where, **columns)


class EventTable(Table):
    """A table of things that happened: one row per event, with `happened on` and `known on`.

    >>> class Fires(EventTable):
    ...     report_no = Column(text, "报告号", "Report", role="row id")
    ...     station = Column(text, "加油站", "Station", entity="station")
    ...     burnt_on = Column(date, "日期", "Date", role="happened on")
    ...     received_on = Column(date, "入库日期", "Received", role="known on")
    >>> Fires.name, Fires.relation().happens
    ('fires', True)
    """

    happens = True


class EntityTable(Table):
    """A register: versions of entities, each valid for a time and known from a day.

    >>> class Stations(EntityTable):
    ...     station = Column(text, "加油站", "Station", role=("key", "row id"), entity="station")
    ...     received_on = Column(date, "入库日期", "Received", role="known on")
    >>> Stations.relation().keys
    ('station',)
    """


def _check_contract(cls: type[Table]) -> None:
    def wrong(code: str, **facts: Any) -> ConfigurationError:
        return ConfigurationError(code, table=cls.__name__, **facts)

    for column in cls.columns.values():
        if column.name in _RESERVED or column.name.startswith("_") or "__" in column.name:
            raise wrong("JC1201", column=column.name)
        for role in column.roles:
            if role not in ROLES:
                raise wrong("JC1202", column=column.name, role=role, allowed=", ".join(ROLES), nearest=nearest(role, ROLES))
        for argument, known in (("identifier", IDENTIFIERS), ("sensitivity", get_args(Sensitivity))):
            if (given := getattr(column, argument)) and given not in known:
                allowed = ", ".join(filter(None, known))
                raise wrong("JC1208", column=column.name, argument=argument, value=given, allowed=allowed, nearest=nearest(given, known))
    for role in ("known on", "row id", *(("happened on",) if cls.happens else ("key",))):
        if not cls.having(role):
            raise wrong("JC1203", role=role)
    for role in ("known on", "happened on", "valid from", "valid to", "withdrawn", "reverses"):
        if len(cls.having(role)) > 1:
            raise wrong("JC1204", role=role)
    for role, kinds in {
        "known on": ("date", "moment"), "happened on": ("date", "moment"), "valid from": ("date",),
        "valid to": ("date",), "withdrawn": ("boolean",), "latitude": ("exact",), "longitude": ("exact",),
    }.items():
        for column in cls.having(role):
            if column.type.value.kind not in kinds:
                raise wrong("JC1205", column=column.name, role=role, allowed=" / ".join(kinds))
    if not cls.happens and cls.one("happened on"):
        raise wrong("JC1206")
    for column in cls.columns.values():
        if column.entity and column.type.value.kind != "text":
            raise wrong("JC1205", column=column.name, role="entity", allowed="text")
        if column.sensitivity == "protected" and (column.roles or column.entity):
            raise wrong("JC1207", column=column.name)
