"""The office of the filling stations: what is planted in it, and what of that no definition can reach."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from jcml.errors import ConfigurationError
from jcml.query import walk
from jcml.simulation.refined_oil_tax import (
    CHECK_LOWERED,
    COUNTS_FROM,
    EXPLANATIONS,
    MECHANISMS,
    RECEIPTS_FROM,
    WAYBILLS_FROM,
    invoice_check,
    lists,
    simulate,
)
from jcml.simulation.world import World
from jcml.simulation.writing import write_office
from jcml.tables.office import read_office
from jcml.workspace.scaffold import shipped
from jcml.workspace.workspace import Workspace

NAME = "refined_oil_tax"
SEEDS = (1, 2, 3)


@cache
def city(seed: int) -> World:
    return simulate(seed, size=300)


@pytest.fixture(scope="module")
def world() -> World:
    return city(1)


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(shipped())


def test_equal_seeds_give_equal_files(tmp_path: Path, workspace: Workspace) -> None:
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        write_office(simulate(seed, size=12), workspace.tables, tmp_path / name, seed=seed)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(files) > 18
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert (tmp_path / "one/truth.csv").read_bytes() != (tmp_path / "three/truth.csv").read_bytes()


def test_every_mechanism_occurs_and_so_does_every_lawful_explanation(world: World) -> None:
    positive = Counter(r["mechanism"] for r in world.truth if r["outcome"])
    negative = Counter(r["explanation"] for r in world.truth if not r["outcome"])
    assert set(positive) == set(MECHANISMS) and min(positive.values()) >= 15
    assert set(EXPLANATIONS) <= set(negative) and min(negative[e] for e in EXPLANATIONS) >= 15
    assert max(positive.values()) < 0.5 * sum(positive.values())


def test_stations_with_a_lawful_explanation_outnumber_those_that_kept_something_out_of_the_books(world: World) -> None:
    lawful = [r for r in world.truth if not r["outcome"] and r["explanation"] in EXPLANATIONS]
    assert len(lawful) > sum(r["outcome"] for r in world.truth)
    assert sum(r["rule_hits"] > 0 for r in lawful) > sum(r["outcome"] and r["rule_hits"] > 0 for r in world.truth)


def test_no_rule_sees_some_of_the_mechanisms(world: World) -> None:
    hit: dict[str, list[bool]] = defaultdict(list)
    for row in world.truth:
        hit[row["mechanism"]].append(row["rule_hits"] > 0)
    unseen = [m for m in MECHANISMS if sum(hit[m]) < 0.5 * len(hit[m])]
    assert 2 <= len(unseen) < len(MECHANISMS)


@pytest.mark.parametrize("seed", SEEDS)
def test_about_one_in_twelve_is_positive_and_one_in_seven_is_reviewed(seed: int) -> None:
    world = city(seed)
    assert 0.05 < sum(r["outcome"] for r in world.truth) / len(world.truth) < 0.12
    old = {(r["unit"], r["as_of"]) for r in world.truth if r["as_of"].year < 2025}
    reviewed = {(r["station"], r["reviewed_as_of"]) for r in world.tables["station_verdicts"]}
    assert 0.10 < len(old & reviewed) / len(old) < 0.20


def test_a_station_that_was_confirmed_pays_and_stops(world: World) -> None:
    confirmed: dict[str, date] = {}
    for row in sorted(world.tables["station_verdicts"], key=lambda r: r["reviewed_as_of"]):
        if row["outcome"] == "confirmed":
            confirmed.setdefault(row["station"], row["decided_on"])
    later = [r["outcome"] for r in world.truth if r["unit"] in confirmed and r["as_of"] > confirmed[r["unit"]]]
    assert len(later) > 100 and not any(later)


def test_a_campaign_looks_at_more_than_other_quarters_do() -> None:
    counts: Counter[date] = Counter()
    for seed in SEEDS:
        counts += Counter(r["reviewed_as_of"] for r in city(seed).tables["station_verdicts"])
    quarters = [day for day in lists() if day.year < 2025]
    assert counts[date(2023, 8, 16)] > 1.3 * sum(counts[d] for d in quarters) / len(quarters)


def test_three_sources_start_late_and_pumps_were_connected_over_years(world: World) -> None:
    begin = {"fuel_waybills": ("loaded_on", WAYBILLS_FROM), "merchant_receipts": ("month_end", RECEIPTS_FROM), "forecourt_counts": ("month_end", COUNTS_FROM)}
    for table, (column, first) in begin.items():
        assert min(r[column] for r in world.tables[table]) >= first
    first_read: dict[str, date] = {}
    for row in world.tables["pump_readings"]:
        first_read[row["station"]] = min(row["read_on"], first_read.get(row["station"], row["read_on"]))
    share = sum(day < date(2019, 12, 1) for day in first_read.values()) / len(first_read)
    assert 0.2 < share < 0.5


def test_invoices_that_are_passed_on_follow_the_amount_that_is_checked() -> None:
    counts: Counter[tuple[int, bool, bool]] = Counter()
    for world in map(city, SEEDS):
        vehicles = {r["owner"] for r in world.tables["freight_vehicles"]}
        for row in world.tables["sales_invoices"]:
            for check in (50_000, 100_000):
                if row["buyer"] not in vehicles and 0.85 * check <= row["amount"] < 1.15 * check:
                    counts[check, row["issued_on"] >= CHECK_LOWERED, row["amount"] < check] += 1

    def bunching(check: int, lowered: bool) -> float:
        return counts[check, lowered, True] / counts[check, lowered, False]

    assert invoice_check(date(2022, 1, 1)) == 100_000 and invoice_check(date(2023, 1, 1)) == 50_000
    assert bunching(50_000, True) > 1.2 * bunching(50_000, False)
    assert bunching(100_000, False) > 1.2 * bunching(100_000, True)


@pytest.mark.parametrize("column", ["legal_person_origin", "legal_person_sex"])
def test_a_protected_column_is_delivered_and_no_feature_may_use_it(world: World, tmp_path: Path, column: str) -> None:
    assert all(r[column] for r in world.tables["enterprises"])
    for kind in ("features", "training", "serving"):
        shutil.copytree(shipped() / kind, tmp_path / kind, ignore=shutil.ignore_patterns("__pycache__"))
    definition = tmp_path / "features" / f"{NAME}.py"
    text = definition.read_text(encoding="utf-8")
    changed = text.replace("shared(Enterprises.phone)", f"shared(Enterprises.{column})")
    assert changed != text
    definition.write_text(changed, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        Workspace(tmp_path).model(NAME)
    assert caught.value.code == "JC3010" and column in caught.value.text("en")


def test_origin_weighs_on_who_is_reviewed_and_not_on_the_truth() -> None:
    reviewed: Counter[tuple[bool, bool]] = Counter()
    stations: Counter[tuple[bool, bool]] = Counter()
    for seed in SEEDS:
        world = city(seed)
        outside = {r["enterprise"] for r in world.tables["enterprises"] if r["legal_person_origin"] == "外市"}
        away = {r["station"]: r["taxpayer"] in outside for r in world.tables["stations"]}
        seen = {(r["station"], r["reviewed_as_of"]) for r in world.tables["station_verdicts"] if r["channel"] != "audit"}
        positive = {r["unit"] for r in world.truth if r["outcome"]}
        for row in world.truth:
            reviewed[away[row["unit"]], (row["unit"], row["as_of"]) in seen] += 1
        for station, is_away in away.items():
            stations[is_away, station in positive] += 1

    def gap(counts: Counter[tuple[bool, bool]]) -> float:
        shares = [counts[group, True] / (counts[group, True] + counts[group, False]) for group in (True, False)]
        return shares[0] - shares[1]

    assert gap(reviewed) > 0.01 and abs(gap(stations)) < 0.06


def test_no_contract_binds_the_truth(tmp_path: Path, workspace: Workspace) -> None:
    write_office(simulate(1, size=10), workspace.tables, tmp_path, seed=1)
    office = read_office(tmp_path)
    assert (tmp_path / "truth.csv").is_file()
    assert not any("truth" in f for b in office.bindings.values() for f in b.files)
    planted = {"mechanism", "explanation", "rule_hits"}
    assert not planted & {c for t in workspace.tables.values() for c in t.columns}


def test_what_was_written_after_the_check_tells_the_truth_and_reaches_no_feature(world: World, workspace: Workspace) -> None:
    grade = {r["station"]: r["risk_grade"] for r in world.tables["stations"]}
    noted = {r["station"] for r in world.tables["inspection_entries"]}
    ever = {r["unit"] for r in world.truth if r["outcome"]}
    for gives_away in (lambda s: grade[s] >= 4, lambda s: s in noted):
        assert sum(gives_away(s) == (s in ever) for s in grade) > 0.93 * len(grade)
    definition = workspace.model(NAME).definition
    read = {getattr(node, "name", "") for _, value in definition.full_question.values for node in walk(value)}
    assert "tank_volume" in read and "risk_grade" not in read
    assert "inspection_entries" not in definition.tables
