"""Spark inside the test process, small and quick; where it is not installed, or not wanted, tests run without it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Mapping

from jcml.engines import spark
from jcml.engines.engine import Source
from jcml.engines.spark import SparkEngine

HERE = importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None
WANTED = os.environ.get("JCML_SPARK", "some")
"""`some`: one session time zone; `all`: three, and every property in full; `none`: no Spark."""
EVERYTHING = WANTED == "all"
SESSION_ZONES = () if not HERE or WANTED == "none" else ("America/New_York", "UTC", "Asia/Shanghai") if EVERYTHING else ("America/New_York",)
SMALL = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.buffer.pageSize": "256k",  # every sort and every broadcast begins with a page
}
"""Settings for tables of a few rows, where making code costs more than it saves."""


GAPS: dict[str, str] = {}
"""What Spark cannot do yet: test of the spec → reason. A test that is named here and gives what is expected fails: the gap has closed."""


def agrees(engine: str, found: object, expected: object, test: str, gaps: Mapping[str, str] = GAPS) -> None:
    """Fail unless an engine gives what is expected, or, on Spark, has a gap here and gives something else."""
    reason = gaps.get(test) if engine.startswith("spark") else None
    if reason is None:
        assert found == expected, engine
    else:
        assert found != expected, f"{engine} gives what is expected: take {test} out of GAPS ({reason})"


def connect(master: str) -> None:
    """Leave the cluster that this process is connected to, if it is another one: tests of several files may take turns in a process."""
    if spark._sessions and master not in spark._sessions:
        spark.disconnect()


def spark_engine(sources: Mapping[str, Source], session_zone: str = "America/New_York", **settings: str) -> SparkEngine:
    """An engine on a Spark of one thread inside the test process, in a session time zone far from the office's."""
    connect("local[1]")
    return SparkEngine(sources, master="local[1]", memory="1GB", settings={**SMALL, "spark.sql.session.timeZone": session_zone, **settings})
