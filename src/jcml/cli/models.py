"""`jcml model`: the three files of each supervision model."""

from __future__ import annotations

from pathlib import Path

import click

from jcml.cli.console import Console
from jcml.cli.context import pass_console, workspace_of


@click.group()
def model() -> None:
    """Supervision models: what is looked at, how it learns, how it is used."""


@model.command("ls")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def list_models(console: Console, as_json: bool) -> None:
    """All supervision models of the workspace."""
    workspace = workspace_of(console)
    rows = []
    for name in workspace.names:
        found = workspace.model(name)
        rows.append({
            "model": name, "title": found.definition.title[0 if console.language == "zh" else 1], "features": len(found.definition.features),
            "rules": len(found.definition.rules), "capacity": found.serving.capacity, "every": found.serving.every.name,
            "fingerprint": found.definition.fingerprint[:12],
        })
    if as_json:
        console.json({"schema": "jcml.models/1", "models": rows})
    else:
        console.table(list(rows[0]) if rows else ["model"], [list(r.values()) for r in rows])


@model.command()
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), help="Write the page to a file.")
@pass_console
def show(console: Console, name: str, out: Path | None) -> None:
    """A supervision model on one page: the page a legal reviewer signs."""
    from jcml.workspace.show import show as page

    workspace = workspace_of(console)
    text = page(workspace, workspace.model(name), console.language)
    if out is not None:
        out.write_text(text, encoding="utf-8")
        console.say(str(out))
    else:
        click.echo(text)


@model.command()
@pass_console
def check(console: Console) -> int:
    """Check every model: complete, consistent, every column known. Exit code 78 if not."""
    workspace = workspace_of(console)
    problems = workspace.check()
    for problem in problems:
        click.echo(problem.text(console.language), err=True)
    if not problems:
        console.say(f"{len(workspace.names)} 个监督模型，没有问题", f"{len(workspace.names)} supervision models, no problem")
    return 78 if problems else 0


@model.command()
@click.argument("name")
@click.option("--like", default="", help="Copy the files of this model instead of the templates.")
@pass_console
def new(console: Console, name: str, like: str) -> None:
    """Write the three files of a new model."""
    from jcml.workspace.scaffold import new as make

    for path in make(workspace_of(console), name, like):
        click.echo(path)


@model.command()
@click.argument("old")
@click.argument("new_name")
@pass_console
def rename(console: Console, old: str, new_name: str) -> None:
    """Rename the three files of a model."""
    from jcml.workspace.scaffold import rename as make

    for path in make(workspace_of(console), old, new_name):
        click.echo(path)


@model.command()
@click.argument("name")
@pass_console
def retire(console: Console, name: str) -> None:
    """Take a model out of use; its files move to `retired/`."""
    from jcml.workspace.scaffold import retire as make

    for path in make(workspace_of(console), name):
        click.echo(path)
