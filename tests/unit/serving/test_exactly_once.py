"""Scoring twice, eight times at once, and killed at every durable step: one publication, the same bytes, nothing lost."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jcml.durable import STEPS
from jcml.serving.ledger import Ledger

SCORE = ["score", "example", "--as-of", "2025-01-01"]
STEPS_OF_SCORING = [s for s in STEPS if s.startswith("score.")]


def start(office: Path, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "jcml", "--quiet", "-w", str(office), "-o", str(office), *SCORE]
    return subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def published(office: Path) -> list[tuple[str, str]]:
    """(name, digest) of everything in the outbox."""
    return [(p.name, hashlib.sha256(p.read_bytes()).hexdigest()) for p in sorted((office / "state" / "outbox").glob("*"))]


@pytest.fixture(scope="session")
def undisturbed(trained_office_once: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """What an undisturbed run publishes."""
    import shutil

    office = Path(shutil.copytree(trained_office_once, tmp_path_factory.mktemp("undisturbed") / "office"))
    assert start(office).wait() == 0
    return published(office)


def test_the_same_run_twice_publishes_once(office, jcml, undisturbed):
    assert jcml(*SCORE) == 0
    assert jcml(*SCORE) == 0
    assert published(office) == undisturbed
    assert len(Ledger(office / "state" / "ledger.sqlite").all()) == 1


def test_eight_at_once_publish_once(office, undisturbed):
    """Losers say that another run holds the key (75) or that it is done already (0)."""
    running = [start(office) for _ in range(8)]
    codes = [p.wait() for p in running]
    assert 0 in codes
    assert set(codes) <= {0, 75}
    assert published(office) == undisturbed
    assert len(Ledger(office / "state" / "ledger.sqlite").all()) == 1


@pytest.mark.parametrize("step", STEPS_OF_SCORING)
def test_killed_at_every_durable_step_and_run_again(office, undisturbed, step):
    """SIGKILL right after the step; a half-written result is never visible, and the next run gives the same bytes."""
    killed = start(office, JCML_FAILPOINT=f"{step}:kill")
    assert killed.wait() == -9, killed.stderr.read().decode()
    visible = published(office)
    assert visible in ([], undisturbed)
    assert start(office).wait() == 0
    assert published(office) == undisturbed
    assert len(Ledger(office / "state" / "ledger.sqlite").all()) == 1


@pytest.mark.parametrize("step", ["score.matrix", "score.clues", "score.manifest"])
def test_a_full_disk_leaves_nothing_half_written(office, undisturbed, step):
    full = start(office, JCML_FAILPOINT=f"{step}:full")
    assert full.wait() == 73
    assert b"JC9002" in full.stderr.read()
    assert published(office) == []
    assert start(office).wait() == 0
    assert published(office) == undisturbed


def test_another_result_for_the_same_date_needs_a_reason(office, jcml, capsys):
    """New data came in: the first result stands until a person gives a reason for replacing it."""
    assert jcml(*SCORE) == 0
    deliveries = office / "data" / "deliveries.csv"
    lines = deliveries.read_text(encoding="utf-8").splitlines()
    deliveries.write_text("\n".join([*lines, "D-new,P-0001,9999.000,2024-12-01,2024-12-02"]) + "\n", encoding="utf-8")
    assert jcml("data", "import", "deliveries", "--received", "2025-03-01") == 0
    assert jcml(*SCORE) == 1
    assert "JC6003" in capsys.readouterr().err
    assert jcml(*SCORE, "--supersede", "送货单补录后更正") == 0
    found = Ledger(office / "state" / "ledger.sqlite").all()
    assert [p.revision for p in found] == [0, 1]
    assert found[1].because == "送货单补录后更正"


def test_a_changed_definition_is_not_served_by_an_old_model(office, jcml, capsys):
    definition = office / "features" / "example.py"
    definition.write_text(definition.read_text(encoding="utf-8").replace("YEAR = months(12)", "YEAR = months(11)"), encoding="utf-8")
    assert jcml(*SCORE) == 78
    assert "JC6001" in capsys.readouterr().err


def test_a_changed_sentence_is(office, jcml):
    definition = office / "features" / "example.py"
    definition.write_text(definition.read_text(encoding="utf-8").replace("购进量是申报销量的", "购进量为申报销量的"), encoding="utf-8")
    assert jcml(*SCORE) == 0


def test_a_clue_replayed_is_the_same_to_the_byte(office, jcml, capsys):
    from jcml.records import read_clues

    assert jcml(*SCORE) == 0
    clues = list(read_clues(next((office / "state" / "outbox").glob("*.jsonl"))))
    capsys.readouterr()
    for clue in (clues[0], clues[-1]):
        assert jcml("replay", clue.id) == 0
        assert "the same bytes" in capsys.readouterr().err


def test_a_replay_says_what_a_correction_changed(office, jcml, capsys):
    """A delivery behind the first clue was corrected later, and backdated: the replay shows which number moved."""
    from jcml.records import read_clues

    assert jcml(*SCORE) == 0
    first = next(iter(read_clues(next((office / "state" / "outbox").glob("*.jsonl")))))
    deliveries = office / "data" / "deliveries.csv"
    place = first.title_zh.split("·")[1].removeprefix("示例场所")
    deliveries.write_text(
        deliveries.read_text(encoding="utf-8") + f"D-late,P-{place},50000.000,2024-11-01,2024-11-02\n", encoding="utf-8"
    )
    assert jcml("data", "import", "deliveries", "--received", "2025-03-01") == 0
    capsys.readouterr()
    assert jcml("replay", first.id) == 1
    assert "JC6007" in capsys.readouterr().err
