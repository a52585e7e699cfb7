"""docs/guide.md, run from its first block to its last as a reader would; and every command in any page is one that exists."""

from __future__ import annotations

import os
import random
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from small_office import _write_data

from jcml.cli.main import COMMANDS, run
from jcml.cli.main import jcml as group
from jcml.records import read_clues

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(?:`([\w./-]+)`:\n\n)?^```(\w+)\n(.*?)^```", re.M | re.S)
ID = re.compile(r"\b[0-9a-f]{16}\b")


def without_django() -> dict[str, str]:
    """The environment of a reader."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("JCML_REVIEW", "DJANGO"))}


def deliver(office: Path) -> None:
    """What the agencies sent: the data of the small office, an amount in words, and two rows that nobody can use."""
    _write_data(office / "data", 120, random.Random(1))
    with (office / "data" / "deliveries.csv").open("a", encoding="utf-8") as stream:
        for delivery in ("D-X-1,P-0001,约八百,2021-02-01,2021-03-05", "D-X-2,P-0001,800.000,2024-02-31,2024-03-05", "D-X-3,P-0001,800.000,2024-02-01,2034-02-05"):
            stream.write(delivery + "\r\n")


def commands(block: str) -> Iterator[tuple[list[str], int]]:
    """Each command of a block, and the exit code that its comment announces."""
    for line in block.strip().splitlines():
        announced = re.search(r"# exit code (\d+)", line)
        yield shlex.split(line, comments=True), int(announced[1]) if announced else 0


def test_the_guide_runs_from_its_first_block_to_its_last(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, kind, block in BLOCK.findall((ROOT / "docs" / "guide.md").read_text(encoding="utf-8")):
        if name:
            Path(name).write_text(block, encoding="utf-8")
        for words, code in commands(block) if kind == "sh" else ():
            if words[0] == "cd":
                monkeypatch.chdir(words[1])
                deliver(Path.cwd())
                continue
            if any(ID.fullmatch(w) for w in words):
                first = next(read_clues(next(Path("state/outbox").glob("*-v1-*.jsonl"))))
                words = [ID.sub(first.id, w) for w in words]
            if words[1] in ("review", "audit"):  # a home of its own: Django knows one per process
                done = subprocess.run([sys.executable, "-m", "jcml", *words[1:]], env=without_django(), capture_output=True, text=True, check=False)
                assert done.returncode == code, (words, done.stderr)
                continue
            assert run(["--lang", "en", *words[1:]]) == code, (words, capsys.readouterr().err)
    written = ("review.md", "matrix.parquet", "card.html", *map(str, Path("state/reports").glob("*.html")))
    assert all(Path(name).stat().st_size for name in written)
    assert len(list(Path("state/outbox").glob("*.jsonl"))) == 2


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_in_a_page_exists_with_its_options(page: Path) -> None:
    for _, kind, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.splitlines() if kind == "sh" else ():
            words = [w for w in shlex.split(line, comments=True) if not w.startswith("$")]
            if words and words[0].endswith("jcml"):
                understood(words[1:])


def understood(words: list[str]) -> None:
    """Parse a command without running it; click raises when a command, argument or option does not exist."""
    context = group.make_context("jcml", words)
    name, *rest = [*context._protected_args, *context.args] if hasattr(context, "_protected_args") else context.args
    assert name in COMMANDS, name
    command = group.get_command(context, name)
    assert command is not None
    if isinstance(command, click.Group):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(name, rest, parent=context)
