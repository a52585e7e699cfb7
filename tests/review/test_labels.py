"""Which verdicts become labels, in which order, and what the office's own verdict table gets of them."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from procuratorate import ACCEPTED, TEXT, House, decide, propose

from jcml.errors import ConfigurationError, DataError
from jcml.features import SupervisionModel
from jcml.review import handling
from jcml.review.labels import CHANNELS, OUTCOMES, REASONS, rows
from jcml.review.models import Clue, Verdict
from jcml.review.verdicts import Opinion
from jcml.workspace.scaffold import shipped
from jcml.workspace.workspace import Workspace

EXPLAINED = Opinion("explained", reason_code="time_barred", text=TEXT, worth_checking=False)
UNSURE = Opinion("unsure", missing="缺处罚决定原文")
DUPLICATE = Opinion("duplicate", linked="XS-1")
MERGED = Opinion("data_error", subtype="wrong_merge", wrong_field="当事人")


def later() -> datetime:
    """When nothing can be undone any more."""
    return timezone.now() + handling.BULK_UNDO + timedelta(seconds=1)


def labels(after: int = 0, most: int = 500, now: datetime | None = None) -> list[dict[str, Any]]:
    return rows(Clue.objects.all(), after, most, now or later())


def judge(house: House, clue: Clue, opinion: Opinion, by: str = "li", second: str = "wang") -> Verdict:
    """A verdict that stands, through a second person where the rules ask for one."""
    li, wang = house.person(by, "R"), house.person(second, "C")
    handling.claim(house.act(li), clue.pk)
    made: Verdict = propose(house, li, clue, opinion)
    if made.second:
        decide(house, wang, clue)
    return made


def test_codes_are_those_of_the_verdict_tables() -> None:
    for name in ("station_verdicts", "deduction_verdicts", "non_prosecution_verdicts"):
        columns = Workspace(shipped()).tables[name].columns
        assert set(OUTCOMES) == set(columns["outcome"].type.codes)
        assert set(REASONS) == set(columns["reason"].type.codes)
        assert set(CHANNELS) <= set(columns["channel"].type.codes)


def test_each_kind_gives_its_label_or_none(house: House) -> None:
    accepted, explained, unsure, duplicate, merged, audited = house.clues(6, band="low")
    Clue.objects.filter(pk=audited.pk).update(selected="audit")
    for clue, opinion in ((accepted, ACCEPTED), (explained, EXPLAINED), (unsure, UNSURE), (duplicate, DUPLICATE), (merged, MERGED), (audited, EXPLAINED)):
        judge(house, clue, opinion)
    found = labels()
    assert [(r["clue"], r["outcome"], r["reason"], r["channel"]) for r in found] == [
        (accepted.pk, "confirmed", "", "ranked"), (explained.pk, "not_confirmed", "time_barred", "ranked"),
        (unsure.pk, "returned", "insufficient_evidence", "ranked"), (merged.pk, "identity_mismatch", "identity_mismatch", "ranked"),
        (audited.pk, "not_confirmed", "time_barred", "audit"),
    ]
    first = found[0]
    assert first["unit"] == {"case_person": "subject0"} and first["reviewed_as_of"] == "2025-12-01" and first["version"] == 1 and first["office"] == "990101"
    assert first["feedback"] == {"no_penalty": "true"} and first["worth_checking"] is True and first["decided_on"] == timezone.localdate().isoformat()


def test_what_does_not_stand_is_no_label(house: House) -> None:
    undone, withdrawn, returned, open_one = house.clues(4, band="low")
    li, wang = house.person("li", "R"), house.person("wang", "C")
    for clue in (undone, withdrawn, returned, open_one):
        handling.claim(house.act(li), clue.pk)
        propose(house, li, clue, EXPLAINED if clue is undone else ACCEPTED)
    handling.undo(house.act(li), undone.pk)
    handling.withdraw(house.act(li), withdrawn.pk)
    decide(house, wang, returned, approved=False, text="请补充")
    assert labels() == []


def test_a_verdict_that_waited_for_its_second_person_is_told_after_younger_ones(house: House) -> None:
    waits, stands = house.clues(2, band="low")
    li, wang = house.person("li", "R"), house.person("wang", "C")
    handling.claim(house.act(li), waits.pk)
    older = propose(house, li, waits, ACCEPTED)
    younger = judge(house, stands, EXPLAINED)
    assert older.pk < younger.pk
    (told,) = labels()
    assert told["verdict"] == younger.pk
    decide(house, wang, waits)
    assert [r["verdict"] for r in labels(after=told["cursor"])] == [older.pk]


def test_what_can_still_be_undone_is_not_told_and_holds_back_what_follows(house: House) -> None:
    undoable, approved = house.clues(2, band="low")
    judge(house, undoable, EXPLAINED)
    judge(house, approved, ACCEPTED)
    assert labels(now=timezone.now()) == []
    assert [r["clue"] for r in labels()] == [undoable.pk, approved.pk]


def test_pages_hold_every_row_once(house: House) -> None:
    for clue in house.clues(7, band="low"):
        judge(house, clue, EXPLAINED)
    found: list[dict[str, Any]] = []
    while page := labels(after=found[-1]["cursor"] if found else 0, most=3):
        found += page
    assert len(found) == len({r["cursor"] for r in found}) == 7


def test_only_clues_of_the_reader_are_told(house: House) -> None:
    mine, other = house.clues(1, band="low")[0], house.clues(1, house.second, run="elsewhere", band="low")[0]
    judge(house, mine, EXPLAINED)
    zhou = house.person("zhou", "R", unit=house.second)
    handling.claim(house.act(zhou), other.pk)
    propose(house, zhou, other, EXPLAINED)
    assert [r["clue"] for r in rows(Clue.objects.filter(unit=house.second), now=later())] == [other.pk]


def test_a_later_verdict_stands_beside_the_earlier_one_and_one_that_says_nothing_takes_it_back(house: House) -> None:
    again, doubted = house.clues(2, band="low")
    zhao = house.person("zhao", "L")
    for clue in (again, doubted):
        judge(house, clue, EXPLAINED)
        handling.reopen(house.act(zhao), clue.pk, "有新材料")
    judge(house, again, ACCEPTED)
    judge(house, doubted, DUPLICATE)
    found = [(r["clue"], r["outcome"], r["reason"]) for r in labels()]
    assert found[2:] == [(again.pk, "confirmed", ""), (doubted.pk, "returned", "duplicate")]


# -- into the office's table ----------------------------------------------------------------------------------------------


def office(folder: Path, files: str, more: str = "") -> Any:
    """An office whose vault knows three subjects, in a store of the shipped contracts."""
    from jcml.tables.office import read_office
    from jcml.tables.store import Store

    folder.mkdir()
    (folder / "office.toml").write_text(f'name = "示例"\nsynthetic = true\n[tables.non_prosecution_verdicts]\nfiles = {files}\n{more}', encoding="utf-8")
    store = Store(read_office(folder), Workspace(shipped()).tables)
    store.vault.add("case person", "b1", {f"subject{n}": f"（2025）示检刑不诉{n}号-1" for n in range(3)})
    return store


def export(store: Any, day: date | None = None) -> Any:
    from jcml.cli.verdicts import export_verdicts

    return export_verdicts(store, Workspace(shipped()).model("reverse_penalty_link"), "990101", day)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be undone any more."""
    monkeypatch.setattr("jcml.review.labels.BULK_UNDO", timedelta(seconds=-1))


@pytest.mark.usefixtures("soon")
def test_an_export_adds_only_what_is_new_under_the_offices_own_headers_and_keys(house: House, tmp_path: Path) -> None:
    more = '[tables.non_prosecution_verdicts.columns]\noutcome = "结论"\nreceived_on = { received = true }\n'
    store = office(tmp_path / "office", '["data/verdicts.csv", "data/workbench*.csv"]', more)
    first, second, _ = house.clues(3, band="low")
    judge(house, first, ACCEPTED)
    done = export(store)
    assert (done.new, done.outcomes, done.feedback) == (1, {"confirmed": 1}, 1)
    judge(house, second, EXPLAINED)
    assert (export(store).new, export(store).new) == (1, 0)
    assert done.file == tmp_path / "office" / "data" / "workbench_non_prosecution_verdicts_990101.csv"
    with done.file.open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    assert [(r["人案编号"], r["结论"], r["来源渠道"], r["不成案理由"]) for r in found] == [
        ("（2025）示检刑不诉0号-1", "成案", "模型排序", ""), ("（2025）示检刑不诉1号-1", "不成案", "模型排序", "已过时效"),
    ]
    assert "入库日期" not in found[0]
    assert done.feedback_file.read_text(encoding="utf-8").count("no_penalty") == 1 and "示检刑不诉" not in done.feedback_file.read_text(encoding="utf-8")


@pytest.mark.usefixtures("soon")
def test_an_export_refuses_a_strange_file_an_unknown_unit_and_a_table_without_room_for_it(house: House, tmp_path: Path) -> None:
    clues = house.clues(4, band="low")
    judge(house, clues[0], ACCEPTED)
    with pytest.raises(ConfigurationError, match="JC7302"):
        export(office(tmp_path / "none", '"data/verdicts.csv"'))
    store = office(tmp_path / "office", '"data/*.csv"')
    file = store.office.folder / "data" / "workbench_non_prosecution_verdicts_990101.csv"
    file.parent.mkdir()
    file.write_text("决定编号,人案编号\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="JC7303"):
        export(store)
    file.unlink()
    judge(house, clues[3], EXPLAINED)  # subject3 is unknown to the vault
    with pytest.raises(DataError, match="JC7304"):
        export(store)
    assert not file.exists()


@pytest.mark.usefixtures("soon")
def test_after_the_next_import_the_later_verdict_holds_and_the_earlier_one_is_an_earlier_version(house: House, tmp_path: Path) -> None:
    from jcml.engines.engine import END_OF_TIME
    from jcml.tables.importing import import_table

    store = office(tmp_path / "office", '"data/workbench*.csv"')
    raw = "2025-0009-1"
    (store.vault.folder / "case person" / "b1.parquet").unlink()  # its pairs were not made under a key
    subject = store.pseudonyms.of("case person", raw)
    store.vault.add("case person", "b2", {subject: raw})
    (clue,) = house.clues(1, band="low", subject=subject)
    today = timezone.localdate()
    judge(house, clue, EXPLAINED)
    for number, day in enumerate((today, today + timedelta(days=40))):
        if number:
            handling.reopen(house.act(house.person("zhao", "L")), clue.pk, "有新材料")
            judge(house, clue, ACCEPTED)
        export(store, day)
        import_table(store, "non_prosecution_verdicts", received=day)
    with store.engine(["non_prosecution_verdicts"]) as engine:
        found = engine.query("SELECT outcome, case_person, _superseded FROM non_prosecution_verdicts ORDER BY _known").to_pylist()
    assert [(r["outcome"], r["case_person"] == subject, r["_superseded"] == END_OF_TIME) for r in found] == [("not_confirmed", True, False), ("confirmed", True, True)]


def test_a_model_whose_label_is_no_verdict_is_refused() -> None:
    from jcml.serving.verdict_table import verdict_table

    definition: SupervisionModel = Workspace(shipped()).model("food_safety").definition
    with pytest.raises(ConfigurationError, match="JC7301"):
        verdict_table(definition)
    for name, about in (("refined_oil_tax", "reviewed_as_of"), ("provident_fund_litigation", "reviewed_as_of")):
        assert verdict_table(Workspace(shipped()).model(name).definition).about == about


@pytest.mark.usefixtures("soon")
def test_the_command_says_how_many(house: House, tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from click.testing import CliRunner

    from jcml.cli.console import Console
    from jcml.cli.verdicts import export as command

    store = office(tmp_path / "office", '"data/workbench*.csv"')
    judge(house, house.clues(1, band="low")[0], ACCEPTED)
    console = Console("en")
    console.office = store.office.folder
    done = CliRunner().invoke(command, ["reverse_penalty_link", "--home", str(settings.HOME), "--unit", "990101", "--json"], obj=console)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["outcomes"] == {"confirmed": 1}
