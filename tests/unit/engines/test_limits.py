"""A question that needs more memory than it is given ends in one sentence."""

from __future__ import annotations

import pytest

from jcml.engines.duckdb import DuckDBEngine
from jcml.errors import Unavailable


def test_too_little_memory_is_said(tmp_path):
    with DuckDBEngine({}, threads=1, memory="40MB", scratch=tmp_path) as engine, pytest.raises(Unavailable) as raised:
        engine.query("SELECT list(i) FROM range(50000000) AS r(i)")
    assert raised.value.code == "JC2508"
    assert "40MB" in raised.value.text("en") and raised.value.exit_code == 69
