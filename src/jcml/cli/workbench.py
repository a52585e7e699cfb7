"""From the home of a workbench to a Django that is set up on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from jcml.errors import ConfigurationError, InputMissing, Unavailable

DEFAULT = Path(".jcml-review")


def home_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--home`, the same for every command of the workbench."""
    return click.option(
        "--home", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT, show_default=True, envvar="JCML_REVIEW_HOME",
        help="Folder of the workbench: review.toml, database, keys, checkpoints.",
    )(command)


def set_up(home: Path) -> None:
    """Set Django up on a home.

    Raises
    ------
    Unavailable
        JC7006, if Django or another part of the extra `review` is not installed.
    """
    os.environ["JCML_REVIEW_HOME"] = str(home.resolve())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jcml.review.settings")
    try:
        import django
        from django.conf import settings

        django.setup()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("jcml"):
            raise
        raise Unavailable("JC7006", module=error.name) from None
    if home.resolve() != settings.HOME:
        raise RuntimeError(f"this process has opened {settings.HOME} already")


@contextmanager
def reachable() -> Iterator[None]:
    """Say in our words that a database does not answer.

    Raises
    ------
    Unavailable
        JC7005.
    """
    from django.db import InterfaceError, OperationalError

    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise Unavailable("JC7005", problem=(str(error) or type(error).__name__).splitlines()[0][:200]) from None


@contextmanager
def workbench(home: Path) -> Iterator[None]:
    """A workbench that is there and up to date.

    Raises
    ------
    InputMissing
        JC7016, if there is none.
    ConfigurationError
        JC7004, if its database is behind the program.
    Unavailable
        JC7005, if its database does not answer; JC7006.
    """
    if not home.is_dir():
        raise InputMissing("JC7016", home=home)
    set_up(home)
    from jcml.review.opening import migrations_pending

    with reachable():
        pending = migrations_pending()
        if pending:
            raise ConfigurationError("JC7004", n=len(pending), home=home)
        yield
