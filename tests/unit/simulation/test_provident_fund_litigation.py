"""The office of the provident fund: what is planted in it, and what of that no definition can reach."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from jcml.errors import CheckFailed, ConfigurationError
from jcml.query import walk
from jcml.simulation.provident_fund_litigation import INTERFACE, MEDIATIONS_FROM, simulate
from jcml.simulation.provident_fund_stories import KINDS, RULES_KNOWN
from jcml.simulation.world import World
from jcml.simulation.writing import write_office
from jcml.tables.importing import import_table
from jcml.tables.office import read_office
from jcml.tables.store import Store
from jcml.training.train import Training
from jcml.workspace.scaffold import shipped
from jcml.workspace.workspace import Workspace

NAME = "provident_fund_litigation"
SHAM = {k.name for k in KINDS if k.sham}


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


def test_every_kind_of_story_occurs_and_true_debts_that_look_alike_outnumber_the_others(world: World) -> None:
    kinds = Counter(r["mechanism"] for r in world.truth)
    assert set(kinds) == {k.name for k in KINDS} and min(kinds.values()) >= 100
    assert all(r["outcome"] == (r["mechanism"] in SHAM) for r in world.truth)
    alike = sum(n for kind, n in kinds.items() if kind not in SHAM | {"other"})
    assert alike >= sum(kinds[k] for k in SHAM)


def test_true_debts_hit_the_rules_as_well(world: World) -> None:
    """A round of all deductions: those with nothing left on the account, by whether the debt was made up."""
    sham = {r["unit"]: r["outcome"] for r in world.truth}
    emptied: defaultdict[bool, list[bool]] = defaultdict(list)
    for row in world.tables["fund_deductions"]:
        if row["deduction"] in sham:
            emptied[sham[row["deduction"]]].append(row["amount"] >= 0.95 * (row["amount"] + row["balance_after"]))
    assert sum(emptied[False]) > sum(emptied[True]) > 100


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_about_one_in_five_is_made_up_and_three_in_ten_are_reviewed(seed: int) -> None:
    world = city(seed)
    assert 0.16 < sum(r["outcome"] for r in world.truth) / len(world.truth) < 0.24
    # two years later whoever was looked at has been decided on
    old = {r["unit"] for r in world.truth if r["as_of"] < date(2024, 6, 1)}
    reviewed = {r["deduction"] for r in world.tables["deduction_verdicts"]}
    assert 0.22 < len(old & reviewed) / len(old) < 0.34
    assert {r["channel"] for r in world.tables["deduction_verdicts"]} >= {"rules", "complaint", "audit"}


def test_once_the_rules_are_known_more_made_up_debts_leave_something_on_the_account(world: World) -> None:
    sham = {r["unit"] for r in world.truth if r["outcome"]}
    left: defaultdict[bool, list[bool]] = defaultdict(list)
    for row in world.tables["fund_deductions"]:
        if row["deduction"] in sham:
            share = row["amount"] / (row["amount"] + row["balance_after"])
            left[row["deducted_on"] >= RULES_KNOWN].append(0.86 <= share < 0.95)
    assert sum(left[True]) / len(left[True]) > 0.1 + sum(left[False]) / len(left[False])


def test_a_source_starts_late_and_old_deductions_came_in_one_batch_a_year(world: World) -> None:
    assert min(r["agreed_on"] for r in world.tables["people_mediations"]) >= MEDIATIONS_FROM
    known = {r["received_on"] for r in world.tables["fund_deductions"] if r["deducted_on"] < INTERFACE and not r.get("reverses")}
    assert {date(2020, 1, 18), date(2021, 1, 18)} <= known


@pytest.mark.parametrize("column", ["sex", "domicile", "marital"])
def test_a_protected_column_is_delivered_and_no_feature_may_use_it(world: World, tmp_path: Path, column: str) -> None:
    assert all(r[column] for r in world.tables["fund_accounts"])
    workspace = changed(tmp_path, "shared(FundAccounts.phone)", f"shared(FundAccounts.{column})")
    with pytest.raises(ConfigurationError) as caught:
        workspace.model(NAME)
    assert caught.value.code == "JC3010" and column in caught.value.text("en")


def test_registration_elsewhere_weighs_on_who_is_reviewed_and_not_on_the_truth() -> None:
    reviewed: Counter[tuple[bool, bool]] = Counter()
    outcomes: Counter[tuple[bool, bool]] = Counter()
    for seed in (1, 2, 3):
        world = city(seed)
        outside = {r["person"] for r in world.tables["fund_accounts"] if r["domicile"] == "外市"}
        debtor = {r["deduction"]: r["person"] in outside for r in world.tables["fund_deductions"]}
        seen = {r["deduction"] for r in world.tables["deduction_verdicts"]}
        for row in world.truth:
            reviewed[debtor[row["unit"]], row["unit"] in seen] += 1
            outcomes[debtor[row["unit"]], row["outcome"]] += 1

    def gap(counts: Counter[tuple[bool, bool]]) -> float:
        shares = [counts[group, True] / (counts[group, True] + counts[group, False]) for group in (True, False)]
        return shares[0] - shares[1]

    assert gap(reviewed) > 0.02 and abs(gap(outcomes)) < 0.02


def test_no_contract_binds_the_truth(tmp_path: Path, workspace: Workspace) -> None:
    write_office(simulate(1, size=100), workspace.tables, tmp_path, seed=1)
    office = read_office(tmp_path)
    assert (tmp_path / "truth.csv").is_file()
    assert not any("truth" in f for b in office.bindings.values() for f in b.files)
    assert "mechanism" not in {c for t in workspace.tables.values() for c in t.columns}


def test_what_was_found_by_checks_tells_the_truth_and_reaches_no_feature(world: World, workspace: Workspace) -> None:
    sham = {r["unit"]: r["outcome"] for r in world.truth}
    graded = [(r["centre_grade"], sham[r["deduction"]]) for r in world.tables["fund_deductions"] if r["deduction"] in sham and r["centre_grade"] != 3]
    assert sum((grade > 3) == made_up for grade, made_up in graded) > 0.9 * len(graded) > 500
    returned = [sham[r["deduction"]] for r in world.tables["return_transfers"]]
    assert sum(returned) > 0.9 * len(returned) > 100
    definition = workspace.model(NAME).definition
    read = {getattr(node, "name", "") for _, value in definition.full_question.values for node in walk(value)}
    assert "amount" in read and "centre_grade" not in read
    assert "return_transfers" not in definition.tables


def test_a_definition_that_uses_it_all_the_same_is_stopped_by_the_leak_alarm(tmp_path: Path) -> None:
    workspace = changed(tmp_path, "shared(FundAccounts.phone)", "FundDeductions.centre_grade")
    made = simulate(1, size=1500)
    write_office(made, workspace.tables, tmp_path / "office", seed=1)
    store = Store(read_office(tmp_path / "office"), workspace.tables)
    for table in store.office.bindings:
        import_table(store, table, received=made.last)
    model = workspace.model(NAME)
    training = Training(NAME, model.definition, model.training, model.serving.capacity, store, until=made.last, trials=0, threads=1)
    with pytest.raises(CheckFailed) as caught:
        training.run()
    assert caught.value.code == "JC4003"
