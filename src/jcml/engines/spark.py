"""Spark on an existing cluster, for data that outgrow one machine; the only door to Spark.

The same plan as DuckDB's, in Spark's words. What a cluster adds is decided here: a step that is read twice is made
once and kept, so that Spark knows how large it is and sends it to the rows when it is small; and an error of the
cluster becomes one sentence with a code.

Nothing depends on the session's time zone: times are whole numbers of microseconds before Spark sees them.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcml.engines.dialect import SparkDialect, quote
from jcml.engines.engine import Calendar, Plan, Source, files_of, location, rows_in
from jcml.engines.spark_tables import stacked, write_ordered
from jcml.engines.sql import SqlEngine, Work
from jcml.errors import InputMissing, Unavailable
from jcml.query import Question

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
MEANING = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.autoBroadcastJoinThreshold": "64MB",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
"""Settings of a session that plans rely on, whatever the cluster's own defaults."""
PATIENT = (
    "-XX:Tier4InvocationThreshold=50000", "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000", "-XX:Tier4BackEdgeThreshold=400000",
)
"""Java makes code better after ten times as many calls as it would: Spark writes code for each question, and most of it is over before that pays."""
REMEMBERED = ("spark.sql.ui.retainedExecutions", "spark.ui.retainedJobs", "spark.ui.retainedStages", "spark.ui.retainedTasks")
"""What Spark remembers of questions that are over, for pages that nobody opens here; a thousand plans fill a driver."""
OUT_OF_MEMORY = 3
"""How Java ends under `-XX:+ExitOnOutOfMemoryError`."""


class SparkEngine(SqlEngine):
    """Answers questions on a Spark cluster; the office's state lies where driver and workers see it under one path.

    Parameters
    ----------
    sources : mapping of table to Source
        The office's delivered tables.
    master : str
        `local[2]`, `spark://host:7077`, `yarn`, `k8s://…`.
    settings : mapping
        Spark's own settings, such as ``{"spark.executor.memory": "8g"}``.
    memory : str
        The driver's memory where this process starts it, such as ``"4GB"``.
    log : Path or None
        The file into which Spark writes what it would say on the terminal.

    Raises
    ------
    InputMissing
        JC2501, if the extra `spark` or Java is missing.
    Unavailable
        JC2502, if the cluster does not answer; JC2503, if it gives up; JC2508, if this machine's part of it runs out of memory.

    Examples
    --------
    `with SparkEngine(sources, master="local[2]") as engine: engine.matrix(question, calendar)` asks what DuckDB's engine is asked.

    >>> SparkEngine({}, master="spark://127.0.0.1:1")
    Traceback (most recent call last):
    jcml.errors.Unavailable: JC2502: the Spark cluster spark://127.0.0.1:1 does not answer: Connection refused
    """

    name = "spark"

    def __init__(
        self,
        sources: Mapping[str, Source],
        *,
        master: str,
        settings: Mapping[str, str] | None = None,
        memory: str = "4GB",
        log: Path | None = None,
    ) -> None:
        self.sources = sources
        self.dialect = SparkDialect()
        with readable(master):
            self.session = session(master, settings or {}, memory, log=log)
            for name, source in sources.items():
                self._bind(name, source)
        self.master = master

    def close(self) -> None:
        """Nothing to let go of: steps are let go of when they are over, and the connection to the cluster stays for the next engine."""

    def _bind(self, name: str, source: Source) -> None:
        if isinstance(source.rows, Path):
            frame = self.session.read.parquet(location(source.rows))
        else:
            frame = self.session.createDataFrame(source.rows)
        frame.createOrReplaceTempView("_given_" + name)
        self.sql(f"SELECT {self.selected(source)} FROM {quote('_given_' + name)}").createOrReplaceTempView(name)

    def sql(self, statement: str) -> DataFrame:
        """A statement as a frame that nothing has computed yet."""
        return self.session.sql(statement)

    def query(self, sql: str) -> pa.Table:
        """Run one statement and return its result as an Arrow table."""
        with readable(self.master):
            return self.sql(sql).toArrow()

    @contextmanager
    def given(self, name: str, table: pa.Table) -> Iterator[None]:
        """Have a small table there under a name, for as long as the context lasts."""
        with readable(self.master):
            self.session.createDataFrame(table).createOrReplaceTempView(name)
        try:
            yield
        finally:
            self.session.catalog.dropTempView(name)

    @contextmanager
    def steps(self, plan: Plan) -> Iterator[str]:
        """Have the steps of a plan as views; those that are read twice are made at once and kept."""
        import pyarrow as pa

        kept: list[DataFrame] = []
        texts = [s.sql for s in plan.steps] + [plan.result]
        with self.given("_dates", pa.table({k: pa.array(v) for k, v in plan.dates.items()})):
            try:
                for i, step in enumerate(plan.steps):
                    with readable(self.master):
                        frame = self.sql(self.statement(step))
                        if sum(len(re.findall(rf"\b(?:FROM|JOIN) {step.name}\b", t)) for t in texts[i + 1 :]) > 1:
                            kept.append(frame.persist())
                            frame.count()  # from here on Spark knows whether they are few
                            frame = self._leaf(frame)
                        frame.createOrReplaceTempView(step.name)
                yield plan.result
            finally:
                for frame in kept:
                    frame.unpersist()
                for step in plan.steps:
                    self.session.catalog.dropTempView(step.name)

    def _leaf(self, kept: DataFrame) -> DataFrame:
        """Kept rows by themselves: a plan that reads them would otherwise contain the plan that made them, each time it does."""
        from pyspark.sql.classic.dataframe import DataFrame

        jvm: Any = self.session._jvm
        read = kept._jdf.queryExecution().withCachedData()
        return DataFrame(jvm.org.apache.spark.sql.classic.Dataset.ofRows(self.session._jsparkSession, read), self.session)

    def matrix_to(self, question: Question, calendar: Calendar, path: Path) -> int:
        """Write the answer as a folder of Parquet files, sorted from the first to the last; returns the number of rows."""
        with self.steps(self.plan(question, calendar)) as result, readable(self.master):
            frame = self.sql(result)
            day = f"{self.dialect.date('_asof')} AS _asof"
            self._write(frame.selectExpr(*(day if name == "_asof" else quote(name) for name in frame.columns)), path)
        return rows_in(path)

    def _write(self, frame: DataFrame, target: Path) -> None:
        frame.write.mode("overwrite").option("compression", "zstd").parquet(location(target))

    def parquet(self, path: Path) -> str:
        """A Parquet file, or a folder of such, as something to select from."""
        return f"parquet.`{location(path)}`"

    def stacked(self, files: Sequence[tuple[str, Path]], schema: pa.Schema) -> str:
        """The rows of several Parquet files or folders as something to select from, with `_batch` and `_sequence`."""
        with readable(self.master):
            stacked(self.session, files, schema).createOrReplaceTempView("_stacked")
        return "_stacked"

    def ordered_to(self, sql: str, order: Sequence[str], rows: int, target: Path, *, number: str = "") -> None:
        """Write the rows of a statement as a folder of Parquet files in order; with `number` each with its place from 0."""
        with readable(self.master):
            write_ordered(self.sql(sql), order, rows, target, number=number)

    def _worked(self, source: Path, work: Work, schema: pa.Schema, columns: Sequence[str] | None) -> DataFrame:
        from pyspark.sql.pandas.types import from_arrow_schema

        size = sum(file.stat().st_size for file in files_of(source))
        share = size // (2 * self.session.sparkContext.defaultParallelism) + 1  # every core gets its part, and no core all of it
        self.session.conf.set("spark.sql.files.maxPartitionBytes", str(min(max(share, 2**20), 2**27)))
        frame = self.session.read.parquet(location(source))
        if columns is not None:
            frame = frame.select(*(f"`{name}`" for name in columns))
        return frame.mapInArrow(work, from_arrow_schema(schema))

    def through(self, source: Path, target: Path, work: Work, schema: pa.Schema, columns: Sequence[str] | None = None) -> None:
        """Write what `work` makes of the rows of a Parquet file into a folder of such; each worker writes what it made."""
        with readable(self.master):
            self._write(self._worked(source, work, schema, columns), target)

    def gathered(self, source: Path, work: Work, schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
        """What `work` makes of the rows of a Parquet file, part by part, as a table."""
        with readable(self.master):
            return self._worked(source, work, schema, columns).toArrow().cast(schema)


_sessions: dict[str, SparkSession] = {}
_limits: dict[str, str] = {}


def session(master: str, settings: Mapping[str, str], memory: str = "4GB", *, log: Path | None = None) -> SparkSession:
    """A session of its own on the one connection that this process has to a cluster.

    `log` is the file into which Spark writes what it would say on the terminal.

    Raises
    ------
    InputMissing
        JC2501, if the extra `spark` or Java is missing.
    Unavailable
        JC2502, if the cluster does not answer; JC2504, if this process is connected to another one.

    >>> session("spark://127.0.0.1:1", {})
    Traceback (most recent call last):
    jcml.errors.Unavailable: JC2502: the Spark cluster spark://127.0.0.1:1 does not answer: Connection refused
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise InputMissing("JC2501", problem="pyspark", package="jcml[spark]") from None
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        raise InputMissing("JC2501", problem="Java 17", package="openjdk-17-jre-headless")
    if master not in _sessions:
        _answers(master)
        if _sessions:
            raise Unavailable("JC2504", master=master, present=next(iter(_sessions)))
        here = master.startswith("local") or any(f"//{host}" in master for host in LOOPBACK)
        wanted = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / "no-warehouse"),  # nothing is kept there
            "spark.driver.memory": memory.replace("GB", "g").replace("MB", "m"),
            "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
            "spark.buffer.pageSize": "4m",  # every sort and every broadcast of a plan begins with a page, and a plan has many
            "spark.broadcast.UDFCompressionThreshold": "1g",  # what is larger would go through a file, and a key must not
            **dict.fromkeys(REMEMBERED, "10"),
        }
        if here:
            wanted |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        builder = SparkSession.builder.master(master).appName("jcml")
        for key, value in {**wanted, **_java(master, here), **settings}.items():
            builder = builder.config(key, value)
        if here:
            os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        os.environ["PYSPARK_PYTHON"] = settings.get("spark.pyspark.python", sys.executable)  # or workers take the first python3 they find
        with readable(master, "JC2502"), _spoken_into(log):
            _sessions[master] = builder.getOrCreate()
        _limits[master] = memory
    made = _sessions[master].newSession()
    parallel = _sessions[master].sparkContext.defaultParallelism
    for key, value in {**MEANING, "spark.sql.shuffle.partitions": str(4 * parallel), **settings}.items():
        if key.startswith("spark.sql.") and made.conf.isModifiable(key):
            made.conf.set(key, value)
    return made


def _java(master: str, here: bool) -> dict[str, str]:
    """How Java runs where nothing else is said: Spark puts the cluster's and the office's own `extraJavaOptions` behind these."""
    work = list(PATIENT)
    if here and (os.cpu_count() or 1) <= 2:
        work.append("-XX:+UseSerialGC")  # two cores have none to spare for collecting beside the work
    plans = work if master.startswith("local") else ["-XX:TieredStopAtLevel=1"]  # a driver that only plans does something else each time
    ends = "-XX:+ExitOnOutOfMemoryError"  # or the thread that lacks memory dies alone, and whoever waits for it waits for ever
    return {"spark.driver.defaultJavaOptions": " ".join([ends, *plans]), "spark.executor.defaultJavaOptions": " ".join(work)}


def _answers(master: str) -> None:
    """Look whether a standalone master is there at all; Spark itself would ask for a minute."""
    if not master.startswith("spark://"):
        return
    problem = ""
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
            return
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or str(error)
    raise Unavailable("JC2502", master=master, problem=problem)


@contextmanager
def _spoken_into(log: Path | None) -> Iterator[None]:
    """Let the Java process that is started here write its messages into a file, not onto our terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    terminal = [(descriptor, os.dup(descriptor)) for descriptor in (1, 2)]
    with (log or Path(os.devnull)).open("ab") as file:
        for descriptor, _ in terminal:
            os.dup2(file.fileno(), descriptor)
        try:
            yield
        finally:
            for descriptor, kept in terminal:
                os.dup2(kept, descriptor)
                os.close(kept)


def disconnect() -> None:
    """End this process's connection to its cluster, if it has one.

    >>> from contextlib import suppress
    >>> with suppress(Unavailable):
    ...     session("spark://127.0.0.1:1", {})
    >>> disconnect()
    """
    for connected in _sessions.values():
        connected.stop()
    _sessions.clear()


@contextmanager
def readable(master: str, code: str = "JC2503") -> Iterator[None]:
    """Turn an error of the cluster into one sentence with a code; the first line of it says what happened.

    Raises
    ------
    Unavailable
        JC2502, if the cluster does not answer; JC2503, if it gave up; JC2508, if the memory of this machine's part was not enough.

    >>> with readable("local[2]"):
    ...     6 * 7
    42
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")  # its pandas is not used
            yield
    except Exception as error:
        if master in _limits and _ended() == OUT_OF_MEMORY:
            raise Unavailable("JC2508", memory=_limits[master]) from error
        if type(error).__module__.split(".")[0] not in ("py4j", "pyspark"):
            raise
        raise Unavailable(code, master=master, problem=first_line(str(error))) from error


def _ended() -> int | None:
    """How the Java process of this machine ended; None if it runs."""
    from pyspark import SparkContext

    process = getattr(SparkContext._gateway, "proc", None)
    with suppress(subprocess.TimeoutExpired):
        return process.wait(timeout=0.5) if process is not None else None
    return None


def first_line(message: str) -> str:
    """What a cluster's error says, without the places in its code.

    >>> first_line("An error occurred while calling o42.collect.\\n: org.apache.spark.SparkException: Job aborted: lost\\n\\tat x")
    'Job aborted: lost'
    """
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b.*", line)] if "Traceback (most recent call last)" in message else []
    causes = [line.removeprefix("Caused by:") for line in lines if line.startswith("Caused by:")]
    told = [line for line in lines if not line.startswith("An error occurred while calling")]
    best = (raised or causes or told or [""])[-1 if raised or causes else 0]
    return re.sub(r"^:?\s*(?:[\w$]+\.)+[\w$]+:\s*", "", best.strip())[:500]
