"""Statistics: what is counted, what is withheld and cannot be derived, and how few queries it takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as some
from procuratorate import ACCEPTED, TEXT, House, decide, propose

from jcml.review import handling
from jcml.review.models import Clue, FirstView, Run, User
from jcml.review.statistics import kappa, median, withheld
from jcml.review.verdicts import Opinion
from jcml.review.views import statistics as page

Browse = Callable[[User], Client]
EXPLAINED = Opinion("explained", reason_code="time_barred", text=TEXT, worth_checking=False)


def counted(monkeypatch: pytest.MonkeyPatch, user: User, **asked: str) -> dict[str, Any]:
    """What the page is made of, before it is written."""
    kept: dict[str, Any] = {}
    monkeypatch.setattr(page, "render", lambda request, name, content: kept.update(content))
    user.__dict__.pop("_grants", None)
    request = RequestFactory().get("/statistics", asked)
    request.user = user
    page.statistics(request)
    monkeypatch.undo()
    return kept


def close(house: House, clues: list[Clue], *, confirmed: int) -> None:
    """Close clues, the first of them as confirmed, by two people."""
    li, wang = house.person("li", "R"), house.person("wang", "C")
    for n, clue in enumerate(clues):
        handling.claim(house.act(li), clue.pk)
        if propose(house, li, clue, ACCEPTED if n < confirmed else EXPLAINED).standing == "proposed":
            decide(house, wang, clue)


def test_the_funnel_counts_clues_reviewed_and_cases_with_intervals(house: House, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    clues = house.clues(12, band="low")
    close(house, clues[:8], confirmed=6)
    leader = house.person("leader", "L")
    told = counted(monkeypatch, leader)
    assert (told["whole"]["clues"], told["whole"]["reviewed"], told["whole"]["confirmed"]) == (12, 8, 6)
    assert (told["whole"]["rate"]["percent"], told["whole"]["rate"]["low"], told["whole"]["rate"]["high"]) == (75, 41, 93)  # Wilson, 6 of 8
    assert told["worth"]["k"] == 6 and told["worth"]["n"] == 8
    assert [row["clues"] for row in told["months"]] == [12] and told["months"][0]["title"] == f"{timezone.localdate():%Y-%m}"
    answer = browse(leader).get("/statistics").content.decode()
    assert "75 % (41–93 %)" in answer and 'data-confirmed="6"' in answer and "/queue?state=all&amp;scenario=reverse_penalty_link" in answer


def test_small_cells_are_withheld_and_cannot_be_derived(house: House, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    low, high = house.clues(9, band="low"), house.clues(8, band="high", model="other_model")
    third = house.clues(8, band="medium", model="third_model")
    close(house, low[:7], confirmed=3)
    close(house, high[:6], confirmed=2)
    close(house, third[:2], confirmed=1)
    leader = house.person("leader", "L")
    bands = {row["title"]: row for row in counted(monkeypatch, leader)["groups"][1]["rows"]}
    hidden = {title: row["hidden"] for title, row in bands.items()}
    assert sorted(hidden.values()) == ["", "apart", "few"]
    assert all("reviewed" not in row and "rate" not in row for row in bands.values() if row["hidden"])
    answer = browse(leader).get("/statistics").content.decode()
    assert "&lt;5" in answer
    whole = re.search(r'data-reviewed="(\d+)"', answer)
    assert whole and whole[1] == "15"
    alone = counted(monkeypatch, leader, scenario="third_model")
    assert alone["whole"]["hidden"] == "few" and "reviewed" not in alone["whole"] and all(row["hidden"] for group in alone["groups"] for row in group["rows"])
    assert alone["worth"] == {"hidden": "few"} and alone["reversals"]["hidden"] == "few"


@given(some.lists(some.integers(0, 60), max_size=12), some.integers(2, 10))
def test_no_withheld_cell_follows_from_the_others_and_the_sum(sizes: list[int], least: int) -> None:
    found = withheld(sizes, least)
    assert {n for n, size in enumerate(sizes) if 0 < size < least} == {n for n, how in found.items() if how == "few"}
    assert all(sizes[n] >= least for n, how in found.items() if how == "apart")
    if "few" in found.values() and sum(sizes) >= least:
        assert len(found) >= 2 and sum(sizes[n] for n in found) >= least


def test_random_draws_stand_beside_ranked_ones_and_unseen_ones_are_not_reviewed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked, drawn = house.clues(8, band="low"), house.clues(9, band="low", model="other_model", selected="audit")
    close(house, ranked[:6], confirmed=5)
    close(house, drawn[:5], confirmed=1)
    by_place, by_chance = counted(monkeypatch, house.person("leader", "L"))["drawn"]
    assert (by_chance["rate"]["k"], by_chance["rate"]["n"], by_chance["not_reviewed"], by_chance["clues"]) == (1, 5, 4, 9)
    assert (by_place["rate"]["k"], by_place["rate"]["n"], by_place["not_reviewed"]) == (5, 6, 2)


def test_median_days_and_ages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    clues = house.clues(10, band="low")
    now = timezone.now()
    Run.objects.update(published=now - timedelta(days=20))
    for n, days in enumerate((1, 2, 3, 10, 17, 18)):
        Clue.objects.filter(pk=clues[n].pk).update(state="closed", outcome="confirmed", verdict_kind="accepted", closed=now - timedelta(days=20 - days))
    told = counted(monkeypatch, house.person("leader", "L"))
    assert [round(row["days"], 3) for row in told["medians"]] == [6.5, 6.5] and told["medians"][0]["n"] == 6
    assert [n for _, n in told["ages"]] == [0, 0, 4, 0] and told["open"] == 4
    for days, place in ((0, 0), (2, 0), (3, 1), (10, 1), (11, 2), (30, 2), (31, 3), (400, 3)):
        Run.objects.update(published=now - timedelta(days=days))
        assert [n for _, n in counted(monkeypatch, house.person("leader", "L"))["ages"]][place] == 4, days


def test_an_odd_number_has_one_in_the_middle(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    clues, now = house.clues(5, band="low"), timezone.now()
    Run.objects.update(published=now - timedelta(days=9))
    for clue, days in zip(clues, (1, 1, 4, 8, 9), strict=True):
        Clue.objects.filter(pk=clue.pk).update(state="closed", outcome="confirmed", verdict_kind="accepted", closed=now - timedelta(days=9 - days))
    assert round(counted(monkeypatch, house.person("leader", "L"))["medians"][0]["days"], 3) == 4.0


def test_reversals_and_agreement_on_blind_samples(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    clues = house.clues(6)
    li, wang = house.person("li", "R"), house.person("wang", "C")
    opinions = ["accepted", "accepted", "accepted", "explained", "explained", "accepted"]
    for n, clue in enumerate(clues):
        handling.claim(house.act(li), clue.pk)
        propose(house, li, clue, ACCEPTED if n < 3 else EXPLAINED)
        FirstView.objects.create(clue=clue, user=wang, opinion=opinions[n])
        if n == 5:
            decide(house, wang, clue, approved=False, text="请补充")
            propose(house, li, clue, ACCEPTED)  # the first opinion was about the first proposal
        if n != 4:  # one of them still waits
            decide(house, wang, clue)
    told = counted(monkeypatch, house.person("leader", "L"))
    assert (told["reversals"]["k"], told["reversals"]["n"]) == (1, 6)
    assert (told["agreement"]["k"], told["agreement"]["n"]) == (5, 6)
    assert told["agreement"]["kappa"] == pytest.approx(2 / 3, abs=1e-6)
    FirstView.objects.filter(clue__in=[c.pk for c in clues[:2]]).delete()
    assert counted(monkeypatch, house.person("leader", "L"))["agreement"] == {"hidden": "few"}


def test_kappa_of_a_textbook_table() -> None:
    assert kappa({("a", "a"): 22, ("a", "b"): 2, ("b", "a"): 7, ("b", "b"): 19}) == pytest.approx(0.6415, abs=1e-3)
    assert kappa({}) is None and kappa({("a", "b"): 5, ("b", "a"): 5}) == -1.0 and median({}) is None


def test_filters_by_period_model_and_unit_stay_in_scope(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.clues(3)
    house.clues(4, unit=house.second, model="other_model")
    boss, here = house.person("boss", "L", unit=house.city), house.person("here", "L")
    today = timezone.localdate()
    assert counted(monkeypatch, boss)["whole"]["clues"] == 7 and counted(monkeypatch, here)["whole"]["clues"] == 3
    assert [s.name for s in counted(monkeypatch, here)["scenarios"]] == ["reverse_penalty_link"]  # what is out of scope does not exist
    assert counted(monkeypatch, boss, unit="990102")["whole"]["clues"] == 4
    assert counted(monkeypatch, here, unit="990102")["whole"]["clues"] == 3  # not theirs: the filter means nothing
    assert counted(monkeypatch, boss, scenario="other_model")["whole"]["clues"] == 4
    for asked, n in ((today, 7), (today + timedelta(days=1), 0)):
        assert counted(monkeypatch, boss, **{"from": str(asked)})["whole"]["clues"] == n
    assert counted(monkeypatch, boss, to=str(today))["whole"]["clues"] == 7 and counted(monkeypatch, boss, to=str(today - timedelta(days=1)))["whole"]["clues"] == 0
    assert counted(monkeypatch, boss, to="9999-99-99", **{"from": "yesterday"})["whole"]["clues"] == 7


def test_superseded_clues_are_counted_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.clues(5)
    house.clues(3)
    assert counted(monkeypatch, house.person("leader", "L"))["whole"]["clues"] == 3


def test_who_may_see_them(house: House, browse: Browse) -> None:
    clue, *_ = house.clues(2)
    for role, status in (("R", 200), ("C", 200), ("L", 200), ("M", 200), ("D", 200), ("AU", 403), ("SA", 403), ("SE", 403), ("B", 403)):
        assert browse(house.person(f"one{role}", role)).get("/statistics").status_code == status, role
    for role in ("M", "D"):
        answer = browse(house.person(f"one{role}", role)).get("/statistics").content.decode()
        assert clue.number not in answer and "潘**" not in answer and ('href="/queue?' in answer) == (role == "M")


def test_the_page_takes_the_same_few_queries_at_any_size(house: House, browse: Browse, django_assert_max_num_queries: Any) -> None:
    leader = house.person("leader", "L", unit=house.city)
    client = browse(leader)
    client.get("/statistics")
    with django_assert_max_num_queries(100) as small:
        client.get("/statistics")
    for n in range(5):
        house.clues(6, model=f"model{n}", unit=(house.first, house.second)[n % 2])
    with django_assert_max_num_queries(100) as large:
        client.get("/statistics")
    assert len(small) <= len(large) <= 16, [q["sql"][:90] for q in large.captured_queries]
    own = [q for q in large.captured_queries if "review_clue" in q["sql"] or "review_scenario" in q["sql"]]
    assert len(own) <= 12
