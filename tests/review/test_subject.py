"""The subject across its sources: what differs stands side by side, earlier outcomes are told, a wrong merge is marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.test import Client
from procuratorate import ACCEPTED, House, decide, given_clue, propose, run_facts, source_row, statement

from jcml.records import Clue as GivenClue
from jcml.records import Reason
from jcml.review import handling
from jcml.review.intake import take_in
from jcml.review.journal import SYSTEM
from jcml.review.models import Clue, Event, Unit, User
from jcml.review.views.subject import same_subject, values

Browse = Callable[[User], Client]


def published(unit: Unit, *given: GivenClue, run: str) -> list[Clue]:
    facts = {**run_facts(run, len(given), given[0].model), "as_of": given[0].as_of}
    made, _ = take_in(SYSTEM, unit, facts, list(given))
    return list(made.clues.order_by("place"))


def two_clues(house: House) -> tuple[Clue, Clue]:
    """One subject in two models, whose sources give different dates for one record, and two persons that look alike."""
    same = source_row(0, "p1")
    first = replace(given_clue(0, "a", subject="s1"), reasons_for=(Reason(1.0, statement("x", "一", 1.0, same)),))
    later = replace(same, digest="another", batch="b2", shown={**same.shown, "决定日期": "2025-03-03"})
    other = source_row(1, "p2", table="case_register")
    second = replace(given_clue(0, "b", "other_model", subject="s1"), reasons_for=(Reason(1.0, statement("y", "二", 1.0, later)), Reason(0.5, statement("z", "三", 0.5, other))))
    first, second = (replace(c, reasons_against=(), facts=()) for c in (first, second))
    return published(house.first, first, run="a")[0], published(house.first, second, run="b")[0]


def test_values_that_differ_stand_side_by_side_with_their_sources(house: House, browse: Browse) -> None:
    first, second = two_clues(house)
    li = house.person("li", "R")
    assert {c.pk for c in same_subject(li, first)} == {first.pk, second.pk}
    told = {one["title"]: one for one in values([first, second], "zh")}
    days = {value["text"] for value in told["决定日期"]["values"]}
    assert days == {"2025-01-15", "2025-03-03", "2025-02-15"} and len(told["决定日期"]["differs"]) >= 1
    persons = told["当事人"]["values"]
    assert [v["text"] for v in persons] == ["潘**", "潘**"] and sorted(v["which"] for v in persons) == [1, 2]
    page = browse(li).get(f"/clues/{first.pk}/subject").content.decode()
    for text in ("2025-01-15", "2025-03-03", "b1", "b2", "case_register", "penalty_decisions", "R-0", second.number):
        assert text in page
    assert Event.objects.filter(what="subject.opened", object=first.pk).count() == 1


def test_equal_values_of_one_source_do_not_differ(house: House) -> None:
    clue, *_ = house.clues(1)
    told = {one["title"]: one for one in values([clue], "zh")}
    assert told["当事人"]["differs"] == [] and len(told["当事人"]["values"]) == 1 and len(told["当事人"]["values"][0]["holders"]) == 2


def test_what_became_of_earlier_clues_is_told_to_those_who_may_read_them(house: House, browse: Browse) -> None:
    first, second = two_clues(house)
    li, wang = house.person("li", "R"), house.person("wang", "C")
    handling.claim(house.act(li), first.pk)
    propose(house, li, first, replace(ACCEPTED, feedback={"x": "true"}))
    page = browse(li).get(f"/clues/{second.pk}/subject").content.decode()
    assert "成案或移送办理" not in page  # proposed, but it does not stand yet
    decide(house, wang, first)
    assert "成案或移送办理" in browse(li).get(f"/clues/{second.pk}/subject").content.decode()


def test_clues_of_another_unit_are_not_among_them(house: House, browse: Browse) -> None:
    first, second = two_clues(house)
    Clue.objects.filter(pk=second.pk).update(unit=house.second)
    li = house.person("li", "R")
    page = browse(li).get(f"/clues/{first.pk}/subject").content.decode()
    assert second.number not in page and "2025-03-03" not in page
    assert browse(li).get(f"/clues/{second.pk}/subject").status_code == browse(li).get("/clues/nothing/subject").status_code == 404
    assert second.number in browse(house.person("boss", "L", unit=house.city)).get(f"/clues/{first.pk}/subject").content.decode()


def test_a_subject_of_another_kind_with_the_same_text_is_another_subject(house: House) -> None:
    first, _second = two_clues(house)
    other = replace(given_clue(0, "c", "third_model"), unit={"court": "s1"})
    third = published(house.first, other, run="c")[0]
    li = house.person("li", "R")
    assert third.subject == first.subject and third.pk not in {c.pk for c in same_subject(li, first)}


def test_a_wrong_merge_is_marked_once_with_a_reason_and_shown(house: House, browse: Browse) -> None:
    first, second = two_clues(house)
    li = browse(house.person("li", "R"))
    form = {"because": "两条记录的出生年份不同", "idempotency_key": "once"}
    assert li.post(f"/clues/{first.pk}/subject", form).status_code == li.post(f"/clues/{first.pk}/subject", form).status_code == 302
    event = Event.objects.get(what="subject.wrong_merge")
    assert event.object == first.pk and event.actor == "li" and event.unit == house.first.path
    for clue in (first, second):
        page = li.get(f"/clues/{clue.pk}/subject").content.decode()
        assert "两条记录的出生年份不同" in page and "li检察官" in page
    for because in ("", "  ", "长" * 201):
        assert li.post(f"/clues/{first.pk}/subject", {"because": because}).status_code == 422
    assert li.post(f"/clues/{first.pk}/subject", {"because": "长" * 200}).status_code == 302


def test_who_may_not_mark_a_wrong_merge(house: House, browse: Browse) -> None:
    first, _ = two_clues(house)
    for user, status in (
        (house.person("data", "D"), 403), (house.person("mo", "M"), 403), (house.person("away", "R", unit=house.second), 404), (house.person("above", "L", unit=house.city), 403),
    ):
        assert browse(user).post(f"/clues/{first.pk}/subject", {"because": "不是同一人"}).status_code == status, user
    assert not Event.objects.filter(what="subject.wrong_merge").exists()
    assert 'name="because"' not in browse(house.person("data", "D")).get(f"/clues/{first.pk}/subject").content.decode()
    assert browse(house.person("mo", "M")).get(f"/clues/{first.pk}/subject").status_code == 403


def test_rows_about_others_are_not_values_of_the_subject(house: House) -> None:
    """A reason that compares with peers shows their rows; they name another subject of the same kind."""
    own, peer = source_row(0), source_row(1)
    own, peer = (replace(row, keys={"人案编号": f"case person:{who}"}, shown={"罪名": says}) for row, who, says in ((own, "subject0", "盗窃罪"), (peer, "another", "诈骗罪")))
    given = replace(given_clue(0), facts=(statement("charge", "罪名", 0.0, own),), reasons_for=(Reason(1.0, statement("peers", "同类案件", 1.0, peer)),), reasons_against=())
    take_in(SYSTEM, house.first, run_facts("run1", 1), [given])
    told = values([Clue.objects.get()], "zh")
    assert [(one["title"], [v["text"] for v in one["values"]]) for one in told] == [("罪名", ["盗窃罪"])]
