"""How canonical tables come into being on a cluster: tasks spread over workers, rows in order over many files, versions numbered.

What a worker made counts once, when its task has ended well: Spark puts finished output in place, whatever was tried
twice or lost. Rows are cut into files by ranges of everything that orders them, so one entity with most of the rows
takes as many files as it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from jcml.engines.engine import location

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

    from jcml.engines.sql import Work

ROWS_PER_FILE = 1_000_000
LEAST_ROWS = 50_000
_ROW_GROUP = 8 * 1024**2  # bytes: an entity's rows are found by reading little else
_PLACE = 33  # bits of `monotonically_increasing_id` that count the rows of a partition


def spread(session: SparkSession, tasks: Sequence[str], work: Work, schema: pa.Schema, target: Path, by: str) -> None:
    """Have every task done, each on its own, and keep what is made of them as Parquet, in one folder per value of a column.

    `work` is given batches with the column `task`.

    >>> from jcml.engines.spark import session  # doctest: +SKIP
    >>> spread(session("local[1]", {}), ["1", "2"], work, schema, Path("made"), "kind")  # doctest: +SKIP
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    given = session.createDataFrame(session.sparkContext.parallelize([(task,) for task in tasks], len(tasks)), "task string")
    session.conf.set("spark.sql.maxConcurrentOutputFileWriters", "16")  # so that rows need not be sorted by the column first
    _parquet(given.mapInArrow(work, from_arrow_schema(schema)), target, by)


def write_ordered(frame: DataFrame, order: Sequence[str], rows: int, target: Path, *, by: str = "", number: str = "") -> None:
    """Write rows as a folder of Parquet files, in order from the first file to the last; NULLs come last, as in DuckDB.

    With `by` in one folder per value of that column, which must lead the order; with `number` each row gets its place,
    from 0, as a column of that name.

    >>> frame = session.sql("SELECT 1 AS a")  # doctest: +SKIP
    >>> write_ordered(frame, ["a"], 1, Path("made"), number="_version")  # doctest: +SKIP
    """
    from pyspark.sql import functions as f

    parallel = frame.sparkSession.sparkContext.defaultParallelism
    files = max(-(-rows // ROWS_PER_FILE), min(parallel, rows // LEAST_ROWS), 1)
    keys = [_named(name).asc_nulls_last() for name in order]
    ordered = frame.repartitionByRange(files, *keys).sortWithinPartitions(*keys)
    if not number:
        _parquet(ordered, target, by)
        return
    kept = ordered.persist()
    try:
        counts = {row[0]: row[1] for row in kept.groupBy(f.spark_partition_id()).count().collect()}
        before = list(accumulate((counts.get(i, 0) for i in range(files)), initial=0))
        place = f.monotonically_increasing_id()
        numbered = f.array(*map(f.lit, before))[f.shiftright(place, _PLACE).cast("int")].cast("long") + place.bitwiseAND(2**_PLACE - 1)
        _parquet(kept.select(numbered.alias(number), *(_named(name) for name in kept.columns)), target)
    finally:
        kept.unpersist()


def stacked(session: SparkSession, files: Sequence[tuple[str, Path]], schema: pa.Schema) -> DataFrame:
    """The rows of several Parquet files or folders, NULL where one lacks a column; `_batch` names the file, `_sequence` counts it.

    >>> stacked(session, [("b1", Path("batch-b1.parquet"))], schema).columns[-2:]  # doctest: +SKIP
    ['_batch', '_sequence']
    """
    from pyspark.sql import functions as f
    from pyspark.sql.pandas.types import from_arrow_schema

    names = session.createDataFrame([(path.name, batch, i) for i, (batch, path) in enumerate(files)], "_file string, _batch string, _sequence int")
    reader = session.read.schema(from_arrow_schema(schema)).option("recursiveFileLookup", "true")
    rows = reader.parquet(*(location(path) for _, path in files))
    file = f.regexp_extract(f.col("_metadata.file_path"), r"([^/]+)(?:/part-[^/]*)?$", 1)
    return rows.select("*", file.alias("_file")).join(f.broadcast(names), "_file").drop("_file")


def _named(name: str) -> Column:
    from pyspark.sql import functions as f

    return f.col(f"`{name}`")


def _parquet(frame: DataFrame, target: Path, by: str = "") -> None:
    writer = frame.write.option("compression", "zstd").option("parquet.block.size", str(_ROW_GROUP))
    (writer.partitionBy(by) if by else writer).parquet(location(target))
