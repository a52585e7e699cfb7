"""Trained models: a registration that is killed names nobody, a promotion is a person's act, a tampered file is refused."""

from __future__ import annotations

import os
import subprocess
import sys

from jcml.registry.mlflow import Registry

TRAIN = ["train", "example", "--until", "2025-01-01"]
PROMOTE = ["registry", "promote", "example", "--by", "测试人", "--because", "测试用的任命"]


def start(office, *command, **environment):
    line = [sys.executable, "-m", "jcml", "--quiet", "-w", str(office), "-o", str(office), *command]
    return subprocess.Popen(line, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def aliases(office):
    return {v.number: set(v.aliases) for v in Registry(office / "state" / "mlflow").versions("example")}


def test_killed_while_registering_nobody_becomes_challenger(office):
    killed = start(office, *TRAIN, JCML_FAILPOINT="register.logged:kill")
    assert killed.wait() == -9
    assert aliases(office) == {1: {"champion"}, 2: set()}, "who was in force stays in force"
    assert start(office, *TRAIN).wait() == 0
    found = aliases(office)
    assert found[max(found)] == {"challenger"}
    assert found[1] == {"champion"}


def test_a_promotion_needs_a_name_and_a_reason(office, jcml, capsys):
    assert jcml(*TRAIN) == 0
    assert jcml("registry", "promote", "example", "--version", "2") != 0
    assert jcml("registry", "promote", "example", "--version", "2", "--by", "测试人") != 0
    assert "champion" in aliases(office)[1]
    assert jcml(*PROMOTE, "--version", "2") == 0
    assert "champion" in aliases(office)[2]


def test_rolled_back_the_one_before_is_in_force_again_and_both_acts_are_kept(office, jcml):
    assert jcml(*TRAIN) == 0
    assert jcml(*PROMOTE, "--version", "2") == 0
    assert jcml("registry", "rollback", "example", "--by", "李四", "--because", "新版误报增多") == 0
    assert "champion" in aliases(office)[1]
    acts = [p for v in Registry(office / "state" / "mlflow").versions("example") for p in v.promotions]
    assert {"测试人", "李四"} <= {p["by"] for p in acts}


def test_a_version_is_the_same_after_a_round_trip(office):
    registry = Registry(office / "state" / "mlflow")
    one, other = registry.load("example", 1), registry.load("example", "champion")
    assert one.to_json() == other.to_json()
    assert one.fitted.text == other.fitted.text


def test_a_changed_number_is_found(office, jcml, capsys):
    assert jcml("registry", "verify", "example") == 0
    texts = [p for p in (office / "state" / "mlflow").rglob("*") if p.is_file() and p.read_bytes().startswith(b"tree\n")]
    for text in texts:
        text.write_text(text.read_text(encoding="utf-8").replace("leaf_value=", "leaf_value=0", 1), encoding="utf-8")
    assert texts
    assert jcml("registry", "verify", "example") == 77
    assert jcml("score", "example", "--as-of", "2025-01-01") == 77
    assert "JC5003" in capsys.readouterr().err
