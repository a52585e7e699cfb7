"""`jcml data`: import, quality, quarantine."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from jcml.cli.console import Console
from jcml.cli.context import Day, on_engine, pass_console, store_of


@click.group()
def data() -> None:
    """What came in, what was refused and why."""


@data.command("ls")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def list_tables(console: Console, as_json: bool) -> None:
    """All contracts, and what this office delivered of each."""
    _, store = store_of(console)
    rows = []
    for name, table in sorted(store.tables.items()):
        batches = store.batches(name)
        rows.append({
            "table": name, "zh": table.title[0], "agency": table.agency[0], "bound": name in store.office.bindings, "batches": len(batches),
            "rows": sum(b.kept for b in batches),
        })
    if as_json:
        console.json({"schema": "jcml.tables/1", "tables": rows})
    else:
        console.table(["table", "数据表", "提供单位", "bound", "batches", "rows"], [list(r.values()) for r in rows])


@data.command("import")
@click.argument("tables", nargs=-1)
@click.option("--received", type=Day(), help="The day the delivery came in; default: the day each file was last changed.")
@on_engine
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def import_(console: Console, tables: tuple[str, ...], received: date | None, as_json: bool) -> None:
    """Import the files that office.toml binds to TABLES (default: all). Safe to repeat."""
    from jcml.tables.importing import import_table

    _, store = store_of(console)
    rows: list[dict[str, Any]] = []
    for name in tables or tuple(sorted(store.office.bindings)):
        progress = console.progress(name)
        for done in import_table(store, name, received=received, report=progress):
            batch = done.batch
            rows.append({
                "table": name, "file": batch.file, "batch": batch.batch, "new": done.new, "read": batch.read, "kept": batch.kept,
                "quarantined": batch.quarantined, "warnings": sum(batch.warnings.values()),
            })
        progress.end()
    if as_json:
        console.json({"schema": "jcml.import/1", "batches": rows})
    else:
        console.table(["table", "file", "batch", "new", "read", "kept", "quarantined", "warnings"], [list(r.values()) for r in rows])


@data.command()
@click.argument("tables", nargs=-1)
@on_engine
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def check(console: Console, tables: tuple[str, ...], as_json: bool) -> int:
    """The quality report: what a person should look at before any score. Exit code 1 if there is anything."""
    from jcml.tables.quality import FINDINGS, source_quality

    _, store = store_of(console)
    found = [source_quality(store, n) for n in tables or tuple(sorted(store.office.bindings))]
    if as_json:
        console.json({"schema": "jcml.quality_report/1", "sources": [q.to_json() for q in found]})
    else:
        at = 0 if console.language == "zh" else 1
        rows = []
        for quality in found:
            for finding in quality.findings:
                rows.append([quality.source, FINDINGS[finding.code][at], finding.detail])
            if not quality.findings:
                rows.append([quality.source, console.text("没有需要查看的情况", "nothing to look at"), ""])
        console.table(["table", console.text("情况", "finding"), ""], rows)
    return 1 if any(q.findings for q in found) else 0


@data.command()
@click.argument("table")
@on_engine
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def profile(console: Console, table: str, as_json: bool) -> None:
    """One source in numbers: columns, months, lateness."""
    from jcml.tables.quality import source_quality

    _, store = store_of(console)
    known_table(store, table)
    quality = source_quality(store, table)
    if as_json:
        console.json(quality.to_json())
        return
    lag = f"{quality.lag_days[0]:.1f} / {quality.lag_days[1]:.1f}" if quality.lag_days else "–"
    console.say(
        f"{quality.zh} {table}：读 {quality.read:,} = 入库 {quality.kept:,} + 隔离 {quality.quarantined:,}；版本 {quality.versions:,}，其中被更正 {quality.corrected:,}；{quality.first} – {quality.last}；获知滞后（天，中位/95%）{lag}",
        f"{table}: read {quality.read:,} = kept {quality.kept:,} + quarantined {quality.quarantined:,}; versions {quality.versions:,}, corrected {quality.corrected:,}; {quality.first} – {quality.last}; known after (days, median/95 %) {lag}",
    )
    console.table(["column", "列", "complete", "valid", "distinct"], [[c.name, c.zh, f"{c.complete:.1%}", None if c.valid is None else f"{c.valid:.1%}", c.distinct] for c in quality.columns])
    if quality.months:
        console.table(["month", "rows", "late"], [[m.month, m.rows, f"{m.late:.1%}"] for m in quality.months])


@data.command()
@click.argument("table")
@click.option("--batch", default="", help="Of one batch only.")
@click.option("--limit", default=50, show_default=True, help="At most so many rows.")
@click.option("--raw", type=click.Path(path_type=Path), help="Write the refused rows whole to this CSV file (readable by you alone).")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def quarantine(console: Console, table: str, batch: str, limit: int, raw: Path | None, as_json: bool) -> None:
    """Rows that were refused: where, which column, what was wrong. Values of persons are masked."""
    from jcml.tables.cleaning import describe
    from jcml.tables.importing import refused_rows

    _, store = store_of(console)
    known_table(store, table)
    rows = refused_rows(store, table, batch)
    if raw is not None:
        _write_raw(raw, rows)
        console.say(f"{len(rows):,} 行 → {raw}", f"{len(rows):,} rows → {raw}")
        return
    if as_json:
        console.json({"schema": "jcml.quarantine/1", "rows": [{k: r[k] for k in r if k != "raw"} for r in rows[:limit]], "total": len(rows)})
        return
    console.table(
        ["batch", "file", "row", "column", "problem", "value"],
        [[r["batch"], r["file"], str(r["row"]), r["column"], describe(r["problem"], console.language), r["value"]] for r in rows[:limit]],
    )
    if len(rows) > limit:
        console.say(f"另有 {len(rows) - limit:,} 行", f"and {len(rows) - limit:,} more")


def known_table(store: Any, name: str) -> None:
    """Refuse a table that no contract describes."""
    from jcml.errors import ConfigurationError, nearest

    if name not in store.tables:
        raise ConfigurationError("JC2121", table=name, nearest=nearest(name, store.tables))


def _write_raw(path: Path, rows: list[dict[str, Any]]) -> None:
    """Refused rows as CSV; a cell that a spreadsheet would run as a formula is made a text."""
    import csv
    import json

    path.touch(mode=0o600)
    parsed = [json.loads(r["raw"]) if r["raw"].startswith("{") else {"": r["raw"]} for r in rows]
    names = list(dict.fromkeys(n for p in parsed for n in p))
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", "problems", *names])
        for row, cells in zip(rows, parsed, strict=True):
            writer.writerow([row["row"], row["all_problems"], *(harmless(cells.get(n, "")) for n in names)])


def harmless(value: Any) -> str:
    """A cell that no spreadsheet runs as a formula.

    >>> harmless("=1+1"), harmless("-5"), harmless("正常")
    ("'=1+1", '-5', '正常')
    """
    text = "" if value is None else str(value)
    if text and (text[0] in "=+@\t\r\n＝＋－＠" or (text[0] == "-" and not text[1:].replace(".", "", 1).isdigit())):
        return "'" + text
    return text
