"""A standalone Spark cluster on loopback: a master and a few workers, each a process of its own that a test may kill."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

START_WITHIN = 90.0
"""Seconds within which a master or a worker says that it is there."""


@dataclass
class Cluster:
    """A running cluster: `master` is its URL, `folder` holds what each process says (`master.log`, `worker-0.log` …)."""

    master: str
    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def pids(self) -> list[int]:
        """The process ids of master and workers; executors and their Python workers are below the workers."""
        return [d.pid for d in self.daemons.values() if d.poll() is None]

    def kill_worker(self, number: int) -> None:
        """Take a machine away without a word: worker `number`, counted from 0, with every executor that runs on it."""
        worker = self.daemons[f"worker-{number}"]
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


@contextmanager
def cluster(workers: int = 2, cores: int = 1, memory: str = "2g") -> Iterator[Cluster]:
    """Have a cluster for as long as the context lasts, on free ports of 127.0.0.1; `memory` is what each worker has to give.

    Use it as ``with cluster() as found: SparkEngine(sources, master=found.master)`` and call `jcml.engines.spark.disconnect()`
    before the context ends.
    """
    with tempfile.TemporaryDirectory(prefix="cluster-", ignore_cleanup_errors=True) as place:
        found = Cluster("", Path(place))
        try:
            found.daemons["master"] = _start(found.folder, "master", "--port", "0")
            found.master = _said(found, "master", r"Starting Spark master at (spark://\S+)")
            for i in range(workers):
                given = ("--port", "0", "--cores", str(cores), "--memory", memory, "--work-dir", str(found.folder / f"work-{i}"), found.master)
                found.daemons[f"worker-{i}"] = _start(found.folder, f"worker-{i}", *given)
            for i in range(workers):
                _said(found, f"worker-{i}", r"(Successfully registered with master)")
            yield found
        finally:
            _stop([d for n, d in found.daemons.items() if n != "master"])
            _stop([d for n, d in found.daemons.items() if n == "master"])


def _start(folder: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    spec = importlib.util.find_spec("pyspark")
    assert spec is not None and spec.origin is not None, "needs the extra spark"
    home = Path(spec.origin).parent
    kind = name.split("-")[0]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SPARK_")} | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_LOCAL_DIRS": str(folder / f"local-{name}"),
        "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -Dspark.master.rest.enabled=false",
    }
    command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{kind}.{kind.capitalize()}", "--host", "127.0.0.1", "--webui-port", "0", *arguments]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=folder, start_new_session=True,
            preexec_fn=_end_with_parent,
        )


def _end_with_parent() -> None:
    """A daemon must not outlive a test that is killed; only Linux has this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _said(found: Cluster, name: str, pattern: str) -> str:
    """What a daemon said of itself in its log, once it has."""
    log, until = found.folder / f"{name}.log", time.monotonic() + START_WITHIN
    while time.monotonic() < until:
        text = log.read_text(encoding="utf-8", errors="replace")
        if match := re.search(pattern, text):
            return match[1]
        if found.daemons[name].poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"{name} did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


def _stop(daemons: list[subprocess.Popen[bytes]]) -> None:
    """End daemons with what they started; first with a request, so that workers end their executors themselves."""
    for daemon in daemons:
        if daemon.poll() is None:
            daemon.terminate()
    for daemon in daemons:
        with suppress(subprocess.TimeoutExpired):
            daemon.wait(timeout=15)
        with suppress(ProcessLookupError):
            os.killpg(daemon.pid, signal.SIGKILL)  # an executor that outlived its worker
        daemon.wait()
