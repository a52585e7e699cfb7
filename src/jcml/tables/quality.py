"""The quality report of what was delivered, made before any score: per source, per column, per month.

Completeness (how much is there), uniqueness (is the same fact there twice), validity (do numbers keep their check
digits), timeliness (how late rows become known), and what a reader of counts should see at once: months without
rows, join keys that very many rows share, amounts that look like a wrong unit. It judges; it changes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from jcml.engines.dialect import quote, text
from jcml.engines.duckdb import connect
from jcml.engines.engine import END_OF_TIME
from jcml.tables.store import Store

HUB = 50
LATE_DAYS = 30
ODD_FACTOR = 1000


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
    connection = connect(threads=store.office.threads, memory=store.office.memory)
    try:
        connection.execute(f"CREATE VIEW v AS SELECT * FROM read_parquet({text(str(path))})")
        rows = int(facts["rows"])
        columns = tuple(_column(connection, table, name, rows) for name in table.columns if name in facts["columns"])
        months, lag, first, last = _times(connection, table.happens)
        corrected = int(_one(connection, f"SELECT count(*) FROM v WHERE _superseded < {END_OF_TIME}"))
        findings = [
            *_batch_findings(store, source), *_column_findings(connection, table, columns, rows), *_month_findings(months),
            *_row_findings(connection, table, rows, warnings),
        ]
    finally:
        connection.close()
    read, kept = sum(b.read for b in batches), sum(b.kept for b in batches)
    refused = sum(b.quarantined for b in batches)
    if refused:
        findings.insert(0, Finding("quarantined", f"{refused:,} / {read:,}"))
    return SourceQuality(
        source, table.title[0], read, kept, refused, rows, corrected, first, last, dict(sorted(warnings.items())), columns, months, lag,
        tuple(findings),
    )


def _one(connection: Any, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else None


def _column(connection: Any, table: Any, name: str, rows: int) -> ColumnQuality:
    column = table.columns[name]
    filled, distinct = connection.execute(f"SELECT count({quote(name)}), approx_count_distinct({quote(name)}) FROM v").fetchone()
    valid = None
    if column.identifier:
        share = _one(connection, f"SELECT avg(CAST({quote(name + '__valid')} AS DOUBLE)) FROM v WHERE {quote(name)} IS NOT NULL")
        valid = None if share is None else float(share)
    return ColumnQuality(name, column.zh, filled / rows if rows else 0.0, valid, int(distinct))


def _times(connection: Any, happens: bool) -> tuple[tuple[MonthQuality, ...], tuple[float, float] | None, str, str]:
    if not happens:
        return (), None, "", ""
    lag = "(_known - _happened) / 86400000000.0"
    rows = connection.execute(
        f"SELECT strftime(DATE '1970-01-01' + _day, '%Y-%m') AS m, count(*), avg(CAST({lag} > {LATE_DAYS} AS DOUBLE)) FROM v GROUP BY 1 ORDER BY 1"
    ).fetchall()
    middle = connection.execute(f"SELECT median({lag}), quantile_cont({lag}, 0.95) FROM v").fetchone()
    ends = connection.execute("SELECT DATE '1970-01-01' + min(_day), DATE '1970-01-01' + max(_day) FROM v").fetchone()
    months = tuple(MonthQuality(m, n, late) for m, n, late in rows)
    return months, (float(middle[0]), float(middle[1])) if rows else None, str(ends[0]), str(ends[1])


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


def _column_findings(connection: Any, table: Any, columns: tuple[ColumnQuality, ...], rows: int) -> list[Finding]:
    found = []
    for quality in columns:
        column, name = table.columns[quality.name], quote(quality.name)
        if quality.complete < 0.9:
            found.append(Finding("incomplete", f"{quality.zh} {quality.complete:.0%}"))
        if quality.valid is not None and quality.valid < 1:
            found.append(Finding("bad_check_digits", f"{quality.zh} {1 - quality.valid:.1%}"))
        if column.entity and "key" not in column.roles and rows > 20 * HUB:
            most = _one(connection, f"SELECT max(n) FROM (SELECT count(*) AS n FROM v WHERE {name} IS NOT NULL GROUP BY {name})") or 0
            if most >= HUB and most > 20 * rows / max(1, quality.distinct):
                found.append(Finding("hub_value", f"{quality.zh} {most:,}"))
        if column.type.value.kind == "exact" and not column.type.codes:
            odd = _one(
                connection,
                f"SELECT count(*) FROM v, (SELECT median(abs({name})) AS m FROM v WHERE {name} <> 0) AS t"
                f" WHERE t.m > 0 AND abs({name}) >= {ODD_FACTOR} * t.m",
            )
            if odd:
                found.append(Finding("odd_unit", f"{quality.zh} {odd:,}"))
    return found


def _row_findings(connection: Any, table: Any, rows: int, warnings: Counter[str]) -> list[Finding]:
    found = []
    skip = {c.name for c in table.having("row id")} | {c.name for c in table.having("known on")}
    present = {r[0] for r in connection.execute("SELECT column_name FROM (DESCRIBE v)").fetchall()}
    content = [quote(c) for c in table.columns if c not in skip and c in present]
    if content:
        names = ", ".join(content)
        twice = _one(connection, f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(DISTINCT _row) AS n FROM v GROUP BY {names} HAVING count(DISTINCT _row) > 1)")
        if twice:
            found.append(Finding("same_fact_twice", f"{int(twice):,}"))
    masked = sum(n for name, n in warnings.items() if name.endswith(": masked"))
    if masked:
        found.append(Finding("masked", f"{masked:,}"))
    if table.happens and rows:
        late = _one(connection, f"SELECT avg(CAST((_known - _happened) / 86400000000.0 > {LATE_DAYS} AS DOUBLE)) FROM v")
        if late and late > 0.05:
            found.append(Finding("late", f"{late:.0%}"))
        early = _one(connection, "SELECT count(*) FROM v WHERE _known < _happened")
        if early:
            found.append(Finding("known_before_happened", f"{early:,}"))
    return found

