"""From options to the objects a command works with."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jcml.cli.console import Console

if TYPE_CHECKING:
    from jcml.registry.mlflow import Registry
    from jcml.tables.office import Office
    from jcml.tables.store import Store
    from jcml.workspace.workspace import Model, Workspace

pass_console = click.make_pass_decorator(Console)


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

    workspace = workspace_of(console)
    return workspace, Store(office_of(console), workspace.tables)


def registry_of(store: Store) -> Registry:
    """The registry of an office."""
    from jcml.registry.mlflow import Registry

    return Registry(store.root / "mlflow", store.office.registry)


def capacity_of(store: Store, model: Model) -> int:
    """The capacity: the office's own, or the plan's."""
    return int(store.office.overrides.get(model.name, {}).get("capacity", model.serving.capacity))
