"""A list scored on Spark is, byte for byte, the list scored in one process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from on_spark import HERE, connect

from jcml.cli.main import run

pytestmark = pytest.mark.skipif(not HERE, reason="needs the extra spark and Java 17")
AS_OF = "2025-01-01"


def score(office: Path, *more: str) -> int:
    if more:
        connect("local[1]")
    return run(["--lang", "en", "--quiet", "-w", str(office), "-o", str(office), "score", "example", "--as-of", AS_OF, *more])


def published(office: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (office / "state" / "outbox").glob("*.jsonl")}


def test_the_list_of_a_small_office_is_the_same(office, tmp_path):
    other = Path(shutil.copytree(office, tmp_path / "other"))
    assert score(office) == 0
    assert score(other, "--engine", "spark", "--master", "local[1]") == 0
    assert published(office) == published(other)
    assert published(office)
    assert score(other) == 0  # what one engine published the other does not publish again
    assert score(office, "--engine", "spark", "--master", "local[1]") == 0
    assert published(office) == published(other)
