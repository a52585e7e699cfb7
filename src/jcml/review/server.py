"""The server of a workbench: gunicorn with threads, one listening socket, nothing else on any network.

One home has one server at a time: it holds a lock for as long as it lives, so a left-over file with a process id means nothing.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jcml.durable import held
from jcml.errors import Busy

LOCK, PID, LOG = "server.lock", "server.pid", "server.log"
GRACE = 10
"""Seconds that requests get to end when the server is told to."""


def settings(host: str, port: int, workers: int, threads: int, home: Path) -> dict[str, Any]:
    """What gunicorn is told; everything else stays off.

    >>> settings("::1", 8765, 2, 4, Path("home"))["bind"]
    ['[::1]:8765']
    """
    return {
        "bind": [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"], "workers": workers, "threads": threads, "worker_class": "gthread",
        "preload_app": True, "accesslog": None, "errorlog": "-", "loglevel": "info", "pidfile": str(home / PID), "control_socket_disable": True,
        "graceful_timeout": GRACE, "timeout": 60, "keepalive": 30, "umask": 0o077, "proc_name": "jcml review", "forwarded_allow_ips": "127.0.0.1,::1",
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108  the heartbeat of a worker must not wait for a disk
    }


def serve(host: str, port: int, *, workers: int, threads: int, home: Path, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until told to stop; Django is set up already. `ready` is called once the server listens.

    Raises
    ------
    Busy
        JC7014, if a server of this home runs; JC7007, if the address is taken or is none of this machine.

    >>> with socket.create_server(("127.0.0.1", 0)) as taken:
    ...     serve("127.0.0.1", taken.getsockname()[1], workers=1, threads=1, home=Path("."))
    Traceback (most recent call last):
    ...
    jcml.errors.Busy: ...
    """
    listenable(host, port)
    if (pid := running(home)) is not None:
        raise Busy("JC7014", pid=pid, home=home)

    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):  # type: ignore[misc]
        """Gunicorn with these settings and no others: no file, no environment, no command line."""

        def load_config(self) -> None:
            """Set them."""
            for name, value in settings(host, port, workers, threads, home).items():
                self.cfg.set(name, value)
            self.cfg.set("when_ready", lambda _arbiter: ready())

        def load(self) -> Any:
            """The application."""
            from jcml.review.wsgi import application

            return application

    with held(home / LOCK):
        (home / PID).unlink(missing_ok=True)
        Server().run()


def listenable(host: str, port: int) -> None:
    """Refuse an address on which nobody can listen now.

    Raises
    ------
    Busy
        JC7007.

    >>> listenable("127.0.0.1", 0)
    """
    try:
        family, kind, proto, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise Busy("JC7007", address=f"{host}:{port}", problem=error.strerror or str(error)) from None


def free_port(host: str, first: int) -> int:
    """The first port from a number on that nobody listens on.

    >>> with socket.create_server(("127.0.0.1", 0)) as taken:
    ...     free_port("127.0.0.1", taken.getsockname()[1]) > taken.getsockname()[1]
    True
    """
    for port in range(first, first + 100):
        try:
            listenable(host, port)
            return port
        except Busy:
            continue
    raise Busy("JC7007", address=f"{host}:{first}", problem=f"{first} – {first + 99}")


def running(home: Path) -> int | None:
    """The process id of this home's server, None when there is none.

    >>> import tempfile
    >>> running(Path(tempfile.mkdtemp())) is None
    True
    """
    try:
        with held(home / LOCK):
            return None
    except Busy:
        try:
            return int((home / PID).read_text().strip())
        except (FileNotFoundError, ValueError):  # it is just starting, or just stopping
            return 0


def start(home: Path, host: str, port: int, *, workers: int = 2, seconds: float = 60) -> int:
    """Start a server of this home in the background, with a log in the home, and return its process id once it answers.

    Raises
    ------
    Busy
        JC7014, if one runs already; JC7015, if it ends at once, or does not answer in time: then it is stopped.

    >>> with socket.create_server(("127.0.0.1", 0)) as taken:
    ...     start(Path("no such home"), "127.0.0.1", taken.getsockname()[1])
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...
    """
    with (home / LOG).open("ab") as log:
        if (pid := running(home)) is not None:
            raise Busy("JC7014", pid=pid, home=home)
        command = [sys.executable, "-m", "jcml", "review", "serve", "--home", str(home), "--host", host, "--port", str(port), "--workers", str(workers)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)  # noqa: S603
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        if answers(host, port):
            return process.pid
        time.sleep(0.1)
    if process.poll() is None:
        process.terminate()
    raise Busy("JC7015", did="应答", did_en="answer", seconds=round(seconds), log=home / LOG)


def answers(host: str, port: int) -> bool:
    """Whether a workbench answers there.

    >>> answers("127.0.0.1", 1)
    False
    """
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().read() == b"ok\n"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def stop(home: Path, seconds: float = GRACE + 5) -> int | None:
    """Stop this home's server and wait until it has ended; returns its process id, None when there was none.

    Raises
    ------
    Busy
        JC7015, if it does not end in time.

    >>> import tempfile
    >>> stop(Path(tempfile.mkdtemp())) is None
    True
    """
    until = time.monotonic() + seconds
    told = None
    while (pid := running(home)) is not None:
        if pid and told is None:
            os.kill(pid, signal.SIGTERM)
            told = pid
        if time.monotonic() > until:
            raise Busy("JC7015", did="停止", did_en="stop", seconds=round(seconds), log=home / LOG)
        time.sleep(0.05)
    return told
