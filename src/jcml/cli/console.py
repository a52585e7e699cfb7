"""What a command prints: tables that line up with Chinese text, JSON, messages and progress on stderr."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from jcml.errors import Language


class Console:
    """Where one command writes.

    Parameters
    ----------
    language : {"zh", "en"}
    quiet : bool
        No messages, only results and errors.
    debug : bool
        Tracebacks for unexpected errors.

    Examples
    --------
    >>> Console("en").text("中文", "English")
    'English'
    """

    def __init__(self, language: Language = "zh", *, quiet: bool = False, debug: bool = False) -> None:
        self.language: Language = language
        self.quiet = quiet
        self.debug = debug
        self.workspace: Path | None = None
        self.office: Path | None = None
        self.engine = "duckdb"
        self.master = ""
        self._started = time.perf_counter()

    def text(self, zh: str, en: str) -> str:
        """One of two languages."""
        return zh if self.language == "zh" else en

    def say(self, zh: str, en: str = "") -> None:
        """A message on stderr."""
        if not self.quiet:
            click.echo(zh if self.language == "zh" or not en else en, err=True)

    def step(self, message: str) -> None:
        """One line per step, with the time since the start."""
        self.say(f"  {time.perf_counter() - self._started:7.1f} s  {message}")

    def json(self, content: Any) -> None:
        """A result as JSON on stdout; Chinese is never escaped."""
        click.echo(json.dumps(content, ensure_ascii=False, indent=1, default=str))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A result as a table on stdout."""
        cells = [[str(h) for h in header], *([_cell(c) for c in row] for row in rows)]
        widths = [max(width(row[i]) for row in cells) for i in range(len(header))]
        for row in cells:
            click.echo("  ".join(c + " " * (w - width(c)) for c, w in zip(row, widths, strict=True)).rstrip())

    def progress(self, label: str) -> Progress:
        """A counter that moves on a terminal and speaks once in ten seconds in a log."""
        return Progress(self, label)


class Progress:
    """Tells how far a long step has come.

    >>> Progress(Console("en", quiet=True), "rows")(10)
    """

    def __init__(self, console: Console, label: str) -> None:
        self.console = console
        self.label = label
        self.last = 0.0
        self.live = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """Say how many are done."""
        now = time.monotonic()
        if self.console.quiet or now - self.last < (0.1 if self.live else 10.0):
            return
        self.last = now
        if self.live:
            click.echo(f"\r  {self.label} {done:,}", nl=False, err=True)
        else:
            click.echo(f"  {self.label} {done:,}", err=True)

    def end(self) -> None:
        """Clear the line."""
        if self.live and not self.console.quiet and self.last:
            click.echo("\r\033[K", nl=False, err=True)


def width(text: str) -> int:
    """How many columns a text takes on a terminal; a Chinese character takes two.

    >>> width("加油站a")
    7
    """
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return "–" if value != value else f"{value:,.4g}"
    return str(value)
