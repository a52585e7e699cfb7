"""A list scored on Spark is, byte for byte, the list scored in one process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from on_spark import HERE, connect

from jcml.cli.main import run
from jcml.registry.mlflow import Registry

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


def test_a_model_trained_over_a_matrix_from_spark_is_the_same_model(office, tmp_path, capsys):
    other = Path(shutil.copytree(office, tmp_path / "other"))
    connect("local[1]")
    for folder, more in ((office, []), (other, ["--engine", "spark", "--master", "local[1]"])):
        place = ["--lang", "en", "--quiet", "-w", str(folder), "-o", str(folder)]
        assert run([*place, "train", "example", "--until", "2025-01-01", "--json", *more]) == 0
    one, two = (Registry(folder / "state" / "mlflow").load("example", 2) for folder in (office, other))
    assert one.fitted.text == two.fitted.text
    assert one.figures == two.figures


def test_commands_that_look_at_features_ask_either_engine(office, capsys):
    place = ["--lang", "en", "--quiet", "-w", str(office), "-o", str(office)]
    connect("local[1]")
    said = []
    for more in ([], ["--engine", "spark", "--master", "local[1]"]):
        assert run([*place, "features", "build", "example", "--as-of", AS_OF, "--out", str(office / f"matrix-{len(said)}.parquet"), *more]) == 0
        assert run([*place, "features", "plan", "example", "--as-of", AS_OF, "--json", *more]) == 0
        said.append(json.loads(capsys.readouterr().out)["steps"])
        assert run([*place, "data", "check", "--json", *more]) == 0
        capsys.readouterr()
    assert pq.read_table(office / "matrix-0.parquet").to_pylist() == pq.read_table(office / "matrix-1.parquet").to_pylist()
    assert all(said)


def test_a_cluster_without_an_address_is_asked_for(office, capsys):
    assert run(["--lang", "en", "-w", str(office), "-o", str(office), "score", "example", "--as-of", AS_OF, "--engine", "spark"]) == 2
    assert "JC2505" in capsys.readouterr().err
