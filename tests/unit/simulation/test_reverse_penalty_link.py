"""The office of the reverse link: what is planted in it, and what of that no definition can reach."""

from __future__ import annotations

import shutil
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from jcml.errors import CheckFailed, ConfigurationError
from jcml.query import walk
from jcml.simulation.reverse_penalty_link import CAMPAIGN, EXPLANATIONS, LICENCES_FROM, MECHANISMS, simulate
from jcml.simulation.world import World
from jcml.simulation.writing import write_office
from jcml.tables.importing import import_table
from jcml.tables.office import read_office
from jcml.tables.store import Store
from jcml.training.train import Training
from jcml.workspace.scaffold import shipped
from jcml.workspace.workspace import Workspace

NAME = "reverse_penalty_link"


@cache
def city(seed: int) -> World:
    return simulate(seed)


@pytest.fixture(scope="module")
def world() -> World:
    return city(1)


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(shipped())


def changed(folder: Path, old: str, new: str) -> Workspace:
    """The shipped workspace with one expression of the definition replaced."""
    for kind in ("features", "training", "serving"):
        shutil.copytree(shipped() / kind, folder / kind, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "features" / f"{NAME}.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return Workspace(folder)


def test_equal_seeds_give_equal_files(tmp_path: Path, workspace: Workspace) -> None:
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        write_office(simulate(seed, size=150), workspace.tables, tmp_path / name, seed=seed)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(files) > 9
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert (tmp_path / "one/truth.csv").read_bytes() != (tmp_path / "three/truth.csv").read_bytes()


def test_every_mechanism_occurs_and_so_does_every_lawful_explanation(world: World) -> None:
    positive = Counter(r["mechanism"] for r in world.truth if r["outcome"])
    negative = Counter(r["explanation"] for r in world.truth if not r["outcome"])
    assert set(positive) == set(MECHANISMS) and min(positive.values()) >= 25
    assert set(EXPLANATIONS) <= set(negative) and min(negative[e] for e in EXPLANATIONS) >= 25
    assert max(positive.values()) < 0.5 * sum(positive.values())


def test_matters_that_hit_a_rule_and_need_nothing_are_as_many_as_those_that_need_something(world: World) -> None:
    alike = sum(not r["outcome"] and r["explanation"] != "" and r["rule_hits"] > 0 for r in world.truth)
    assert alike >= sum(r["outcome"] for r in world.truth)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_about_four_in_ten_are_positive_and_nearly_all_are_reviewed(seed: int) -> None:
    world = city(seed)
    assert 0.33 < sum(r["outcome"] for r in world.truth) / len(world.truth) < 0.45
    # those of the last months have been looked at and not been decided on yet
    old = {r["unit"] for r in world.truth if r["as_of"].year < 2025}
    reviewed = {r["case_person"] for r in world.tables["non_prosecution_verdicts"]}
    assert 0.92 < len(old & reviewed) / len(old) < 0.995


def test_a_campaign_looks_at_more_than_other_months_do(world: World) -> None:
    reviewed = {r["case_person"] for r in world.tables["non_prosecution_verdicts"]}
    share = {
        campaign: [r["unit"] in reviewed for r in world.truth if (r["as_of"] in CAMPAIGN) == campaign and r["as_of"].year < 2025]
        for campaign in (True, False)
    }
    assert sum(share[True]) / len(share[True]) > sum(share[False]) / len(share[False])


def test_a_source_starts_late_and_nothing_of_it_is_known_before(world: World) -> None:
    assert min(r["received_on"] for r in world.tables["driving_licences"]) == LICENCES_FROM


@pytest.mark.parametrize("column", ["ethnicity", "domicile", "schooling"])
def test_a_protected_column_is_delivered_and_no_feature_may_use_it(world: World, tmp_path: Path, column: str) -> None:
    assert all(r[column] for r in world.tables["non_prosecutions"])
    workspace = changed(tmp_path, "category(NonProsecutions.advice)", f"category(NonProsecutions.{column})")
    with pytest.raises(ConfigurationError) as caught:
        workspace.model(NAME)
    assert caught.value.code == "JC3010" and column in caught.value.text("en")


def test_schooling_weighs_on_who_is_reviewed_and_not_on_the_truth() -> None:
    reviewed: Counter[tuple[bool, bool]] = Counter()
    outcomes: Counter[tuple[bool, bool]] = Counter()
    for seed in (1, 2, 3):
        world = city(seed)
        primary = {r["case_person"]: r["schooling"] == "primary" for r in world.tables["non_prosecutions"]}
        seen = {r["case_person"] for r in world.tables["non_prosecution_verdicts"]}
        for row in world.truth:
            if row["as_of"].year < 2025:
                reviewed[primary[row["unit"]], row["unit"] in seen] += 1
            outcomes[primary[row["unit"]], row["outcome"]] += 1

    def gap(counts: Counter[tuple[bool, bool]]) -> float:
        shares = [counts[group, True] / (counts[group, True] + counts[group, False]) for group in (True, False)]
        return shares[0] - shares[1]

    assert gap(reviewed) > 0.01 and abs(gap(outcomes)) < 0.02


def test_no_contract_binds_the_truth(tmp_path: Path, workspace: Workspace) -> None:
    write_office(simulate(1, size=100), workspace.tables, tmp_path, seed=1)
    office = read_office(tmp_path)
    assert (tmp_path / "truth.csv").is_file()
    assert not any("truth" in f for b in office.bindings.values() for f in b.files)
    planted = {"mechanism", "explanation", "rule_hits"}
    assert not planted & {c for t in workspace.tables.values() for c in t.columns}


def test_what_was_written_after_the_check_tells_what_it_found_and_reaches_no_feature(world: World, workspace: Workspace) -> None:
    found = {r["case_person"]: r["outcome"] == "confirmed" for r in world.tables["non_prosecution_verdicts"] if "confirmed" in r["outcome"]}
    grade = {r["case_person"]: r["tracking_grade"] for r in world.tables["non_prosecutions"]}
    noted = {r["case_person"] for r in world.tables["tracking_entries"]}
    for gives_away in (lambda u: grade[u] >= 4, lambda u: u in noted):
        assert sum(gives_away(u) == confirmed for u, confirmed in found.items()) > 0.95 * len(found) > 1000
    definition = workspace.model(NAME).definition
    read = {getattr(node, "name", "") for _, value in definition.full_question.values for node in walk(value)}
    assert "advice" in read and "tracking_grade" not in read
    assert "tracking_entries" not in definition.tables


def test_a_definition_that_uses_it_all_the_same_is_stopped_by_the_leak_alarm(tmp_path: Path) -> None:
    workspace = changed(tmp_path, "category(NonProsecutions.advice)", "NonProsecutions.tracking_grade")
    made = simulate(1, size=800)
    write_office(made, workspace.tables, tmp_path / "office", seed=1)
    store = Store(read_office(tmp_path / "office"), workspace.tables)
    for table in store.office.bindings:
        import_table(store, table, received=made.last)
    model = workspace.model(NAME)
    training = Training(NAME, model.definition, model.training, model.serving.capacity, store, until=made.last, trials=0, threads=1)
    with pytest.raises(CheckFailed) as caught:
        training.run()
    assert caught.value.code == "JC4003"
