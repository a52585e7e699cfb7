"""The quality report of what was delivered, made before any score: per source, per column, per month.

Completeness (how much is there), uniqueness (is the same fact there twice), validity (do numbers keep their check
digits), timeliness (how late rows become known), and what a reader of counts should see at once: months without
rows, join keys that very many rows share, amounts that look like a wrong unit. It judges; it changes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Any

from jcml.dates import MICROSECONDS_PER_DAY, from_day_number
from jcml.engines.dialect import quote
from jcml.engines.engine import END_OF_TIME
from jcml.engines.sql import SqlEngine
from jcml.tables.store import Store

HUB = 50
LATE_DAYS = 30
ODD_FACTOR = 1000
_LATE = f"(_known - _happened) > {LATE_DAYS * MICROSECONDS_PER_DAY}"
_BUCKETS = 4096


@dataclass(frozen=True)
class ColumnQuality:
    """One column: share of rows with a value, share whose check digits hold (None if it has none), distinct values.

    >>> ColumnQuality("amount", "金额", 0.98, None, 120).complete
    0.98
    """

    name: str
    zh: str
    complete: float
    valid: float | None
    distinct: int


@dataclass(frozen=True)
class MonthQuality:
    """One month of happening: rows, and the share that became known more than 30 days later.

    >>> MonthQuality("2024-01", 120, 0.05).rows
    120
    """

    month: str
    rows: int
    late: float


@dataclass(frozen=True)
class Finding:
    """Something a person should look at; `code` is one of `FINDINGS`.

    >>> Finding("missing_month", "2024-02").code
    'missing_month'
    """

    code: str
    detail: str


FINDINGS: dict[str, tuple[str, str]] = {
    "not_delivered": ("没有导入任何数据", "nothing was imported"),
    "missing_month": ("这个月没有记录；若确未交付，请在 office.toml 的 missing 中写明", "no rows in this month; if it was not delivered, declare it under missing in office.toml"),
    "same_fact_twice": ("内容相同而编号不同的行", "rows of equal content under different ids"),
    "hub_value": ("大量记录共用的关联键，可能是代办机构的电话或地址", "a join key that very many rows share; perhaps an agent's phone or address"),
    "odd_unit": ("远大于中位数的数值，可能是单位错误", "values far above the median; perhaps a wrong unit"),
    "bad_check_digits": ("校验位不符的号码", "numbers whose check digits do not hold"),
    "masked": ("来源单位已脱敏的关联键", "join keys masked by the agency"),
    "late": ("发生 30 天以后才获知的行", "rows known more than 30 days after they happened"),
    "known_before_happened": ("获知早于发生的行", "rows known before they happened"),
    "incomplete": ("空值较多的列", "columns with many gaps"),
    "quarantined": ("被隔离的行", "rows in quarantine"),
    "schema_changed": ("各批次交付的列不同", "batches deliver different columns"),
    "column_not_delivered": ("合同中有而从未交付的列", "columns of the contract that were never delivered"),
}
"""What a quality report may point at, in Chinese and English."""


@dataclass(frozen=True)
class SourceQuality:
    """The quality of one source.

    Parameters
    ----------
    read, kept, quarantined : int
        Over all batches; read = kept + quarantined.
    versions, corrected : int
        Versions in the merged table, and how many of them were replaced later.
    warnings : mapping of "column: problem" to count
    lag_days : (median, 95th percentile) or None

    Examples
    --------
    >>> SourceQuality("deliveries", "送货单").findings
    ()
    """

    source: str
    zh: str
    read: int = 0
    kept: int = 0
    quarantined: int = 0
    versions: int = 0
    corrected: int = 0
    first: str = ""
    last: str = ""
    warnings: dict[str, int] = field(default_factory=dict)
    columns: tuple[ColumnQuality, ...] = ()
    months: tuple[MonthQuality, ...] = ()
    lag_days: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Everything, ready to be written as JSON."""
        from dataclasses import asdict

        return {"schema": "jcml.quality/1", **asdict(self)}


def source_quality(store: Store, source: str) -> SourceQuality:
    """Look at everything an office delivered of one table.

    >>> from jcml.workspace.example import example
    >>> _, store = example()
    >>> found = source_quality(store, "reverse_cases")
    >>> found.read == found.kept + found.quarantined, found.zh == store.tables["reverse_cases"].title[0]
    (True, True)
    """
    table = store.tables[source]
    batches = store.batches(source)
    merged = store.merged(source)
    if merged is None:
        return SourceQuality(source, table.title[0], findings=(Finding("not_delivered", ""),))
    path, facts, _ = merged
    warnings: Counter[str] = Counter()
    for batch in batches:
        warnings.update(batch.warnings)
    rows = int(facts["rows"])
    with store.worker([path]) as engine:
        asked = _Asked(engine, engine.parquet(path))
        columns = tuple(_column(asked, table, name, rows) for name in table.columns if name in facts["columns"])
        months, lag, first, last = _times(asked, table.happens and rows > 0)
        corrected = int(asked.one(f"SELECT count(*) FROM {asked.rows} WHERE _superseded < {END_OF_TIME}"))
        findings = [
            *_batch_findings(store, source), *_column_findings(asked, table, columns, rows), *_month_findings(months),
            *_row_findings(asked, table, facts["columns"], rows, warnings),
        ]
    read, kept = sum(b.read for b in batches), sum(b.kept for b in batches)
    refused = sum(b.quarantined for b in batches)
    if refused:
        findings.insert(0, Finding("quarantined", f"{refused:,} / {read:,}"))
    return SourceQuality(
        source, table.title[0], read, kept, refused, rows, corrected, first, last, dict(sorted(warnings.items())), columns, months, lag,
        tuple(findings),
    )


class _Asked:
    """The merged rows of a source, and the engine that is asked about them."""

    def __init__(self, engine: SqlEngine, rows: str) -> None:
        self.engine = engine
        self.rows = rows

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        return list(zip(*(column.to_pylist() for column in self.engine.query(sql).columns), strict=True))

    def one(self, sql: str) -> Any:
        return self.all(sql)[0][0]

    def quantile(self, value: str, where: str, numerator: int, denominator: int) -> Fraction | None:
        """The quantile of a whole number, interpolated between two rows, exactly; by counting, so that no engine has to hold or sort the values."""
        count, low, high = self.all(f"SELECT count({value}), min({value}), max({value}) FROM {self.rows} WHERE {where}")[0]
        if not count:
            return None
        place = Fraction((count - 1) * numerator, denominator)
        wanted, above = int(place), place - int(place)
        before = 0
        while low < high:
            width = (high - low) // _BUCKETS + 1
            bucket = self.engine.dialect.floor_divide(f"({value} - {low})", width)
            for number, rows in self.all(
                f"SELECT {bucket} AS b, count(*) AS n FROM {self.rows} WHERE {where} AND {value} BETWEEN {low} AND {high} GROUP BY 1 ORDER BY 1"
            ):
                if before + rows > wanted:
                    low, high = low + number * width, min(high, low + (number + 1) * width - 1)
                    break
                before += rows
        if not above:
            return Fraction(low)
        same, following = self.all(
            f"SELECT count(CASE WHEN {value} <= {low} THEN 1 END) AS s, min(CASE WHEN {value} > {low} THEN {value} END) AS f FROM {self.rows} WHERE {where}"
        )[0]
        return Fraction(low if same > wanted + 1 else low + (following - low) * above)


def _column(asked: _Asked, table: Any, name: str, rows: int) -> ColumnQuality:
    column = table.columns[name]
    filled, distinct = asked.all(f"SELECT count({quote(name)}) AS f, count(DISTINCT {quote(name)}) AS d FROM {asked.rows}")[0]
    valid = None
    if column.identifier:
        share = asked.one(f"SELECT avg(CAST({quote(name + '__valid')} AS DOUBLE)) FROM {asked.rows} WHERE {quote(name)} IS NOT NULL")
        valid = None if share is None else float(share)
    return ColumnQuality(name, column.zh, filled / rows if rows else 0.0, valid, int(distinct))


def _times(asked: _Asked, happens: bool) -> tuple[tuple[MonthQuality, ...], tuple[float, float] | None, str, str]:
    if not happens:
        return (), None, "", ""
    year, month = (getattr(asked.engine.dialect, part)("_day") for part in ("year", "month"))
    rows = asked.all(
        f"SELECT {year} AS y, {month} AS m, count(*) AS n, avg(CAST({_LATE} AS DOUBLE)) AS late FROM {asked.rows} GROUP BY 1, 2 ORDER BY 1, 2"
    )
    middle, most = (asked.quantile("(_known - _happened)", "TRUE", *part) for part in ((1, 2), (95, 100)))
    assert middle is not None
    assert most is not None
    first, last = asked.all(f"SELECT min(_day) AS f, max(_day) AS l FROM {asked.rows}")[0]
    months = tuple(MonthQuality(f"{y:04d}-{m:02d}", n, late) for y, m, n, late in rows)
    lag = float(middle / MICROSECONDS_PER_DAY), float(most / MICROSECONDS_PER_DAY)
    return months, lag, str(from_day_number(first)), str(from_day_number(last))


def _month_findings(months: tuple[MonthQuality, ...]) -> list[Finding]:
    if not months:
        return []
    present = {m.month for m in months}
    year, month = map(int, months[0].month.split("-"))
    found = []
    while (name := f"{year:04d}-{month:02d}") < months[-1].month:
        if name not in present:
            found.append(Finding("missing_month", name))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


def _batch_findings(store: Store, source: str) -> list[Finding]:
    table = store.tables[source]
    delivered = [set(b.delivered) for b in store.batches(source)]
    found = []
    together, common = set().union(*delivered), set.intersection(*delivered)
    if together != common:
        found.append(Finding("schema_changed", ", ".join(sorted(together - common))))
    never = [c for c in table.columns if c not in together]
    if never:
        found.append(Finding("column_not_delivered", ", ".join(never)))
    return found


def _column_findings(asked: _Asked, table: Any, columns: tuple[ColumnQuality, ...], rows: int) -> list[Finding]:
    found = []
    for quality in columns:
        column, name = table.columns[quality.name], quote(quality.name)
        if quality.complete < 0.9:
            found.append(Finding("incomplete", f"{quality.zh} {quality.complete:.0%}"))
        if quality.valid is not None and quality.valid < 1:
            found.append(Finding("bad_check_digits", f"{quality.zh} {1 - quality.valid:.1%}"))
        if column.entity and "key" not in column.roles and rows > 20 * HUB:
            most = asked.one(f"SELECT max(n) FROM (SELECT count(*) AS n FROM {asked.rows} WHERE {name} IS NOT NULL GROUP BY {name})") or 0
            if most >= HUB and most > 20 * rows / max(1, quality.distinct):
                found.append(Finding("hub_value", f"{quality.zh} {most:,}"))
        if column.type.value.kind == "exact" and not column.type.codes:
            middle = asked.quantile(f"abs({name})", f"{name} <> 0", 1, 2)
            if middle is not None and (odd := asked.one(f"SELECT count(*) FROM {asked.rows} WHERE abs({name}) >= {ceil(ODD_FACTOR * middle)}")):
                found.append(Finding("odd_unit", f"{quality.zh} {odd:,}"))
    return found


def _row_findings(asked: _Asked, table: Any, delivered: list[str], rows: int, warnings: Counter[str]) -> list[Finding]:
    found = []
    skip = {c.name for c in table.having("row id")} | {c.name for c in table.having("known on")}
    content = [quote(c) for c in table.columns if c not in skip and c in delivered]
    if content:
        twice = asked.one(
            f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(DISTINCT _row) AS n FROM {asked.rows} GROUP BY {', '.join(content)} HAVING count(DISTINCT _row) > 1)"
        )
        if twice:
            found.append(Finding("same_fact_twice", f"{int(twice):,}"))
    masked = sum(n for name, n in warnings.items() if name.endswith(": masked"))
    if masked:
        found.append(Finding("masked", f"{masked:,}"))
    if table.happens and rows:
        late = asked.one(f"SELECT avg(CAST({_LATE} AS DOUBLE)) FROM {asked.rows}")
        if late and late > 0.05:
            found.append(Finding("late", f"{late:.0%}"))
        early = asked.one(f"SELECT count(*) FROM {asked.rows} WHERE _known < _happened")
        if early:
            found.append(Finding("known_before_happened", f"{early:,}"))
    return found
