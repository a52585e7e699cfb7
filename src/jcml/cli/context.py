"""From options to the objects a command works with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jcml.cli.console import Console
from jcml.errors import Place, UsageError

if TYPE_CHECKING:
    from jcml.registry.mlflow import Registry
    from jcml.tables.office import Office
    from jcml.tables.store import Store
    from jcml.workspace.workspace import Model, Workspace

pass_console = click.make_pass_decorator(Console)
Command = TypeVar("Command", bound=Callable[..., Any])


def on_engine(command: Command) -> Command:
    """Give a command the options that say where questions run."""

    def take(ctx: click.Context, param: click.Parameter, value: str) -> None:
        setattr(ctx.ensure_object(Console), str(param.name), value)

    for option in (
        click.option("--master", default="", callback=take, expose_value=False, help="The Spark cluster, such as spark://host:7077 or yarn; default: `master` of [spark] in office.toml."),
        click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", callback=take, expose_value=False, help="Where questions run: in this process, or on a Spark cluster."),
    ):
        command = option(command)
    return command


class Day(click.ParamType[date]):
    """A date as 2024-01-31.

    >>> Day().convert("2024-01-31", None, None)
    datetime.date(2024, 1, 31)
    """

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date, or a usage error."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r}: 2024-01-31", param, ctx)


def workspace_of(console: Console) -> Workspace:
    """The workspace: as named, or here, or the models that come with jcml."""
    from jcml.workspace.scaffold import shipped
    from jcml.workspace.workspace import KINDS, Workspace

    root = console.workspace
    if root is None:
        here = Path.cwd()
        root = here if all((here / k).is_dir() for k in KINDS) else shipped()
    return Workspace(root)


def office_of(console: Console) -> Office:
    """The office: as named, or here."""
    from jcml.tables.office import read_office

    return read_office(console.office if console.office is not None else Path.cwd())


def store_of(console: Console) -> tuple[Workspace, Store]:
    """Workspace and the office's imported data."""
    from jcml.tables.store import Store

    workspace, office = workspace_of(console), office_of(console)
    master = ""
    if console.engine == "spark":
        master = console.master or office.spark.get("master", "")
        if not master:
            raise UsageError("JC2505", Place(office.path))
    return workspace, Store(office, workspace.tables, master=master)


def registry_of(store: Store) -> Registry:
    """The registry of an office."""
    from jcml.registry.mlflow import Registry

    return Registry(store.root / "mlflow", store.office.registry)


def capacity_of(store: Store, model: Model) -> int:
    """The capacity: the office's own, or the plan's."""
    return int(store.office.overrides.get(model.name, {}).get("capacity", model.serving.capacity))
