"""Fifty people claim at once and two hundred decide at once, in four processes, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import postgresql
import pytest

CROWD = Path(__file__).with_name("crowd.py")
Ask = Callable[..., Any]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
    elif postgresql.programs() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    else:
        with postgresql.running() as address:
            yield address


@pytest.fixture
def ask(database: str, tmp_path: Path) -> Ask:
    """Start a process of the crowd; returns what to wait for."""

    def start(*command: object) -> Callable[[], Any]:
        environment = {**os.environ, "JCML_REVIEW_HOME": str(tmp_path), "JCML_REVIEW_DATABASE": database}
        process = subprocess.Popen([sys.executable, str(CROWD), *map(str, command)], stdout=subprocess.PIPE, text=True, env=environment)

        def answer() -> Any:
            told, _ = process.communicate()
            assert process.returncode == 0
            return json.loads(told)

        return answer

    return start


def test_fifty_claimers_never_share_a_clue(ask: Ask, database: str) -> None:
    ask("prepare", 52, 120, 0)()
    begin = f"{time.time() + 6:.3f}"
    processes = [ask("claim", begin, 13 * n, 13, 3) for n in range(4)]
    taken = [clue for process in processes for person in process() for clue in (person if isinstance(person, list) else [])]
    told = ask("count")()
    assert told["vendor"] == ("postgresql" if database else "sqlite")
    assert len(taken) == len(set(taken)) == 120  # everything is taken, nothing twice
    assert sum(told["held"].values()) == told["claimed events"] == 120 and max(told["held"].values()) <= 3
    assert told["flaws"] == 0


def test_two_hundred_decisions_decide_once(ask: Ask) -> None:
    ask("prepare", 1, 1, 1)()
    begin = f"{time.time() + 6:.3f}"
    processes = [ask("approve", begin, 50 * n, 50) for n in range(4)]
    answers = [answer for process in processes for answer in process()]
    told = ask("count")()
    assert answers.count("decided") == 1 and set(answers) <= {"decided", 409, 403}
    assert told["approvals"] == 1 and sum(told["standing"].values()) == 1 and told["flaws"] == 0
