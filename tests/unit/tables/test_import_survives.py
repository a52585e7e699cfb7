"""An import that is killed at any durable step and run again leaves what one undisturbed import leaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_office import make_small_office

from jcml.durable import STEPS
from jcml.tables.office import read_office
from jcml.tables.store import Store
from jcml.workspace.workspace import Workspace

IMPORT = ["data", "import", "deliveries", "--received", "2025-03-01"]


def start(office: Path, *command: str, failpoint: str = "") -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "jcml", "--quiet", "-w", str(office), "-o", str(office), *command]
    return subprocess.Popen(line, env={**os.environ, "JCML_FAILPOINT": failpoint}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def held(office: Path) -> tuple[list[tuple[int, int, int]], list[dict[str, object]]]:
    """Counts of the batches that the catalogue knows, and the rows that a question sees."""
    store = Store(read_office(office), Workspace(office).tables)
    with store.engine(["deliveries"]) as engine:
        rows = engine.query('SELECT * EXCLUDE ("_batch") FROM deliveries ORDER BY "_row", "_version"').to_pylist()
    return [(b.read, b.kept, b.quarantined) for b in store.batches("deliveries")], rows


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_small_office(tmp_path_factory.mktemp("fresh") / "office", places=40)
    with (folder / "data" / "deliveries.csv").open("a", encoding="utf-8") as stream:
        stream.write("D-bad,P-0001,很多,2024-12-01,2024-12-02\n")  # one row for the quarantine
    Store(read_office(folder), Workspace(folder).tables).vault  # noqa: B018  the key is made, so that copies share it
    from jcml.tables.pseudonyms import read_key

    read_key(read_office(folder).key)
    return folder


@pytest.fixture
def office(fresh: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fresh, tmp_path / "office"))


@pytest.fixture(scope="module")
def undisturbed(fresh: Path, tmp_path_factory: pytest.TempPathFactory):
    office = Path(shutil.copytree(fresh, tmp_path_factory.mktemp("undisturbed") / "office"))
    assert start(office, *IMPORT).wait() == 0
    counts, rows = held(office)
    assert counts == [(641, 640, 1)]
    return counts, rows


@pytest.mark.parametrize("step", [s for s in STEPS if s.startswith("import.")])
def test_killed_and_run_again(office, undisturbed, step):
    killed = start(office, *IMPORT, failpoint=f"{step}:kill")
    assert killed.wait() == -9, killed.stderr.read().decode()
    assert start(office, *IMPORT).wait() == 0
    assert held(office) == undisturbed
    assert not list((office / "state").rglob("*.part"))


@pytest.mark.parametrize("step", ["import.staged", "import.merged"])
def test_a_full_disk_is_said_and_mended_by_the_next_run(office, undisturbed, step):
    full = start(office, *IMPORT, failpoint=f"{step}:full")
    assert full.wait() == 73
    assert b"JC9002" in full.stderr.read()
    assert start(office, *IMPORT).wait() == 0
    assert held(office) == undisturbed


def test_four_at_once_import_once(office, undisturbed):
    codes = [p.wait() for p in [start(office, *IMPORT) for _ in range(4)]]
    assert 0 in codes
    assert set(codes) <= {0, 75}
    assert held(office) == undisturbed


def test_the_merged_table_is_a_file_of_rows_that_a_stranger_can_read(office, undisturbed):
    assert start(office, *IMPORT).wait() == 0
    merged = next(p for p in (office / "state").rglob("*.parquet") if "deliveries" in str(p))
    assert pq.read_metadata(merged).num_rows == 640
