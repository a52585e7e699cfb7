"""A question asked twice is answered from the ledger; whatever changes makes it another question."""

from __future__ import annotations

import subprocess
import sys

SCORE = ["score", "example", "--as-of", "2025-01-01"]
LOOK = """
import sys
from jcml.cli.main import run
code = run({arguments!r})
print(code, *sorted({{"mlflow", "lightgbm", "shap"}} & set(sys.modules)), file=sys.stderr)
"""


def loaded(office, *arguments: str) -> str:
    """Exit code and which heavy libraries a command loaded, in a process of its own."""
    line = ["--quiet", "-w", str(office), "-o", str(office), *arguments]
    done = subprocess.run([sys.executable, "-c", LOOK.format(arguments=line)], capture_output=True, text=True, check=True)
    return done.stderr.strip().splitlines()[-1]


def test_an_unchanged_run_loads_no_model(office):
    assert loaded(office, *SCORE).startswith("0 lightgbm mlflow")
    assert loaded(office, *SCORE) == "0"


def test_a_promotion_is_another_question(office, jcml):
    assert jcml(*SCORE) == 0
    assert jcml("train", "example", "--until", "2025-01-01") == 0
    assert jcml("registry", "promote", "example", "--version", "2", "--by", "测试人", "--because", "测试用的任命") == 0
    assert loaded(office, *SCORE).startswith("0 lightgbm mlflow"), "the new champion was asked"
    assert len(list((office / "state" / "outbox").glob("*.jsonl"))) == 2


def test_an_edited_plan_is_another_question(office, jcml):
    assert jcml(*SCORE) == 0
    plan = office / "serving" / "example.yaml"
    plan.write_text(plan.read_text(encoding="utf-8").replace("capacity: 10", "capacity: 12"), encoding="utf-8")
    assert jcml(*SCORE) == 1, "another list for the same date needs a reason"
    assert jcml(*SCORE, "--supersede", "容量改为十二") == 0
