"""Every broken thing of the corpus is refused with its code, its place and a next step, and changes nothing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter

import pytest
from broken.cases import ACCEPTED, BAD_ROWS, CASES, GOOD, IMPORT, SCORED, WARNED, Accepted, BadRow, Case, Warned
from broken.damage import let_go, write

from jcml.cli.main import run
from jcml.errors import catalogue

MADE_AGAIN = ("scratch", "matrices", "runs", "import.lock")
"""What may be left after a refusal: whole files that nobody sees and the next run takes up or makes again."""


@pytest.fixture(scope="session")
def published_office(trained_office_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained office with one published list, and contracts of every kind."""
    office = Path(shutil.copytree(trained_office_once, tmp_path_factory.mktemp("broken") / "office"))
    shutil.copy(Path(__file__).with_name("registers.py"), office / "features" / "tables")
    assert run(["--quiet", "-w", str(office), "-o", str(office), "score", "example", "--as-of", SCORED]) == 0
    return office


@pytest.fixture
def office(published_office: Path, tmp_path: Path) -> Iterator[Path]:
    yield Path(shutil.copytree(published_office, tmp_path / "office"))
    let_go()


def jcml(office: Path, command: str) -> int:
    clue = next(office.glob("state/outbox/*"), None)
    first = re.search(r'"id":"(\w+)"', clue.read_text(encoding="utf-8", errors="replace")) if clue is not None else None
    words = [w.format(office=office, clue=first[1] if first else "") for w in shlex.split(command)]
    received = ["--received", "2025-03-01"] if words[:2] == ["data", "import"] else []
    return run(["--lang", "en", "-w", str(office), "-o", str(office), *words, *received])


def state(office: Path) -> dict[str, str]:
    """Every file of the office by its content; databases by their rows."""
    found = {}
    for path in sorted(p for p in office.rglob("*") if p.is_file()):
        name = path.relative_to(office)
        if name.parts[:1] == ("state",) and set(name.parts) & set(MADE_AGAIN):
            continue
        if path.suffix in (".db", ".sqlite"):
            with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(sqlite3.connect(path)) as base:
                found[str(name)] = hashlib.sha256("\n".join(base.iterdump()).encode()).hexdigest()
                continue
        if not path.name.endswith(("-wal", "-shm")):
            found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_broken(case: Case, office: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    if case.damage is not None:
        case.damage(office)
    if case.before:
        assert jcml(office, case.before) == 0
    before = state(office)
    capfd.readouterr()
    code = jcml(office, case.command)
    said = capfd.readouterr()
    assert "Traceback" not in said.err + said.out
    assert not (office / "executed").exists()
    if not case.code:
        assert code == case.exit_code, said.err
        return
    assert (f"error {case.code}: " in said.err, code) == (True, case.exit_code), said.err
    assert code == _exit_code(case.code)
    message = said.err[said.err.index(f"error {case.code}: ") :]
    assert case.says in said.err, said.err
    assert "\n  next: " in message, message
    assert not [f for f in placeholders(case.code) if f"{{{f}}}" in message], message
    _check_place(case, message)
    after = state(office)
    if case.code == "JC2140":  # the refused rows stay readable
        after = {n: d for n, d in after.items() if n in before or not n.startswith("state/quarantine")}
    assert after == before
    assert not [p for p in office.rglob(".*") if p.is_file() and (p.name.endswith(".part") or p.name.startswith(".loose"))]


def placeholders(code: str) -> set[str]:
    return {name for text in catalogue()[code]["en"].values() for _, name, _, _ in Formatter().parse(text) if name}


def _check_place(case: Case, message: str) -> None:
    if not case.at:
        return
    place = re.search(r"--> (.+?)(?::(\d+))?(?::\d+)?$", message, re.M)
    assert place is not None, message
    assert place[1].endswith(case.at), message
    if case.line:
        assert place[2], message
        line = Path(place[1]).read_text(encoding="utf-8").splitlines()[int(place[2]) - 1]
        assert case.line in line, message


def _exit_code(code: str) -> int:
    kinds = {"usage": 2, "check": 1, "data": 65, "missing": 66, "unavailable": 69, "internal": 70, "output": 73, "busy": 75, "forbidden": 77, "configuration": 78}
    return kinds[catalogue()[code]["kind"]]


def line_of(cells: Mapping[str, str]) -> str:
    return ",".join(f'"{v}"' if "," in v else v for v in cells.values())


def deliver(office: Path, table: str, lines: list[str]) -> None:
    write(f"data/{table}.csv", "\n".join([",".join(GOOD[table]), *lines]) + "\n")(office)
    with (office / "office.toml").open("a", encoding="utf-8") as stream:
        stream.write(f'[tables.{table}]\nfiles = "data/{table}.csv"\nquarantine_at_most = 0.5\n')


@pytest.mark.parametrize("bad", BAD_ROWS, ids=lambda b: b.name)
def test_a_bad_row_is_refused_alone(bad: BadRow, office: Path, capfd: pytest.CaptureFixture[str]) -> None:
    good = GOOD[bad.table]
    key = next(iter(good))
    rows = [line_of({**good, key: f"K-{i}"}) for i in range(3)]
    deliver(office, bad.table, [*rows[:2], bad.raw or line_of({**good, key: "K-9", **bad.cells}), rows[2]])
    assert jcml(office, f"data import {bad.table} --json") == 0
    (batch,) = json.loads(capfd.readouterr().out)["batches"]
    assert (batch["read"], batch["kept"], batch["quarantined"]) == (4, 3, 1)
    assert jcml(office, f"data quarantine {bad.table} --json") == 0
    out = capfd.readouterr().out
    (row,) = json.loads(out)["rows"]
    assert (row["row"], row["column"], row["problem"], row["value"]) == (4, bad.column, bad.problem, bad.shown)


@pytest.mark.parametrize("file", ACCEPTED, ids=lambda a: a.name)
def test_what_only_looks_broken_is_read(file: Accepted, office: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file.damage(office)
    assert jcml(office, f"{IMPORT} --json") == 0
    (batch,) = json.loads(capfd.readouterr().out)["batches"]
    assert (batch["read"], batch["kept"], batch["quarantined"]) == (file.kept, file.kept, 0)


@pytest.mark.parametrize("odd", WARNED, ids=lambda w: w.name)
def test_an_odd_cell_is_kept_and_counted(odd: Warned, office: Path, capfd: pytest.CaptureFixture[str]) -> None:
    deliver(office, odd.table, [line_of({**GOOD[odd.table], **odd.cells})])
    assert jcml(office, f"data import {odd.table}") == 0
    capfd.readouterr()
    assert jcml(office, f"data profile {odd.table} --json") == 0
    profile = json.loads(capfd.readouterr().out)
    assert (profile["read"], profile["kept"], profile["quarantined"]) == (1, 1, 0)
    assert profile["warnings"] == {odd.warning: 1}
