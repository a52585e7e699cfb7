"""The real server: it answers, listens on one address and nowhere else, refuses to run twice, and ends when told to."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jcml.errors import Busy
from jcml.review.server import LOG, PID, free_port, running, start, stop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
Get = Callable[..., http.client.HTTPResponse]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A workbench that was just migrated; whatever server it got is stopped in the end."""
    folder = tmp_path / "workbench"
    done = subprocess.run([sys.executable, "-m", "jcml", "review", "migrate", "--home", str(folder)], capture_output=True, text=True, check=False, env=clean())
    assert done.returncode == 0, done.stderr
    yield folder
    stop(folder)


def clean() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("JCML_", "DJANGO_"))}


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return free_port("127.0.0.1", int(found.getsockname()[1]) + 1)


def get(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def family(pid: int) -> set[int]:
    """A process and everything it started."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def sockets(pids: set[int]) -> set[str]:
    """Inodes of every socket that some processes have open."""
    found = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = str(descriptor.readlink())
            except OSError:
                continue
            found |= {target[8:-1]} if target.startswith("socket:[") else set()
    return found


def listening(pids: set[int]) -> list[str]:
    """Local addresses on which some processes listen, Unix sockets too."""
    mine, found = sockets(pids), []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in mine and (fields[3] == "0A" or table.startswith("udp")):
                found.append(fields[1])
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[6] in mine and len(fields) > 7:
            found.append(fields[7])
    return sorted(set(found))


def test_it_answers_listens_once_and_ends(home: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [k for k in os.environ if k.startswith(("JCML_", "DJANGO_"))]:
        monkeypatch.delenv(name)
    pid = start(home, "127.0.0.1", port)
    assert running(home) == pid == int((home / PID).read_text())
    assert get(port, "/healthz")[::2] == (200, b"ok\n")
    assert get(port, "/readyz")[0] == 200
    status, headers, page = get(port, "/login")
    assert status == 200 and b'name="password"' in page and "script-src 'self'" in headers["content-security-policy"]
    css = get(port, "/static/review/review.css")
    assert css[0] == 200 and css[1]["content-type"].startswith("text/css")
    assert get(port, "/api/v1/labels")[0] == 401 and get(port, "/queue")[0] == 302
    until = time.monotonic() + 30
    while len(processes := family(pid)) != 3 and time.monotonic() < until:
        time.sleep(0.05)  # the second one that works may come after the first has answered
    assert len(processes) == 3, "one that watches, two that work"
    assert listening(processes) == [f"0100007F:{port:04X}"], "127.0.0.1, this port, no control socket"
    with pytest.raises(Busy, match="JC7014"):
        start(home, "127.0.0.1", free_port("127.0.0.1", port + 1))
    begun = time.monotonic()
    assert stop(home) == pid
    assert time.monotonic() - begun < 12 and running(home) is None and not (home / PID).exists()
    assert stop(home) is None, "again changes nothing"
    log = (home / LOG).read_text()
    assert "GET /" not in log and "Traceback" not in log, "no access log, no error"


def test_an_address_that_is_taken_is_said_so_at_once(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "jcml", "--lang", "en", "review", "serve", "--home", str(home), "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean(), timeout=60)
    assert (done.returncode, "JC7007" in done.stderr, "Traceback" in done.stderr) == (75, True, False), done.stderr


def test_a_server_that_was_killed_leaves_nothing_in_the_way(home: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [k for k in os.environ if k.startswith(("JCML_", "DJANGO_"))]:
        monkeypatch.delenv(name)
    pid = start(home, "127.0.0.1", port, workers=1)
    for process in family(pid):
        os.kill(process, signal.SIGKILL)
    os.waitpid(pid, 0)
    until = time.monotonic() + 10
    while running(home) is not None and time.monotonic() < until:
        time.sleep(0.05)
    assert running(home) is None and (home / PID).exists(), "the file of the process id means nothing"
    again = start(home, "127.0.0.1", free_port("127.0.0.1", port), workers=1)
    assert again != pid and stop(home) == again


def test_a_server_that_cannot_start_says_where_to_look(home: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JCML_LANG", "en")
    (home / "review.toml").write_text("nonsense", encoding="utf-8")
    with pytest.raises(Busy, match="JC7015"):
        start(home, "127.0.0.1", port)
    assert "JC7001" in (home / LOG).read_text()


def test_the_deployment_check_finds_nothing_under_https_but_what_was_decided(home: Path) -> None:
    (home / "review.toml").write_text('https = true\nhosts = ["clues.example"]\n', encoding="utf-8")
    command = [sys.executable, "-m", "django", "check", "--deploy"]
    environment = {**clean(), "JCML_REVIEW_HOME": str(home), "DJANGO_SETTINGS_MODULE": "jcml.review.settings"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0 and "0 silenced" in done.stdout + done.stderr, done.stderr
    assert re.findall(r"^\S*: \((\S+)\)", done.stderr, re.M) == [], done.stderr
