"""`jcml review` as an operator types it: every command in a process of its own, on a home of its own."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jcml.cli.main import run
from jcml.records import read_clues
from jcml.review.sealing import key_of, unseal

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "workbench"


@pytest.fixture
def review(home: Path, office: Path) -> Command:
    """`review("intake", …)` on the trained office and the home."""

    def one(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "jcml", "--lang", "en", "-w", str(office), "-o", str(office), "review", *arguments]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("JCML_", "DJANGO_"))}
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env={**kept, "JCML_REVIEW_HOME": str(home), **environment})

    return one


@pytest.fixture
def opened(review: Command) -> Iterator[Command]:
    """A workbench with a province and a district."""
    for command in (
        ["migrate"], ["create-unit", "99", "--zh", "示例省院", "--en", "Province"],
        ["create-unit", "990101", "--zh", "甲区院", "--en", "First district", "--parent", "99"],
    ):
        done = review(*command)
        assert done.returncode == 0, done.stderr
    yield review


def rows(home: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(home / "review.db") as connection:
        return connection.execute(query).fetchall()


def score(office: Path, *more: str) -> None:
    assert run(["--quiet", "-w", str(office), "-o", str(office), "score", "example", "--as-of", "2025-01-01", *more]) == 0


def test_published_runs_are_taken_in_once_with_their_names(opened: Command, home: Path, office: Path) -> None:
    score(office)
    first = opened("intake", "example", "--unit", "990101", "--json")
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert told["schema"] == "jcml.intake/1" and [r["new"] for r in told["runs"]] == [r["clues"] for r in told["runs"]] == [10]
    again = opened("intake", "--all", "--unit", "990101", "--json")
    assert again.returncode == 0 and [r["new"] for r in json.loads(again.stdout)["runs"]] == [0]
    published = {c.id: c for c in read_clues(next((office / "state" / "outbox").glob("*.jsonl")))}
    assert {row[0] for row in rows(home, "SELECT id FROM review_clue WHERE state = 'queued'")} == set(published)
    assert rows(home, "SELECT count(*) FROM review_event WHERE what = 'run.published'") == [(1,)]
    linked = {row[0] for row in rows(home, "SELECT value FROM review_link WHERE kind = 'place'")}
    assert {c.unit["place"] for c in published.values()} <= linked, "what a row names is there to be found by"
    key = key_of(home / "names.key")
    for clue, table, row, box in rows(home, "SELECT clue_id, \"table\", row, box FROM review_sealedname"):
        values = unseal(bytes(box), key, f"{clue}/{table}/{row}")  # type: ignore[call-overload]
        assert values and not [v for v in values.values() if v in published[str(clue)].to_line()]


def test_a_correction_replaces_what_nobody_has_touched_yet(opened: Command, home: Path, office: Path) -> None:
    score(office)
    assert opened("intake", "example", "--unit", "990101").returncode == 0
    plan = office / "serving" / "example.yaml"
    plan.write_text(plan.read_text(encoding="utf-8").replace("capacity: 10", "capacity: 12"), encoding="utf-8")
    score(office, "--supersede", "容量改为十二")
    second = opened("intake", "example", "--unit", "990101", "--json")
    assert [r["new"] for r in json.loads(second.stdout)["runs"]] == [0, 12]
    assert dict(rows(home, "SELECT state, count(*) FROM review_clue GROUP BY state")) == {"superseded": 10, "queued": 12}


def test_what_cannot_be_taken_in_says_where_and_why(opened: Command, home: Path, office: Path) -> None:
    def refused(code: int, error: str, *arguments: str) -> str:
        done = opened(*arguments)
        assert (done.returncode, error in done.stderr) == (code, True), done.stderr
        return done.stderr

    assert "example" in refused(66, "JC6008", "intake", "example", "--unit", "990101")
    score(office)
    refused(2, "JC0003", "intake", "--unit", "990101")
    refused(2, "JC0003", "intake", "example", "--all", "--unit", "990101")
    refused(66, "JC7013", "intake", "example", "--run", "nothing", "--unit", "990101")
    assert 'did you mean "990101"?' in refused(2, "JC7008", "intake", "example", "--unit", "990191")
    outbox = next((office / "state" / "outbox").glob("*.jsonl"))
    whole = outbox.read_text(encoding="utf-8").splitlines(keepends=True)
    third = {**json.loads(whole[2]), "reasons_for": [], "reasons_against": []}
    outbox.chmod(0o644)
    outbox.unlink()
    outbox.write_text("".join([*whole[:2], json.dumps(third, ensure_ascii=False) + "\n", *whole[3:]]), encoding="utf-8")
    assert f"{outbox}:3" in refused(65, "JC6101", "intake", "example", "--unit", "990101"), "a clue without reasons is refused with file and line"
    assert rows(home, "SELECT count(*) FROM review_clue") == [(0,)], "and nothing of its run came in"
    outbox.write_text("".join(whole), encoding="utf-8")
    assert opened("intake", "example", "--unit", "990101").returncode == 0
    assert "clues_digest" in refused(65, "JC7101", "intake", "example", "--unit", "99"), "the same run is not taken in for another unit too"


def test_people_units_and_tokens(opened: Command, home: Path) -> None:
    made = opened("create-user", "li", "--name", "李某", "--role", "R", "--unit", "990101")
    password = made.stdout.strip()
    assert made.returncode == 0 and len(password) >= 12
    stored = str(rows(home, "SELECT password FROM review_user WHERE username = 'li'")[0][0])
    assert stored.startswith("argon2") and password not in stored
    assert opened("create-user", "li", "--role", "C", "--unit", "990101").stdout == "", "whoever is there keeps the password"
    assert rows(home, "SELECT role FROM review_grant ORDER BY role") == [("C",), ("R",)]
    given = opened("create-user", "an", "--role", "SE", "--unit", "99", "--password-stdin", stdin="a long enough password\n")
    assert (given.returncode, given.stdout) == (0, "")
    for code, error, arguments in (
        (77, "JC7012", ("create-user", "an", "--role", "AU", "--unit", "99")), (77, "JC7012", ("create-user", "li", "--role", "SA", "--unit", "99")),
        (2, "JC7011", ("create-user", "x", "--role", "Z", "--unit", "99")), (2, "JC7009", ("create-token", "nobody")),
        (2, "JC7010", ("create-unit", "99", "--zh", "省", "--en", "P", "--parent", "990101")), (2, "JC7010", ("create-unit", "9/9", "--zh", "省", "--en", "P")),
    ):
        done = opened(*arguments)
        assert (done.returncode, error in done.stderr) == (code, True), (arguments, done.stderr)
    token = opened("create-token", "li", "--days", "3").stdout.strip()
    assert token.startswith("jcml_") and all(token not in path.read_bytes().decode("latin-1") for path in home.iterdir() if path.is_file())
    told = json.loads(opened("status", "--json").stdout)
    assert (told["schema"], told["units"], told["people"], told["server"]) == ("jcml.workbench/1", 2, {"C": 1, "R": 1, "SE": 1}, None)
    acts = [row[0] for row in rows(home, "SELECT what FROM review_event ORDER BY seq")]
    assert acts == ["unit.opened", "unit.opened", "user.opened", "grant.given", "grant.given", "user.opened", "grant.given", "token.issued"]


def test_a_workbench_that_is_not_there_behind_or_unreachable_is_said_so(review: Command, home: Path, tmp_path: Path) -> None:
    nothing = review("status")
    assert (nothing.returncode, "JC7016" in nothing.stderr, home.exists()) == (66, True, False)
    assert review("migrate").returncode == 0 and (home.stat().st_mode & 0o777) == 0o700
    assert "0 steps" in review("migrate").stderr
    with sqlite3.connect(home / "review.db") as connection:
        connection.execute("DELETE FROM django_migrations WHERE app = 'review' AND name = '0003_beginnings'")
    for command in (["status"], ["serve", "--port", "8999"], ["create-unit", "1", "--zh", "a", "--en", "a"]):
        behind = review(*command)
        assert (behind.returncode, "JC7004" in behind.stderr, f"jcml review migrate --home {home}" in behind.stderr) == (78, True, True), behind.stderr
    gone = review("status", JCML_REVIEW_DATABASE="postgresql://nobody@127.0.0.1:1/none")
    assert (gone.returncode, "JC7005" in gone.stderr) == (69, True), gone.stderr
    unknown = review("status", JCML_REVIEW_DATABASE="oracle://x/y")
    assert (unknown.returncode, "JC7002" in unknown.stderr) == (78, True), unknown.stderr
    (home / "review.toml").write_text('nmae = "x"\n', encoding="utf-8")
    wrong = review("status")
    assert (wrong.returncode, "JC7001" in wrong.stderr, "name" in wrong.stderr) == (78, True, True), wrong.stderr


def test_without_django_the_extra_is_named(home: Path, tmp_path: Path) -> None:
    (tmp_path / "django").mkdir()
    (tmp_path / "django" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'django'\", name='django')\n", encoding="utf-8")
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "jcml", "review", "status", "--home", str(home)], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "JCML_LANG": "en"},
    )
    assert (done.returncode, "JC7006" in done.stderr, "jcml[review]" in done.stderr) == (69, True, True), done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["review", "--help"], ["review", "serve", "--help"], ["review", "intake", "--help"]])
def test_help_is_instant(arguments: list[str]) -> None:
    code = f"import sys; from jcml.cli.main import run; run({arguments!r}); sys.stderr.write(' '.join(sorted({{'django', 'ninja', 'gunicorn', 'duckdb', 'numpy'}} & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "jcml" in done.stdout and done.stderr == ""
