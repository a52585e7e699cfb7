"""The end of `jcml demo`: a workbench with invented people over synthetic clues, served, and the same again when run again."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from jcml.review.demo import BATCH, HANDLES, PEOPLE
from jcml.review.sealing import key_of, unseal
from jcml.review.server import running, stop
from jcml.workspace.example import NAME, example_list, example_office

END = "from pathlib import Path; from jcml.cli.console import Console; from jcml.cli.start import _demo_workbench; _demo_workbench(Console('en'), Path({out!r}), ({name!r},))"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """What `jcml demo` has made before its last step: an office with a published list."""
    example_list()
    shutil.copytree(example_office(), tmp_path / NAME)
    return tmp_path


def finish(out: Path) -> str:
    """The last step, in a process of its own as on the command line; returns what it prints."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JCML_", "DJANGO_"))}
    done = subprocess.run([sys.executable, "-c", END.format(out=str(out), name=NAME)], capture_output=True, text=True, check=False, env=kept, timeout=180)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Browser:
    """A client with cookies, and nothing else."""

    def __init__(self, address: str) -> None:
        self.host = re.sub(r"^http://|/$", "", address)
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(self.host, timeout=20)
        cookie = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        more = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        connection.request(method, path, urlencode(form) if form else None, {"Cookie": cookie, **more, **headers})
        answer = connection.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self.cookies |= {k: m.value for k, m in SimpleCookie(value).items()}
        page = answer.read().decode()
        connection.close()
        return answer.status, answer.getheader("Location") or "", page

    def log_in(self, username: str, password: str) -> int:
        _, _, page = self.ask("GET", "/login")
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        return self.ask("POST", "/login", {"csrfmiddlewaretoken": token, "username": username, "password": password})[0]


def test_the_demonstration_can_be_logged_into_and_run_again(out: Path) -> None:
    home = out / "workbench"
    try:
        told = finish(out)
        address = told.split()[-1]
        accounts = {line.split()[0]: line.split()[-1] for line in told.splitlines() if line.split()[0] in {p[0] for p in (*PEOPLE, BATCH)}}
        assert len(accounts) == len(PEOPLE) + 1 and re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        assert (home / "demo-accounts.json").stat().st_mode & 0o777 == 0o600
        first = running(home)
        jia = Browser(address)
        assert jia.log_in("jia", "wrong") == 401 and jia.log_in("jia", accounts["jia"]) == 302
        desk, queue = jia.ask("GET", "/"), jia.ask("GET", "/queue")
        assert desk[0] == queue[0] == 200, "a demonstration asks for no new password"
        assert 'class="demo"' in desk[2] and 'class="demo"' in queue[2] and queue[2].count("data-row=") == 10
        api = Browser(address).ask("GET", "/api/v1/labels", Authorization=f"Bearer {accounts['piliang']}")
        assert (api[0], json.loads(api[2])["labels"]) == (200, [])
        with sqlite3.connect(home / "review.db") as database:
            sealed = database.execute('SELECT clue_id, "table", row, box FROM review_sealedname').fetchall()
            (content,) = database.execute("SELECT content FROM review_clue WHERE id = ?", (sealed[0][0],)).fetchone()
            units = database.execute("SELECT DISTINCT code FROM review_clue JOIN review_unit ON review_unit.id = unit_id").fetchall()
        clue, table, row, box = sealed[0]
        values = unseal(bytes(box), key_of(home / "names.key"), f"{clue}/{table}/{row}")
        assert values and not [v for v in values.values() if f'"{v}"' in json.loads(json.dumps(content))], "names are there, encrypted and beside the clue"
        assert units == [(HANDLES,)]

        with sqlite3.connect(out / NAME / "state" / "ledger.sqlite") as ledger:  # a second demonstration trains and publishes a second version
            ledger.execute(
                "INSERT INTO publication SELECT 'f' || substr(run, 2), model, as_of, version + 1, revision, because, clues, scored, digest, file, published_at FROM publication"
            )
        again = finish(out)
        assert {line.split()[0]: line.split()[-1] for line in again.splitlines() if line.split()[0] in accounts} == accounts
        assert running(home) not in (None, first), "the server was started anew"
        with sqlite3.connect(home / "review.db") as database:
            assert database.execute("SELECT count(*) FROM review_clue").fetchone() == (10,), "clues are taken in once"
            assert database.execute("SELECT count(*) FROM review_servicetoken").fetchone() == (1,)
        assert Browser(again.split()[-1]).log_in("shenji", accounts["shenji"]) == 302
    finally:
        stop(home)


def test_a_workbench_that_is_no_demonstration_is_left_alone(out: Path) -> None:
    home = out / "workbench"
    home.mkdir()
    (home / "review.toml").write_text('name = "示例市院"\n', encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JCML_", "DJANGO_"))}
    done = subprocess.run([sys.executable, "-c", END.format(out=str(out), name=NAME)], capture_output=True, text=True, check=False, env=kept, timeout=180)
    assert done.returncode == 1 and "JC7017" in done.stderr and running(home) is None
    assert not (home / "review.db").exists(), "not even migrated"
