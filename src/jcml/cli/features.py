"""`jcml features`: the matrix, its SQL, the chosen plan, and the source rows behind a number."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jcml.cli.console import Console
from jcml.cli.context import Day, on_engine, pass_console, store_of

if TYPE_CHECKING:
    from jcml.engines.engine import Calendar
    from jcml.tables.store import Store
    from jcml.workspace.workspace import Model


@click.group()
def features() -> None:
    """What a model looks at, computed."""


def _asked(console: Console, name: str, as_of: date) -> tuple[Store, Model, Calendar]:
    from jcml.engines.engine import Calendar

    workspace, store = store_of(console)
    found = workspace.model(name)
    return store, found, Calendar((as_of,), found.serving.every, store.office.zone)


@features.command()
@click.argument("model")
@click.option("--as-of", type=Day(), required=True, help="The day whose knowledge counts, exclusive.")
@on_engine
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Parquet file; on Spark a folder of such.")
@pass_console
def build(console: Console, model: str, as_of: date, out: Path) -> None:
    """Write the matrix of a model on one as-of date."""
    from jcml.durable import write_file
    from jcml.features.matrix import require_unit

    store, found, calendar = _asked(console, model, as_of)
    require_unit(found.definition, store)
    rows: list[int] = []
    with store.engine(found.definition.tables) as engine:
        write_file(out, lambda part: rows.append(engine.matrix_to(found.definition.full_question, calendar, part)))
    console.say(f"{rows[0]:,} 行 × {len(found.definition.features)} 个特征 → {out}", f"{rows[0]:,} rows × {len(found.definition.features)} features → {out}")


@features.command()
@click.argument("model")
@click.option("--as-of", type=Day(), required=True, help="The day whose knowledge counts, exclusive.")
@on_engine
@pass_console
def sql(console: Console, model: str, as_of: date) -> None:
    """Print the SQL that computes the matrix, step by step."""
    store, found, calendar = _asked(console, model, as_of)
    with store.engine(found.definition.tables) as engine:
        click.echo(engine.plan(found.definition.full_question, calendar).script())


@features.command()
@click.argument("model")
@click.option("--as-of", type=Day(), required=True, help="The day whose knowledge counts, exclusive.")
@on_engine
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def plan(console: Console, model: str, as_of: date, as_json: bool) -> None:
    """Say which shape of SQL was chosen for each source, and why; and which features have no source here."""
    from jcml.engines.inventory import Inventory, available

    store, found, calendar = _asked(console, model, as_of)
    with store.engine(found.definition.tables) as engine:
        made = engine.plan(found.definition.full_question, calendar)
        facts = engine.facts()
    missing = sorted({n.table for n in Inventory.of(found.definition.question).aggregates if not available(n, facts)})
    if as_json:
        console.json({"schema": "jcml.plan/1", "choices": [c.__dict__ for c in made.choices], "steps": [s.name for s in made.steps], "not_available": missing})
        return
    console.table(["source", "shape", "why"], [[c.source, c.shape, c.why] for c in made.choices])
    if missing:
        console.say(f"未交付，相应特征为空：{'、'.join(missing)}", f"not delivered, features are NULL: {', '.join(missing)}")


@features.command()
@click.argument("model")
@click.argument("feature")
@click.option("--as-of", type=Day(), required=True, help="The day whose knowledge counts, exclusive.")
@on_engine
@click.option("--unit", "unit", required=True, help="The unit's key: the office's own number, or its pseudonym; several keys joined by |.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def evidence(console: Console, model: str, feature: str, as_of: date, unit: str, as_json: bool) -> None:
    """The source rows behind one number, and the number recomputed from them alone."""
    from jcml.cli.looking import look_at

    store, found, calendar = _asked(console, model, as_of)
    seen = look_at(store, found, calendar, feature, unit)
    if as_json:
        console.json({"schema": "jcml.evidence/1", **seen})
        return
    console.say(f"{seen['says']}　重算：{seen['recomputed']}", f"{seen['says_en']}　recomputed: {seen['recomputed']}")
    rows: list[dict[str, Any]] = seen["rows"]
    console.table(["table", "role", "row", "digest", "shown"], [[r["table"], r["role"], r["row"], r["digest"][:8], "；".join(f"{k} {v}" for k, v in r["shown"].items())] for r in rows])
