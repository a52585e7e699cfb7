"""Classes of clues: what they share, what became of them, and that clues out of scope make no class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.test import Client
from procuratorate import ACCEPTED, TEXT, House, decide, given_clue, propose, run_facts

from jcml.review import handling
from jcml.review.classes import Shared, classes, clues_of, found_by, shared_by
from jcml.review.intake import take_in
from jcml.review.journal import SYSTEM
from jcml.review.models import Clue, User
from jcml.review.verdicts import Opinion

Browse = Callable[[User], Client]
EXPLAINED = Opinion("explained", reason_code="time_barred", text=TEXT, worth_checking=False)


def test_clues_with_the_same_first_two_reasons_are_a_class_in_either_order(house: House) -> None:
    given = [given_clue(n) for n in range(4)]
    given[0] = replace(given[0], reasons_for=given[0].reasons_for[::-1])
    given += [replace(given_clue(n), reasons_for=given[1].reasons_for[:1]) for n in (4, 5)]
    take_in(SYSTEM, house.first, run_facts("run1", 6), given)
    li = house.person("li", "R")
    assert {row["pattern"]: row["size"] for row in classes(li, "reasons")} == {"no_penalty opinion": 4, "no_penalty": 2}
    for row in classes(li, "reasons"):
        assert clues_of(li, shared_by("reasons", row)).count() == row["size"]


def test_a_thing_that_evidence_names_makes_a_class_and_a_row_does_not(house: House) -> None:
    house.clues(3, person="p1")
    house.clues(2, model="other_model", person="p1")
    li = house.person("li", "R")
    rows = list(classes(li, "things"))
    assert [(row["kind"], row["size"], row["shown"]) for row in rows] == [("person", 5, "潘**")]
    assert next(iter(classes(li, "things", "other_model")))["size"] == 2
    assert clues_of(li, shared_by("things", rows[0])).count() == 5


def test_the_key_of_a_class_gives_nothing_away() -> None:
    assert Shared("reasons", "m", "a b").key != Shared("reasons", "n", "a b").key
    key = Shared("things", "person", "p1").key
    assert "p1" not in key and len(key) == 24 and set(key) <= set("0123456789abcdef")


def test_the_page_of_a_class_tells_size_share_examples_and_counter_examples(house: House, browse: Browse) -> None:
    clues = house.clues(4, band="low")
    li, wang = house.person("li", "R"), house.person("wang", "C")
    for clue, opinion in ((clues[0], ACCEPTED), (clues[1], EXPLAINED)):
        handling.claim(house.act(li), clue.pk)
        made = propose(house, li, clue, opinion)
        if made.standing == "proposed":
            decide(house, wang, clue)
    client = browse(li)
    listed = client.get("/classes").content.decode()
    key = Shared("reasons", "reverse_penalty_link", "no_penalty opinion").key
    assert f'href="/classes/{key}"' in listed and "50 % (" in listed
    page = client.get(f"/classes/{key}").content.decode()
    assert "同类行为前后一年内没有行政处罚决定" in page and "刑事检察部门建议给予行政处罚" in page and "已过时效" in page and "甲区院" in page and "2025-12" in page
    assert "1 / 2" in page and all(clue.number in page for clue in clues)
    confirmed, ruled_out = page.partition('id="counter"')[0], page.partition('id="counter"')[2].partition("</section>")[0]
    assert clues[0].number in confirmed and clues[1].number not in confirmed.partition('id="examples"')[2] and clues[1].number in ruled_out


def test_clues_out_of_scope_do_not_count_and_a_class_of_one_is_not_there(house: House, browse: Browse) -> None:
    clues = house.clues(3, person="p1")
    Clue.objects.filter(pk=clues[0].pk).update(unit=house.second)
    li, away = house.person("li", "R"), house.person("away", "R", unit=house.second)
    by_reasons, by_thing = Shared("reasons", "reverse_penalty_link", "no_penalty opinion"), Shared("things", "person", "p1")
    for shared in (by_reasons, by_thing):
        found = found_by(li, shared.key)
        assert found is not None and found[1]["size"] == 2
        page = browse(li).get(f"/classes/{shared.key}").content.decode()
        assert clues[0].number not in page and "乙区院" not in page
        assert browse(away).get(f"/classes/{shared.key}").status_code == browse(away).get("/classes/nothing").status_code == 404
        boss = found_by(house.person("boss", "L", unit=house.city), shared.key)
        assert boss is not None and boss[1]["size"] == 3
    assert "<tbody>" not in browse(away).get("/classes?by=things").content.decode()


def test_superseded_clues_do_not_count(house: House) -> None:
    house.clues(3, person="p1")
    house.clues(2, person="p1")
    li = house.person("li", "R")
    assert [row["size"] for by in ("reasons", "things") for row in classes(li, by)] == [2, 2]


def test_case_management_and_others_without_details_get_no_classes(house: House, browse: Browse) -> None:
    house.clues(2)
    for role, status in (("M", 403), ("AU", 403), ("SA", 403), ("D", 200), ("L", 200)):
        client = browse(house.person(f"one{role}", role))
        assert client.get("/classes").status_code == status
    assert 'href="/classes"' not in browse(house.person("oneM", "M")).get("/search").content.decode()


def test_a_list_takes_few_queries_at_any_size(house: House, browse: Browse, django_assert_max_num_queries: Callable[..., object]) -> None:
    for n in range(6):
        house.clues(4, model=f"model{n}", person=f"p{n}")
    li = house.person("li", "R")
    client = browse(li)
    for by in ("reasons", "things"):
        with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
            assert client.get(f"/classes?by={by}").status_code == 200
