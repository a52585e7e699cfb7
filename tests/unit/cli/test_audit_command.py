"""`jcml audit` on a workbench of its own, in processes of its own: what it prints and its exit codes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

SET_UP = """
import os, sys
from pathlib import Path
from jcml.cli.workbench import set_up
set_up(Path(sys.argv[1]))
from django.core.management import call_command
call_command("migrate", verbosity=0)
from jcml.review.journal import SYSTEM, record_alone
for n in range(30):
    record_alone(SYSTEM, "clue.opened", "clue", f"c{n}")
record_alone(SYSTEM, "clue.printed", "clue", "c7", code="1a2b3c4d", digest="1a2b3c4d" * 8)
"""


def jcml(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "jcml", "--lang", "en", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workbench")
    subprocess.run([sys.executable, "-c", SET_UP, str(folder)], check=True)
    return folder


def test_the_log_is_verified_signed_and_searched_until_somebody_changes_it(home: Path) -> None:
    at = ("--home", str(home))
    fresh = jcml("audit", "verify", *at)
    assert (fresh.returncode, fresh.stdout) == (0, "the log holds: 31 events, 0 checkpoints, no checkpoint yet\n")
    made, again = jcml("audit", "checkpoint", *at), jcml("audit", "checkpoint", *at)
    assert made.returncode == again.returncode == 0 and "event 31" in made.stderr and "no new event" in again.stderr
    lines = (home / "checkpoints.jsonl").read_text().splitlines()
    assert len(lines) == 1 and json.loads(lines[0])["seq"] == 31 and (home / "checkpoint.key").stat().st_mode & 0o077 == 0
    told = json.loads(jcml("audit", "verify", "--json", *at).stdout)
    assert told == {
        "schema": "jcml.verification/1", "events": 31, "checkpoints": 1, "signed_up_to": 31, "signed_at": json.loads(lines[0])["at"], "uncovered_since": None,
        "holds": True, "flaws": [],
    }

    found = jcml("audit", "show", "1A2B3C4D", "--json", *at)
    assert [e["object"] for e in json.loads(found.stdout)["events"]] == ["c7"]
    assert "clue c7" in jcml("audit", "show", "1a2b3c4d", *at).stdout
    unknown = jcml("audit", "show", "00000000", *at)
    assert unknown.returncode == 66 and "JC7202" in unknown.stderr

    with sqlite3.connect(home / "review.db") as database:
        database.execute("DROP TRIGGER review_event_no_update")
        database.execute("UPDATE review_event SET object = 'another' WHERE seq = 5")
    changed = jcml("audit", "verify", *at)
    assert (changed.returncode, changed.stdout) == (1, "event 5: its content does not fit its hash\n")
    with sqlite3.connect(home / "review.db") as database:
        database.execute("UPDATE review_event SET actor = 'nobody'")
    many = jcml("audit", "verify", *at)
    assert many.returncode == 1 and len(many.stdout.splitlines()) == 21 and many.stdout.splitlines()[-1] == "and 11 more"
    assert len(json.loads(jcml("audit", "verify", "--json", *at).stdout)["flaws"]) == 31


def test_a_key_that_was_exchanged_signs_nothing(home: Path) -> None:
    jcml("audit", "checkpoint", "--home", str(home))
    (home / "checkpoint.key").write_text("A" * 43 + "=")
    refused = jcml("audit", "checkpoint", "--home", str(home))
    assert refused.returncode == 77 and "JC7201" in refused.stderr


def test_where_there_is_no_workbench_nothing_is_made(tmp_path: Path) -> None:
    nowhere = jcml("audit", "verify", "--home", str(tmp_path / "none"))
    assert nowhere.returncode == 66 and "JC7016" in nowhere.stderr and not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["verify", "checkpoint", "show"])
def test_every_command_says_what_it_does(command: str) -> None:
    assert "--home" in jcml("audit", command, "--help").stdout
