"""Raw cells → contract values, row by row accounted for.

Each cell becomes a value or a problem. A problem is an error, which sends the whole row to quarantine, or a
warning, which is counted and kept. The office's mapping (units, codes) is applied before the contract's checks.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jcml.dates import day_number, midnight
from jcml.errors import ConfigurationError, nearest
from jcml.tables.cells import PROBLEMS, read_boolean, read_date, read_exact, read_moment, read_text
from jcml.tables.identifiers import IDENTIFIERS, mask, masked
from jcml.tables.office import Binding, ColumnBinding
from jcml.tables.pseudonyms import Pseudonyms, remembering
from jcml.tables.reading import Chunk
from jcml.tables.signature import signature
from jcml.tables.table import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

ROW_PROBLEMS: dict[str, tuple[str, str, str]] = {
    "too_many_cells": ("单元格多于表头", "more cells than the header has", "error"),
    "too_few_cells": ("单元格少于表头", "fewer cells than the header has", "error"),
    "unreadable_row": ("无法按分隔文件读取的一行", "a line that cannot be read as a delimited file", "error"),
    "missing": ("必填项为空", "a required value is missing", "error"),
    "unknown_code": ("代码不在合同的代码表中", "the code is not in the contract's list", "error"),
    "out_of_bounds": ("数值超出合同规定的范围", "the value lies outside the contract's bounds", "error"),
    "in_the_future": ("日期晚于数据收到日", "the date lies after the day the delivery was received", "error"),
    "ends_before_start": ("止日早于起日", "the last day lies before the first", "error"),
    "formula_error": ("公式没有结果，或结果是错误值", "a formula without a value, or with an error value", "error"),
    "not_one_value": ("不是单个值（列表、字节串等）", "not a single value but a list, bytes or the like", "error"),
    "test_row": ("生产数据中的测试行", "a test row left in production data", "error"),
    "bad_check_digit": ("号码校验位不符", "the check digit of the number does not fit", "warning"),
    "masked": ("来源单位已脱敏，不能用于关联", "masked by the agency that delivered it; cannot be joined", "warning"),
}
"""Problems of rows and of mapped values, beside those of single cells (`cells.PROBLEMS`)."""

_TEST_NAMES = ("测试", "test", "TEST", "Test")
_TEST_IDS = {"110101190001010000", "111111111111111111", "123456789012345678"}
_REMEMBER = 200_000
_NESTED = frozenset((list, dict))
_FORMULA_ERRORS = frozenset(("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"))


def severity(problem: str) -> str:
    """`error` or `warning`.

    >>> severity("masked")
    'warning'
    """
    return (ROW_PROBLEMS.get(problem) or PROBLEMS[problem])[2]


def describe(problem: str, language: str) -> str:
    """A problem in words.

    >>> describe("missing", "en")
    'a required value is missing'
    """
    found = ROW_PROBLEMS.get(problem) or PROBLEMS[problem]
    return found[0] if language == "zh" else found[1]


@dataclass
class Cleaned:
    """What became of a chunk.

    Parameters
    ----------
    rows : dict of column to list
        Values of the rows that are kept, contract columns, derived and system columns.
    refused : list of (number, problems, raw)
        Rows for quarantine; `problems` is a list of (column, problem, masked value).
    warnings : Counter of (column, problem)

    >>> Cleaned({}, []).kept
    0
    """

    rows: dict[str, list[Any]]
    refused: list[tuple[int, list[tuple[str, str, str]], str]]
    warnings: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def kept(self) -> int:
        """How many rows are kept."""
        return len(next(iter(self.rows.values()), []))


class Cleaner:
    """Cleans the chunks of one batch.

    Parameters
    ----------
    table : type of Table
    binding : Binding
    header : tuple of str
        The physical columns of the file.
    zone : ZoneInfo
    pseudonyms : Pseudonyms
    received : date
        The day the delivery came in; nothing in it can lie later.

    Raises
    ------
    ConfigurationError
        JC2120, if a column that has a role is not found in the file.

    Examples
    --------
    >>> from jcml.tables import Column, EntityTable, text
    >>> from jcml.tables import date as day
    >>> class Depots(EntityTable):
    ...     depot = Column(text, "油库", "Depot", role=("key", "row id"), entity="depot")
    ...     received_on = Column(day, "入库", "Received", role="known on")
    >>> cleaner = Cleaner(Depots, Binding("depots"), ("油库", "入库"), ZoneInfo("Asia/Shanghai"), Pseudonyms(bytes(32)), date(2024, 2, 1))
    >>> done = cleaner.clean(Chunk({"油库": ["D-1", "D-2"], "入库": ["2024-01-31", "2024-02-30"]}, [2, 3]))
    >>> done.kept, [(number, problems[0][:2]) for number, problems, _ in done.refused]
    (1, [(3, ('received_on', 'not_a_date'))])
    """

    def __init__(
        self,
        table: type[Table],
        binding: Binding,
        header: tuple[str, ...],
        zone: ZoneInfo,
        pseudonyms: Pseudonyms,
        received: date,
    ) -> None:
        self.table = table
        self.binding = binding
        self.zone = zone
        self.pseudonyms = pseudonyms
        self.received = received
        self.latest = midnight(received + timedelta(days=1), zone)
        self.pairs: dict[str, dict[str, str]] = {}
        self.sources = self._sources(header)
        self.readers = {name: self._reader(table.columns[name], source) for name, source in self.sources.items()}
        self.remembered: dict[str, dict[Any, tuple[Any, ...]]] = {name: {} for name in self.sources}

    @property
    def delivered(self) -> frozenset[str]:
        """The columns of the relation that this batch has."""
        names = set(self.sources)
        for name in self.sources:
            column = self.table.columns[name]
            if column.type.value.kind == "moment":
                names |= {name + "__day", name + "__hour"}
            if column.sensitivity == "free text":
                names.add(name + "__signature")
            if column.identifier:
                names.add(name + "__valid")
        return frozenset(names)

    def _sources(self, header: tuple[str, ...]) -> dict[str, ColumnBinding]:
        found: dict[str, ColumnBinding] = {}
        for name, column in self.table.columns.items():
            bound = self.binding.columns.get(name)
            if bound is None:
                same = next((h for h in (name, column.zh) if h in header), None)
                bound = ColumnBinding((same,)) if same is not None else None
            elif bound.sources:
                present = tuple(s for s in bound.sources if s in header)
                if not present:
                    raise ConfigurationError(
                        "JC2120", self.binding.place, table=self.table.name, column=name, source=" / ".join(bound.sources),
                        nearest=nearest(bound.sources[0], header),
                    )
                bound = replace(bound, sources=present[:1])
            if bound is not None:
                found[name] = bound
            elif column.roles and not set(column.roles) <= {"withdrawn", "reverses", "valid from", "valid to", "name", "latitude", "longitude"}:
                raise ConfigurationError(
                    "JC2120", self.binding.place, table=self.table.name, column=name, source=column.zh,
                    nearest=nearest(column.zh, header),
                )
        return found

    # -- one column --------------------------------------------------------------------------------------------

    def _reader(self, column: Column, source: ColumnBinding) -> Callable[[Any], tuple[Any, ...]]:
        """A function from a raw cell to (value, shown, problem, valid)."""
        kind = column.type.value.kind
        if kind == "exact":
            return self._exact(column, source)
        if kind == "boolean":
            return lambda raw: _plain(*read_boolean(source.codes.get(str(raw).strip(), raw) if source.codes else raw))
        if kind == "date":
            return lambda raw: _plain(*read_date(raw))
        if kind == "moment":
            return lambda raw: _plain(*read_moment(raw, self.zone))
        return self._text(column, source)

    def _exact(self, column: Column, source: ColumnBinding) -> Callable[[Any], tuple[Any, ...]]:
        scale = column.type.value.scale
        low = None if column.at_least is None else round(column.at_least * 10**scale)
        high = None if column.at_most is None else round(column.at_most * 10**scale)

        def read(raw: Any) -> tuple[Any, ...]:
            if source.factor == 1:
                value, problem = read_exact(raw, scale)
            else:
                value, problem = read_exact(raw, scale + 6)
                if value is not None:
                    value = int((value * source.factor / 10**6).quantize(Decimal(1), rounding=ROUND_HALF_UP))
            if value is not None and ((low is not None and value < low) or (high is not None and value > high)):
                return None, value, "out_of_bounds", None
            return value, value, problem, None

        return read

    def _text(self, column: Column, source: ColumnBinding) -> Callable[[Any], tuple[Any, ...]]:
        identifier = IDENTIFIERS.get(column.identifier)
        codes = column.type.codes
        pseudonym = None
        if column.entity:
            pseudonym = remembering(self.pseudonyms, column.entity, self.pairs.setdefault(column.entity, {}))

        def read(raw: Any) -> tuple[Any, ...]:
            value, problem = read_text(raw)
            if value is None:
                return None, None, problem, None
            if codes:
                mapped = source.codes.get(value, value)
                if mapped not in codes:
                    mapped = next((c for c, (zh, en) in codes.items() if value in (zh, en)), mapped)
                return (mapped, mapped, problem, None) if mapped in codes else (None, value, "unknown_code", None)
            if value in _TEST_IDS or ("name" in column.roles and value.startswith(_TEST_NAMES)):
                return None, value, "test_row", None
            valid = None
            if column.entity and masked(value):
                return None, value, "masked", False if identifier else None
            if identifier is not None:
                value = identifier.normalise(value)
                valid = identifier.valid(value)
                problem = problem if valid else "bad_check_digit"
            elif pseudonym is not None:
                value = join_key(value)
            shown = value
            return (pseudonym(value) if pseudonym is not None else value), shown, problem, valid

        return read

    # -- a chunk -----------------------------------------------------------------------------------------------

    def clean(self, chunk: Chunk) -> Cleaned:
        """Clean a chunk; every row is either kept or refused."""
        made = {name: self._column(name, chunk) for name in self.sources}
        problems: dict[int, list[tuple[str, str, str]]] = {}
        warnings: Counter[tuple[str, str]] = Counter()
        for name, cells in made.items():
            column = self.table.columns[name]
            needed = column.required or bool({"row id", "key", "happened on", "known on"} & set(column.roles))
            for index, (value, shown, problem, _) in enumerate(cells):
                if problem is not None:
                    if severity(problem) == "error":
                        delivered = shown if column.identifier and shown is not None else self._delivered(name, chunk, index)
                        problems.setdefault(index, []).append((name, problem, self._masked(column, delivered)))
                        continue
                    warnings[name, problem] += 1
                if value is None and needed:
                    problems.setdefault(index, []).append((name, "missing", ""))
        self._check_rows(made, chunk, problems)
        refused = [(n, [("", problem, "")], raw) for n, problem, raw in chunk.broken]
        for index, found in sorted(problems.items()):
            raw = {c: _json_cell(v[index]) for c, v in chunk.columns.items()}
            refused.append((chunk.numbers[index], found, json.dumps(raw, ensure_ascii=False)))
        keep = [i for i in range(chunk.rows) if i not in problems]
        return Cleaned(self._rows(made, keep, chunk), refused, warnings)

    def _column(self, name: str, chunk: Chunk) -> list[tuple[Any, ...]]:
        source, read = self.sources[name], self.readers[name]
        if source.received:
            value = self.received if self.table.columns[name].type.value.kind == "date" else self.latest - 1
            return [(value, value, None, None)] * chunk.rows
        if source.constant is not None:
            return [read(source.constant)] * chunk.rows
        known = self.remembered[name]
        if len(known) > _REMEMBER:
            known.clear()
        cells = []
        for raw in chunk.columns[source.sources[0]]:
            key = raw if type(raw) is str else (type(raw), str(raw) if type(raw) in _NESTED else raw)
            cell = known.get(key)
            if cell is None:
                cell = known[key] = _unreadable(raw) or read(raw)
            cells.append(cell)
        return cells

    def _delivered(self, name: str, chunk: Chunk, index: int) -> Any:
        """What stands in the source, as it was written there."""
        source = self.sources[name]
        return chunk.columns[source.sources[0]][index] if source.sources else source.constant

    def _masked(self, column: Column, shown: Any) -> str:
        if shown is None:
            return ""
        if column.sensitivity == "free text":
            return "…"
        if column.entity or column.sensitivity or column.identifier:
            return mask(str(shown), column.identifier)
        return str(shown)[:40]

    def _check_rows(
        self, made: dict[str, list[tuple[Any, ...]]], chunk: Chunk, problems: dict[int, list[tuple[str, str, str]]]
    ) -> None:
        for name in ("happened on", "known on"):
            column = self.table.one(name)
            if column is None or column.name not in made:
                continue
            limit = self.received if column.type.value.kind == "date" else self.latest
            for index, cell in enumerate(made[column.name]):
                value = cell[0]
                late = value is not None and (value > limit if column.type.value.kind == "date" else value >= limit)
                if late and index not in problems:
                    problems.setdefault(index, []).append((column.name, "in_the_future", self._masked(column, self._delivered(column.name, chunk, index))))
        start, end = self.table.one("valid from"), self.table.one("valid to")
        if start is None or end is None or start.name not in made or end.name not in made:
            return
        for index in range(chunk.rows):
            first, last = made[start.name][index][0], made[end.name][index][0]
            if first is not None and last is not None and last < first:
                problems.setdefault(index, []).append((end.name, "ends_before_start", self._masked(end, self._delivered(end.name, chunk, index))))

    def _rows(self, made: dict[str, list[tuple[Any, ...]]], keep: list[int], chunk: Chunk) -> dict[str, list[Any]]:
        rows: dict[str, list[Any]] = {}
        for name, cells in made.items():
            column = self.table.columns[name]
            values = [cells[i][0] for i in keep]
            rows[name] = values
            if column.type.value.kind == "moment":
                days = [_local(v, self.zone) for v in values]
                rows[name + "__day"] = [None if d is None else d[0] for d in days]
                rows[name + "__hour"] = [None if d is None else d[1] for d in days]
            if column.sensitivity == "free text":
                rows[name + "__signature"] = [None if v is None else signature(v) for v in values]
            if column.identifier:
                rows[name + "__valid"] = [cells[i][3] for i in keep]
        ids = [c.name for c in self.table.having("row id")]
        rows["_row"] = ["|".join(str(made[n][i][0]) for n in ids) for i in keep]
        rows["_known"], rows["_known_day"] = self._times("known on", made, keep)
        if self.table.happens:
            rows["_happened"], rows["_day"] = self._times("happened on", made, keep)
        gone, back = self.table.one("withdrawn"), self.table.one("reverses")
        rows["_withdrawn"] = [bool(made[gone.name][i][0]) if gone and gone.name in made else False for i in keep]
        rows["_reverses"] = [made[back.name][i][0] if back and back.name in made else None for i in keep]
        rows["_line"] = [chunk.numbers[i] for i in keep]
        rows["_digest"] = [self._digest(made, i) for i in keep]
        return rows

    def _times(self, role: str, made: dict[str, list[tuple[Any, ...]]], keep: list[int]) -> tuple[list[int], list[int]]:
        column = self.table.one(role)
        assert column is not None
        values = [made[column.name][i][0] for i in keep]
        if column.type.value.kind == "date":
            starts: dict[date, int] = {d: midnight(d, self.zone) for d in set(values)}
            return [starts[v] for v in values], [day_number(v) for v in values]
        return values, [day_number(local[0]) for v in values if (local := _local(v, self.zone)) is not None]

    def _digest(self, made: dict[str, list[tuple[Any, ...]]], index: int) -> str:
        known = self.table.one("known on")
        skip = known.name if known is not None else ""
        return self.pseudonyms.digest("\x1f".join(f"{n}={cells[index][0]}" for n, cells in made.items() if n != skip))


def _unreadable(raw: Any) -> tuple[Any, ...] | None:
    """What is wrong with a cell before its column is asked; None when nothing is."""
    if raw is not None and not isinstance(raw, str | int | float | date | Decimal):
        return None, None, "not_one_value", None
    return (None, raw, "formula_error", None) if isinstance(raw, str) and raw.strip() in _FORMULA_ERRORS else None


def _plain(value: Any, problem: str | None) -> tuple[Any, ...]:
    return value, value, problem, None


def join_key(value: str, identifier: str = "") -> str:
    """A join key as it is compared: without what only typing adds (width, spaces, case), or as its numbering says.

    >>> join_key("ｓ－007 ")
    'S-007'
    """
    if identifier:
        return IDENTIFIERS[identifier].normalise(value)
    return "".join(
        chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else c for c in value if not c.isspace()
    ).upper()


def _local(moment: int | None, zone: ZoneInfo) -> tuple[date, int] | None:
    if moment is None:
        return None
    from datetime import UTC, datetime

    there = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).astimezone(zone)
    return there.date(), there.hour


def _json_cell(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def schema(table: type[Table], delivered: frozenset[str]) -> pa.Schema:
    """The Arrow schema of canonical rows: contract columns, derived ones, then system columns.

    Exact values are whole numbers of the smallest unit; their scale is in the field's metadata.

    >>> from jcml.tables import Column, EntityTable, text
    >>> from jcml.tables import date as day
    >>> class Depots(EntityTable):
    ...     depot = Column(text, "油库", "Depot", role=("key", "row id"), entity="depot")
    ...     received_on = Column(day, "入库", "Received", role="known on")
    >>> schema(Depots, frozenset({"depot"})).names[:3]
    ['depot', '_row', '_known']
    """
    import pyarrow as pa

    kinds = {"exact": pa.int64(), "boolean": pa.bool_(), "text": pa.string(), "date": pa.date32(), "moment": pa.int64()}
    fields = []
    for name, column in table.columns.items():
        if name in delivered:
            meta = {"scale": str(column.type.value.scale), "zh": column.zh, "en": column.en}
            fields.append(pa.field(name, kinds[column.type.value.kind], metadata=meta))
        for suffix, kind in (("__day", pa.date32()), ("__hour", pa.int64()), ("__signature", pa.int64()), ("__valid", pa.bool_())):
            if name + suffix in delivered:
                fields.append(pa.field(name + suffix, kind))
    fields += [
        pa.field("_row", pa.string()), pa.field("_known", pa.int64()), pa.field("_known_day", pa.int32()),
        *([pa.field("_happened", pa.int64()), pa.field("_day", pa.int32())] if table.happens else []),
        pa.field("_withdrawn", pa.bool_()), pa.field("_reverses", pa.string()),
        pa.field("_line", pa.int64()), pa.field("_digest", pa.string()),
    ]
    return pa.schema(fields)
