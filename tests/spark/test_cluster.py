"""Every supervision model on a cluster of two workers: the matrix, the scores, the list, its reasons and its evidence are the ones of one process."""

from __future__ import annotations

import shutil

import pyarrow.parquet as pq
import pytest
from cluster import cluster
from on_spark import EVERYTHING, HERE
from spark.offices import MODELS, score, trained_office

from jcml.engines.spark import disconnect

pytestmark = pytest.mark.skipif(not HERE, reason="needs the extra spark and Java 17")


@pytest.fixture(scope="module")
def master():
    disconnect()  # a process has one cluster at a time
    with cluster(workers=2, cores=1, memory="2g") as running:
        yield running.master
        disconnect()


def table(run, name):
    """A table of a run's folder, its rows in the order of their units."""
    found = pq.read_table(run.folder / name)
    return found.sort_by([(k, "ascending") for k in run.definition.keys])


@pytest.mark.parametrize("name", MODELS if EVERYTHING else MODELS[1:4:2])  # all four with `make test-spark`
def test_what_a_cluster_gives_is_what_one_process_gives(name, master, tmp_path):
    folder, trained, as_of = trained_office(name, tmp_path / "one")
    other = shutil.copytree(folder, tmp_path / "two")
    here, published = score(name, folder, trained, as_of)
    there, published_there = score(name, other, trained, as_of, master)
    assert there.scored == here.scored > 0 and published.publication.clues > 0

    matrix, matrix_there = table(here, "matrix.parquet"), table(there, "matrix.parquet")
    assert matrix_there.column_names == matrix.column_names
    for column in matrix.column_names:  # exactly, floats too
        assert matrix_there[column].to_pylist() == matrix[column].to_pylist(), column
    for file in ("scores.parquet", "selection.parquet"):
        assert table(there, file).to_pylist() == table(here, file).to_pylist(), file
    assert pq.read_table(there.folder / "evidence.parquet") == pq.read_table(here.folder / "evidence.parquet")
    assert (other / "state" / published_there.publication.file).read_bytes() == (folder / "state" / published.publication.file).read_bytes()
    assert published_there.publication.digest == published.publication.digest
    assert published_there.publication.run == published.publication.run
