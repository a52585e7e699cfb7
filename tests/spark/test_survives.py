"""A machine of the cluster that dies in mid-run, and a run that is killed and started again: one publication, the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster import cluster
from on_spark import EVERYTHING, HERE

pytestmark = pytest.mark.skipif(not HERE, reason="needs the extra spark and Java 17")
STEPS = ("score.matrix", "score.scores", "score.selection", "score.clues", "score.published")
SETTINGS = """
[spark]
"spark.sql.codegen.wholeStage" = "false"
"spark.sql.adaptive.enabled" = "false"
"spark.sql.shuffle.partitions" = "4"
"""


@pytest.fixture
def expected(office, tmp_path) -> tuple[Path, str, bytes]:
    """An office that has scored nothing yet, and the list that one process publishes: its name and its bytes."""
    with (office / "office.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    other = Path(shutil.copytree(office, tmp_path / "one"))
    assert scoring(other).wait() == 0
    (path,) = (other / "state" / "outbox").glob("*.jsonl")
    return office, path.name, path.read_bytes()


def scoring(office: Path, master: str = "", failpoint: str = "") -> subprocess.Popen[bytes]:
    """`jcml score` as a process of its own."""
    engine = ["--engine", "spark", "--master", master] if master else []
    command = [sys.executable, "-m", "jcml", "--quiet", "-w", str(office), "-o", str(office), "score", "example", "--as-of", "2025-01-01", *engine]
    environment = {**os.environ, "JCML_FAILPOINT": failpoint, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def wait_until_it_computes(office: Path, process: subprocess.Popen[bytes]) -> None:
    """Return when the cluster has begun to write the matrix, and has not finished it."""
    runs = office / "state" / "runs"
    deadline = time.monotonic() + 180
    while not [*runs.rglob(".matrix.parquet.*.part/_temporary")]:
        assert process.poll() is None and time.monotonic() < deadline, "the run never came to the matrix"
        time.sleep(0.05)
    assert not [*runs.rglob("*/matrix.parquet")]


def check(office: Path, name: str, content: bytes) -> None:
    assert {p.name: p.read_bytes() for p in (office / "state" / "outbox").glob("*.jsonl")} == {name: content}
    assert not [*(office / "state").rglob("*.part")], "nothing half-written is left"


def test_a_worker_is_killed_in_mid_run(expected):
    office, name, content = expected
    with cluster(workers=2, cores=1, memory="1g") as running:
        process = scoring(office, running.master)
        wait_until_it_computes(office, process)
        running.kill_worker(0)
        assert process.wait(timeout=300) == 0
    check(office, name, content)


def test_the_driver_is_killed_and_started_again(expected):
    office, name, content = expected
    with cluster(workers=2, cores=1, memory="1g") as running:
        process = scoring(office, running.master)
        wait_until_it_computes(office, process)
        process.kill()
        process.wait()
        assert not (office / "state" / "outbox").exists()
        for step in STEPS if EVERYTHING else STEPS[1:2]:
            assert scoring(office, running.master, f"{step}:kill").wait(timeout=300) == -9, step
        assert scoring(office, running.master).wait(timeout=300) == 0
        assert scoring(office, running.master).wait(timeout=300) == 0  # and once more changes nothing
    check(office, name, content)


def test_a_cluster_that_is_not_there_is_one_sentence(office):
    done = subprocess.run(
        [sys.executable, "-m", "jcml", "--lang", "en", "-w", str(office), "-o", str(office), "score", "example", "--as-of", "2025-01-01",
         "--engine", "spark", "--master", "spark://127.0.0.1:9"], capture_output=True, text=True, timeout=300,
    )
    assert done.returncode == 69
    assert "JC2502" in done.stderr and "spark://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr and "\tat " not in done.stderr
