"""What goes wrong with a cluster is one sentence with a code."""

from __future__ import annotations

import subprocess
import sys

import pytest
from on_spark import HERE, SMALL, connect, spark_engine

from jcml.engines.spark import session
from jcml.errors import InputMissing, Unavailable

pytestmark = pytest.mark.skipif(not HERE, reason="needs the extra spark and Java 17")


def test_without_java_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(InputMissing, match="JC2501"):
        session("local[1]", SMALL)


def test_a_question_that_the_cluster_gives_up_is_its_first_line():
    with spark_engine({}) as engine, pytest.raises(Unavailable) as raised:
        engine.query("SELECT 1 / 0 AS x")
    assert raised.value.code == "JC2503"
    assert "zero" in raised.value.text("en") and "\tat " not in raised.value.text("en")


def test_a_process_has_one_cluster():
    connect("local[1]")
    session("local[1]", SMALL, "1GB")
    with pytest.raises(Unavailable, match="JC2504"):
        session("local[2]", SMALL)


def test_a_driver_without_memory_ends_and_says_so():
    """Java's own way would be to lose the thread that lacks memory, and to wait for its answer for ever."""
    program = """
from jcml.engines.spark import SparkEngine
from jcml.errors import Unavailable
with SparkEngine({}, master="local[1]", memory="512MB") as engine:
    try:
        engine.query("SELECT collect_list(repeat(CAST(id AS STRING), 1000)) AS x FROM range(1000000)")
    except Unavailable as error:
        print(error.text("en"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.startswith("error JC2508:") and "512MB" in done.stdout, (done.stdout, done.stderr)
