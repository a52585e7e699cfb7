"""What Spark cannot do is declared with its reason, and a declaration that is no longer true fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT
from on_spark import GAPS, agrees


def test_a_gap_is_let_through_and_fails_when_it_closes():
    gaps = {"test_x": "Spark 4.3 has no such function"}
    agrees("spark UTC", {"A": 1.0}, {"A": 2.0}, "test_x", gaps)
    with pytest.raises(AssertionError, match="take test_x out of GAPS"):
        agrees("spark UTC", {"A": 2.0}, {"A": 2.0}, "test_x", gaps)
    with pytest.raises(AssertionError):
        agrees("spark UTC", {"A": 1.0}, {"A": 2.0}, "test_y", gaps)
    with pytest.raises(AssertionError):
        agrees("duckdb", {"A": 1.0}, {"A": 2.0}, "test_x", gaps)  # a gap of Spark excuses nobody else


def test_every_gap_names_a_test_of_the_spec_and_says_why():
    written = "".join(p.read_text(encoding="utf-8") for p in Path(ROOT / "tests" / "spec").glob("test_*.py"))
    assert all(f"def {test.split('[')[0]}(" in written and len(reason) > 10 for test, reason in GAPS.items())
