"""The kernel of the simulations: identities, lags, reviewers, files, and what the import makes of each defect."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from jcml.simulation import defects
from jcml.simulation.defects import DEFECTS, Damage, damage
from jcml.simulation.identities import DISTRICTS, Identities
from jcml.simulation.reviewers import Candidate, Practice, decide, review, select
from jcml.simulation.world import Delivery, File, World, batch_day, known_after, together
from jcml.simulation.writing import Written, write_office
from jcml.tables import Column, EntityTable, EventTable, boolean, code, decimal, moment, money, text
from jcml.tables import date as day
from jcml.tables.cleaning import join_key
from jcml.tables.identifiers import IDENTIFIERS
from jcml.tables.importing import import_table, refused_rows
from jcml.tables.office import read_office
from jcml.tables.quality import source_quality
from jcml.tables.store import Store

STATUS = code(open=("营业", "open"), shut=("停业", "shut"))


class Slips(EventTable):
    """Events of every type a defect may strike."""

    slip_no = Column(text, "单号", "Slip", role="row id")
    firm = Column(text, "企业", "Firm", entity="enterprise", identifier="uscc")
    person = Column(text, "身份证号", "Person", entity="person", identifier="resident_id")
    person_name = Column(text, "姓名", "Name", role="name", sensitivity="personal")
    phone = Column(text, "电话", "Phone", entity="phone", identifier="mobile")
    address = Column(text, "地址", "Address", entity="address")
    status = Column(STATUS, "状态", "Status", required=True)
    amount = Column(money, "金额", "Amount")
    litres = Column(decimal(3), "数量", "Litres", unit=("升", "l"), at_least=-100_000, at_most=100_000)
    checked = Column(boolean, "已核", "Checked")
    seen_at = Column(moment, "时刻", "Seen at")
    cancels = Column(text, "对应单号", "Cancels", role="reverses")
    entered_on = Column(day, "日期", "Entered on", role="happened on")
    received_on = Column(day, "入库日期", "Received on", role="known on")


class Firms(EntityTable):
    """A register whose rows may be doubled."""

    record = Column(text, "记录号", "Record", role="row id")
    firm = Column(text, "企业", "Firm", role="key", entity="enterprise", identifier="uscc")
    phone = Column(text, "电话", "Phone", entity="phone", identifier="mobile")
    received_on = Column(day, "入库日期", "Received on", role="known on")


CONTRACTS: dict[str, Any] = {"slips": Slips, "firms": Firms}
NONE = dict.fromkeys(DEFECTS, 0.0)


def slips(count: int = 400) -> list[dict[str, Any]]:
    random, invent = Random(5), Identities(Random(6))
    firms = [invent.uscc() for _ in range(60)]
    rows = []
    for number in range(count):
        entered = date(2024, 1, 1) + timedelta(days=random.randrange(300))
        rows.append({
            "slip_no": f"P-{number:05d}", "firm": random.choice(firms), "person": invent.resident_id(date(1980, 1, 1) + timedelta(days=number)),
            "person_name": invent.person_name(), "phone": invent.mobile(), "address": invent.address(random.choice(DISTRICTS)),
            "status": random.choice(("open", "shut")), "amount": random.randrange(2_000_000, 9_000_000) / 100, "litres": random.randrange(1_000, 40_000),
            "checked": random.random() < 0.5, "seen_at": datetime(2024, 1, 1, 12) + timedelta(hours=number), "cancels": None,
            "entered_on": entered, "received_on": known_after(random, entered, 1, 5, late=0),
        })
    return rows


def registry(count: int = 60) -> list[dict[str, Any]]:
    invent = Identities(Random(8))
    return [{"record": f"R-{i}", "firm": invent.uscc(), "phone": invent.mobile(), "received_on": date(2024, 1, 5)} for i in range(count)]


def deliver(folder: Path, delivery: Delivery, rows: list[dict[str, Any]] | None = None, table: str = "slips") -> tuple[Store, Written]:
    """Write, bind and import one table, damaged as the delivery says."""
    world = World("kernel", {table: rows if rows is not None else slips()}, [], date(2024, 1, 1), date(2024, 12, 31), {table: delivery})
    written = write_office(world, CONTRACTS, folder, seed=11)
    store = Store(read_office(folder), CONTRACTS)
    for done in import_table(store, table, received=date(2025, 6, 30)):
        assert done.batch.read == done.batch.kept + done.batch.quarantined
    return store, written


def only(defect: str, rate: float, **more: Any) -> Delivery:
    return Delivery(rates={**NONE, defect: rate}, **more)


def merged(store: Store, table: str = "slips") -> dict[str, dict[str, Any]]:
    import pyarrow.parquet as pq

    found = store.merged(table)
    assert found is not None
    return {row["_row"]: row for row in pq.read_table(found[0]).to_pylist()}


def warnings(store: Store, table: str = "slips") -> Counter[str]:
    return sum((Counter(b.warnings) for b in store.batches(table)), Counter())


def findings(store: Store, table: str = "slips") -> set[str]:
    return {f.code for f in source_quality(store, table).findings}


# -- identities ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "draw"),
    [
        ("uscc", lambda i: i.uscc(DISTRICTS[2])), ("resident_id", lambda i: i.resident_id(date(1980, 2, 29))), ("mobile", lambda i: i.mobile()),
        ("plate", lambda i: i.plate()), ("plate", lambda i: i.plate(lorry=True)), ("bank_card", lambda i: i.bank_card()),
        ("case_number", lambda i: i.case_number(2023, "执恢")), ("penalty_doc_no", lambda i: i.penalty_no(2023)),
    ],
)
def test_identities_keep_their_check_digits_and_never_repeat(kind: str, draw: Any) -> None:
    invent = Identities(Random(1))
    drawn = [draw(invent) for _ in range(500)]
    assert all(IDENTIFIERS[kind].valid(IDENTIFIERS[kind].normalise(n)) for n in drawn)
    assert len(set(drawn)) == 500


def test_no_identity_can_belong_to_anybody() -> None:
    invent = Identities(Random(2))
    assert {invent.resident_id()[:2] for _ in range(50)} == {"99"}
    assert {invent.uscc()[2:4] for _ in range(50)} == {"99"}
    assert {invent.mobile()[:3] for _ in range(50)} == {"154"}
    assert {invent.plate()[:2] for _ in range(50)} <= {"宁X", "宁Y", "宁Z"}
    assert {invent.company("贸易")[:3] for _ in range(50)} == {"示例市"}


def test_company_names_do_not_run_out() -> None:
    invent = Identities(Random(3))
    names = [invent.company("石油销售") for _ in range(3000)]
    assert len(set(names)) == 3000


# -- time ------------------------------------------------------------------------------------------------------------


def test_a_lag_has_a_late_tail_of_the_stated_share() -> None:
    random = Random(4)
    lags = [(known_after(random, date(2024, 1, 1), 2, 10, late=0.1, latest=120) - date(2024, 1, 1)).days for _ in range(5000)]
    assert min(lags) >= 2 and max(lags) <= 130
    assert 0.07 < sum(lag > 10 for lag in lags) / 5000 < 0.11


def test_a_batch_comes_after_its_period_has_ended() -> None:
    for month in range(1, 13):
        assert batch_day(date(2024, month, 15), 3, 20) >= date(2024, month, 15) + timedelta(days=30)


# -- reviewers -----------------------------------------------------------------------------------------------------------


def candidates(count: int = 6000) -> list[Candidate]:
    random = Random(9)
    rows = []
    for number in range(count):
        truth = random.random() < 0.08
        rows.append(Candidate(
            f"S-{number}", date(2022 + number % 3, 2, 15), truth, rule_hits=int(random.random() < (0.6 if truth else 0.1)),
            amount=random.lognormvariate(11, 1), district=random.choice("甲乙丙"), severity=random.gauss(1.0 if truth else 0.0, 1),
            complaint=random.random() < 0.05, flaw="data_error" if not truth and random.random() < 0.05 else "",
        ))
    return rows


def test_reviewers_look_at_about_the_share_they_can() -> None:
    rows = candidates()
    chosen = select(rows, Practice(share=0.12, audit=0.03), Random(1))
    assert 0.12 < len(chosen) / len(rows) < 0.18
    assert 0.02 < sum(c == "audit" for _, c in chosen) / len(rows) < 0.04


def test_what_reviewers_chose_is_biased_and_the_audit_is_not() -> None:
    rows = candidates(20_000)
    chosen = select(rows, Practice(share=0.1, audit=0.05), Random(1))
    audit = [c.truth for c, channel in chosen if channel == "audit"]
    rest = [c for c, channel in chosen if channel != "audit"]
    assert abs(sum(audit) / len(audit) - 0.08) < 0.025
    assert sum(c.truth for c in rest) / len(rest) > 0.15
    innocent = [c.severity for c in rest if not c.truth]
    assert sum(innocent) / len(innocent) > 0.2  # the factor that no table shows


def test_a_campaign_raises_the_reviewed_share_of_its_date() -> None:
    rows = candidates()
    chosen = select(rows, Practice(campaigns={date(2023, 2, 15): 1.5}), Random(1))
    by_date = Counter(c.as_of for c, _ in chosen)
    assert by_date[date(2023, 2, 15)] > 1.7 * by_date[date(2022, 2, 15)]
    assert any(channel == "campaign" for _, channel in chosen)


def test_a_district_reviews_no_more_than_it_can() -> None:
    chosen = select(candidates(), Practice(share=0.3, audit=0.0, capacity=20), Random(1))
    assert max(Counter((c.district, c.as_of) for c, _ in chosen).values()) <= 20


def test_decisions_come_late_and_some_not_at_all() -> None:
    found = review(candidates(), Practice(), Random(1), unit="station", until=date(2024, 6, 30))
    delays = [(r["decided_on"] - r["reviewed_as_of"]).days for r in found]
    assert min(delays) >= 30 and max(delays) <= 540 and max(r["received_on"] for r in found) <= date(2024, 6, 30)
    everything = review(candidates(), Practice(), Random(1), unit="station", until=date(2030, 1, 1))
    assert len(found) < len(everything)


def test_a_few_decisions_are_wrong_and_flaws_are_told_apart() -> None:
    truth = {(c.unit, c.as_of): c for c in candidates(20_000)}
    found = review(list(truth.values()), Practice(noise=0.04), Random(1), unit="station", until=date(2030, 1, 1))
    clear = [r for r in found if r["outcome"] in ("confirmed", "not_confirmed")]
    wrong = sum((r["outcome"] == "confirmed") != truth[r["station"], r["reviewed_as_of"]].truth for r in clear)
    assert 0.02 < wrong / len(clear) < 0.06
    flawed = [r for r in found if r["outcome"] == "data_error"]
    assert flawed and all(truth[r["station"], r["reviewed_as_of"]].flaw == "data_error" for r in flawed)
    assert all((r["reason"] is None) == (r["outcome"] == "confirmed") for r in found)


def test_simulated_reviewers_decide_on_clues_that_are_given_to_them() -> None:
    given = [(c, "ranked") for c in candidates(40)]
    found = decide(given, Practice(noise=0, returned=0), Random(1), unit="station", until=date(2030, 1, 1))
    assert {r["channel"] for r in found} == {"ranked"} and len(found) == 40
    assert all((r["outcome"] == "confirmed") == c.truth for r, (c, _) in zip(found, given, strict=True) if not c.flaw)


# -- files -----------------------------------------------------------------------------------------------------------


def test_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    delivery = Delivery(files=(File("a", kind="xlsx", holds=lambda r: r["status"] == "open"), File("b", kind="gbk", dates="chinese")))
    world = World("kernel", {"slips": slips()}, [{"unit": "P", "outcome": True}], date(2024, 1, 1), date(2024, 12, 31), {"slips": delivery})
    for name in ("one", "two"):
        write_office(world, CONTRACTS, tmp_path / name, seed=3)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.*") if p.is_file())
    assert len(files) == 4
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    write_office(world, CONTRACTS, tmp_path / "three", seed=4)
    assert (tmp_path / "one/data/b.csv").read_bytes() != (tmp_path / "three/data/b.csv").read_bytes()


@pytest.mark.parametrize("dates", ["iso", "slash", "dots", "compact", "chinese"])
@pytest.mark.parametrize("kind", ["utf-8", "gbk", "xlsx"])
def test_whatever_the_file_looks_like_the_import_reads_the_same(tmp_path: Path, kind: Any, dates: Any) -> None:
    rows = slips(60)
    files = (File("old", kind=kind, dates=dates, headers={"amount": "金额（万元）", "entered_on": "发生日"}, holds=lambda r: r["entered_on"] < date(2024, 6, 1)), File("new"))
    store, _ = deliver(tmp_path, Delivery(files=files, units={"amount": "万元"}, rates=NONE), rows)
    found = merged(store)
    assert len(found) == 60
    for row in rows:
        made = found[row["slip_no"]]
        assert made["amount"] == round(row["amount"] * 100) and made["litres"] == row["litres"] * 1000
        assert made["entered_on"] == row["entered_on"] and made["checked"] == row["checked"] and made["status"] == row["status"]
        assert datetime(1970, 1, 1, 8) + timedelta(microseconds=made["seen_at"]) == row["seen_at"]


def test_the_truth_lies_beside_the_office_and_no_table_binds_it(tmp_path: Path) -> None:
    truth = [{"unit": "P-1", "as_of": date(2024, 2, 15), "outcome": True, "mechanism": "under_declared"}]
    world = World("kernel", {"slips": slips(5)}, truth, date(2024, 1, 1), date(2024, 12, 31))
    write_office(world, CONTRACTS, tmp_path, seed=1)
    with (tmp_path / "truth.csv").open(encoding="utf-8") as stream:
        assert list(csv.DictReader(stream)) == [{"unit": "P-1", "as_of": "2024-02-15", "outcome": "1", "mechanism": "under_declared"}]
    office = read_office(tmp_path)
    assert office.synthetic and not any("truth" in f for b in office.bindings.values() for f in b.files)


def test_a_column_that_the_contract_does_not_have_is_refused(tmp_path: Path) -> None:
    world = World("kernel", {"slips": [{"slip_no": "1", "volume": 2}]}, [], date(2024, 1, 1), date(2024, 12, 31))
    with pytest.raises(ValueError, match="volume"):
        write_office(world, CONTRACTS, tmp_path, seed=1)


def test_two_worlds_make_one_office_unless_they_fill_the_same_table() -> None:
    one = World("a", {"slips": []}, [{"unit": "1"}], date(2021, 1, 1), date(2024, 12, 31))
    other = World("b", {"firms": []}, [{"unit": "2"}], date(2020, 1, 1), date(2025, 12, 31))
    both = together("both", one, other)
    assert [r["model"] for r in both.truth] == ["a", "b"] and both.last == date(2025, 12, 31)
    with pytest.raises(ValueError, match="slips"):
        together("twice", one, one)


# -- defects, each through the import --------------------------------------------------------------------------------------


def test_d01_a_missing_value_becomes_unknown_and_is_counted(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D01", 0.3))
    found = merged(store)
    assert len(written.damages) > 80
    for done in written.damages:
        assert found[done.row][done.column] is None
    placeholders = sum(d.after not in ("",) for d in written.damages)
    counted = sum(n for name, n in warnings(store).items() if "placeholder" in name)
    assert counted == placeholders > 20


def test_d01_a_required_value_that_is_missing_sends_the_row_to_quarantine(tmp_path: Path) -> None:
    rows = slips(100)
    rows[7]["status"] = None
    store, _ = deliver(tmp_path, Delivery(rates=NONE), rows)
    assert [(r["column"], r["problem"]) for r in refused_rows(store, "slips")] == [("status", "missing")]


def test_d02_typing_is_normalised_and_a_wrong_digit_is_warned_never_mended(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D02", 0.5))
    found, secret = merged(store), store.vault
    wrong = 0
    for done in written.damages:
        row, column = found[done.row], Slips.columns[done.column]
        identifier = IDENTIFIERS[column.identifier]
        stood = secret.reveal(column.entity, [row[done.column]])[row[done.column]]
        assert stood == identifier.normalise(done.after)
        assert row[done.column + "__valid"] == (stood == done.before or identifier.valid(stood))
        wrong += stood != done.before
    assert 10 < wrong < len(written.damages) - 10
    assert sum(n for name, n in warnings(store).items() if name.endswith("bad_check_digit")) > 5


def test_d03_a_name_variant_is_kept_and_joins_nothing(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D03", 0.3))
    found = merged(store)
    assert len(found) == 400 and len(written.damages) > 60
    assert all(found[d.row]["person_name"] == " ".join(d.after.split()) for d in written.damages)


def test_d04_the_same_row_again_is_one_row_and_the_same_fact_under_a_new_number_is_pointed_at(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D04", 0.2))
    again = [d for d in written.damages if d.after == d.row]
    renumbered = [d for d in written.damages if d.after != d.row]
    assert len(again) > 20 and len(renumbered) > 20
    assert len(merged(store)) == 400 + len(renumbered)
    assert "same_fact_twice" in findings(store)


def test_d05_an_impossible_quantity_is_refused_and_an_odd_amount_is_pointed_at(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, Delivery(rates={**NONE, "D05": 0.05}))
    refused = {r["row"]: r["problem"] for r in refused_rows(store, "slips")}
    too_large = [d for d in written.damages if d.column == "litres" and d.after > 100_000]
    assert len(refused) == len(too_large) > 0 and set(refused.values()) == {"out_of_bounds"}
    assert "odd_unit" in findings(store)


def test_d06_late_rows_are_measured_and_known_late(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D06", 0.1))
    found = merged(store)
    assert all(found[d.row]["received_on"] == d.after for d in written.damages)
    assert "late" in findings(store)


def test_d07_an_old_label_is_mapped_and_an_unmapped_one_refused(tmp_path: Path) -> None:
    delivery = only("D07", 0.3, codes={"status": {"在营": "open", "歇业": "shut"}})
    store, written = deliver(tmp_path / "mapped", delivery)
    found = merged(store)
    assert len(written.damages) > 80 and all(found[d.row]["status"] == d.before for d in written.damages)
    rows = slips(100)
    rows[3]["status"] = "在营"
    bare, _ = deliver(tmp_path / "bare", Delivery(rates=NONE), rows)
    assert [r["problem"] for r in refused_rows(bare, "slips")] == ["unknown_code"]


def test_d08_a_short_address_is_kept_as_another_key(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D08", 0.3))
    found = merged(store)
    shown = [store.vault.reveal("address", [found[d.row]["address"]]) for d in written.damages]
    assert len(shown) > 80 and all(join_key(d.after) in s.values() for d, s in zip(written.damages, shown, strict=True))


def test_d09_an_agents_phone_is_pointed_at(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D09", 0.3), slips(1200))
    assert len({d.after for d in written.damages}) <= 3
    assert "hub_value" in findings(store)


def test_d10_a_second_licence_is_another_entity_with_the_same_phone(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D10", 0.2), registry(), "firms")
    found = merged(store, "firms")
    assert len(written.damages) > 4 and len(found) == 60 + len(written.damages)
    for done in written.damages:
        first, second = found[done.row], found[done.after]
        assert first["firm"] != second["firm"] and first["phone"] == second["phone"] and second["firm__valid"]


def test_d11_a_masked_key_is_unknown_and_never_joined(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D11", 0.3))
    found = merged(store)
    keys = [d for d in written.damages if d.column != "person_name"]
    assert len(keys) > 40 and all(found[d.row][d.column] is None for d in keys)
    assert sum(n for name, n in warnings(store).items() if name.endswith("masked")) == len(keys)
    assert "masked" in findings(store)


def test_d12_a_month_that_was_not_delivered_is_declared_and_seen(tmp_path: Path) -> None:
    gap = (date(2024, 4, 1), date(2024, 4, 30))
    store, written = deliver(tmp_path, Delivery(rates=NONE, missing=(gap,)))
    assert len(written.damages) > 20 and store.facts("slips").holes == (gap,)
    assert not [r for r in merged(store).values() if gap[0] <= r["entered_on"] <= gap[1]]
    assert "missing_month" in findings(store)


def test_d12_batches_with_other_columns_are_pointed_at(tmp_path: Path) -> None:
    early = File("early", without=("phone",), holds=lambda r: r["entered_on"] < date(2024, 6, 1))
    store, _ = deliver(tmp_path, Delivery(files=(early, File("late")), rates=NONE))
    assert "schema_changed" in findings(store)


def test_d13_a_wrong_clock_moves_the_moment_and_nothing_else(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D13", 0.2))
    found = merged(store)
    assert len(written.damages) > 40 and len(found) == 400
    for done in written.damages:
        assert datetime(1970, 1, 1, 8) + timedelta(microseconds=found[done.row]["seen_at"]) == done.after
        assert abs(done.after - done.before) <= timedelta(hours=8)


def test_d14_a_red_entry_takes_the_first_one_back_and_the_sum_stays(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D14", 0.1))
    found = merged(store)
    assert len(written.damages) > 20 and len(found) == 400 + len(written.damages)
    current = [r for r in found.values() if r["_superseded"] > 4e18 or r["_superseded"] == max(x["_superseded"] for x in found.values())]
    assert len(current) == 400
    assert sum(r["amount"] for r in current) == sum(round(r["amount"] * 100) for r in slips())
    for done in written.damages:
        assert found[done.row]["_superseded"] < found[done.after]["_known"]


def test_d15_an_amount_in_words_is_read_and_warned(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D15", 0.2))
    found = merged(store)
    assert len(written.damages) > 40
    for done in written.damages:
        assert abs(found[done.row]["amount"] / 100 - done.before) <= 10_000 and found[done.row]["amount"] % 1_000_000 == 0
    assert warnings(store)["amount: approximate"] == len(written.damages)


def test_d16_one_name_for_two_people_does_not_join_them(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D16", 0.2))
    found = merged(store)
    people = {(r["person_name"], r["person"]) for r in found.values()}
    assert len(written.damages) > 40 and len({p for _, p in people}) == 400 > len({n for n, _ in people})


def test_d17_test_rows_go_to_quarantine(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D17", 0.02))
    refused = refused_rows(store, "slips")
    assert len(refused) == len(written.damages) > 3
    assert {r["problem"] for r in refused} == {"test_row"} and len(merged(store)) == 400


def test_d18_damaged_text_is_refused_and_never_guessed(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, only("D18", 0.03))
    refused = {json.loads(r["raw"])["单号"]: r["problem"] for r in refused_rows(store, "slips")}
    assert set(refused) == {d.row for d in written.damages} and len(refused) > 4
    assert set(refused.values()) == {"encoding_damage"}


def test_every_defect_has_a_rate_and_all_together_stay_under_the_limit(tmp_path: Path) -> None:
    store, written = deliver(tmp_path, Delivery(codes={"status": {"在营": "open"}}, rates={"D15": 0.1}), slips(2000))
    assert {d.defect for d in written.damages} == set(DEFECTS) - {"D10", "D12"}
    (batch,) = store.batches("slips")
    assert 0 < batch.quarantined < 0.02 * batch.read


def test_the_rows_of_the_world_are_never_changed() -> None:
    rows = slips(200)
    before = [dict(r) for r in rows]
    _, done = damage(rows, Slips, Delivery(), Random(1))
    assert done and rows == before


def test_a_rate_of_one_strikes_every_row() -> None:
    rows = slips(50)
    done: list[Damage] = defects.record_late(rows, Slips, Random(1), 1.0)
    assert len(done) == 50
