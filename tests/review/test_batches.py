"""Batches, the page of a model, and help: who sees which, and whether their numbers are right."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from procuratorate import House

from jcml.review.models import Clue, Run, User

Browse = Callable[[User], Client]


def test_a_batch_says_what_it_was_and_how_it_differs(house: House, browse: Browse) -> None:
    house.clues(3, run="earlier", band="low")
    signals = [{"name": "score_drift", "value": 0.31, "crossed": True, "then": "warn"}, {"name": "unheard of", "value": 0.1, "crossed": False, "then": "warn"}]
    house.clues(5, run="later", band="high", facts={"signals": signals, "quarantine": {"penalty_decisions": 7}, "capacity": 30})
    Clue.objects.filter(run="earlier", subject="subject0").update(subject="somebody else")
    answer = browse(house.person("mo", "M")).get("/batches")
    later, earlier = answer.context["rows"]
    assert (later["run"].key, later["by"], later["before"]) == ("later", "system", "earlier")
    assert later["differs"] == {"new": 3, "gone": 1, "up": 2, "down": 0} and earlier["differs"] is None
    page = answer.content.decode()
    assert "0.31" in page and "penalty_decisions" in page and "unheard of" in page and "潘" not in page


def test_batches_of_other_units_and_unpublished_ones(house: House, browse: Browse) -> None:
    house.clues(1, run="here")
    house.clues(1, unit=house.second, run="beside")
    Run.objects.filter(key="here").update(published=None)
    assert [r["run"].key for r in browse(house.person("mo", "M")).get("/batches").context["rows"]] == ["here"]
    assert browse(house.person("mo", "M")).get("/models").context["models"] == []
    assert {r["run"].key for r in browse(house.person("ci", "L", unit=house.city)).get("/batches").context["rows"]} == {"here", "beside"}


@pytest.mark.parametrize("role", ["R", "SA", "SE", "AU"])
def test_some_roles_have_no_batches(house: House, browse: Browse, role: str) -> None:
    assert browse(house.person("p", role)).get("/batches").status_code == 403


def test_many_batches_take_pages_and_few_queries(house: House, browse: Browse, django_assert_max_num_queries: Any) -> None:
    for _ in range(23):
        house.clues(1)
    client = browse(house.person("mo", "M"))
    with django_assert_max_num_queries(20):
        first = client.get("/batches")
    assert len(first.context["rows"]) == 20 and len(client.get("/batches?page=2").context["rows"]) == 3
    assert all(row["differs"] is not None for row in first.context["rows"])


def test_the_page_of_a_model_says_it_in_plain_words(house: House, browse: Browse) -> None:
    house.clues(6, facts={"gates": [{"name": "gain", "passed": True, "value": 0.12}]})
    Clue.objects.update(state="closed", outcome="confirmed", selected="ranked")
    Clue.objects.filter(pk__in=Clue.objects.values("pk")[:2]).update(outcome="not_confirmed")
    client = browse(house.person("li", "R"))
    assert "/models/reverse_penalty_link" in client.get("/models").content.decode()
    answer = client.get("/models/reverse_penalty_link")
    page = answer.content.decode()
    for text in ("行刑反向衔接", "看不到未报送的处罚", "《行政处罚法》第二十七条", "同一行为已受处罚", "76 %", "71–80 %", "gain"):
        assert text in page, text
    assert answer.context["observed"]["ranked"]["percent"] == 67 and answer.context["observed"]["audit"] is None
    assert "潘" not in page and "罪名" not in page  # nothing of a clue


def test_few_clues_give_no_rate(house: House, browse: Browse) -> None:
    house.clues(4)
    Clue.objects.update(state="closed", outcome="confirmed")
    answer = browse(house.person("li", "R")).get("/models/reverse_penalty_link")
    assert answer.context["observed"] == {"ranked": None, "audit": None} and "100 %" not in answer.content.decode()


def test_a_model_of_another_unit_is_not_there(house: House, browse: Browse) -> None:
    house.clues(1, unit=house.second)
    client = browse(house.person("li", "R"))
    assert client.get("/models/reverse_penalty_link").status_code == client.get("/models/nothing").status_code == 404
    assert browse(house.person("d", "D", unit=house.second)).get("/models/reverse_penalty_link").status_code == 200
    for role in ("SA", "SE", "AU", "B"):
        assert browse(house.person(role, role)).get("/models").status_code == 403


def test_the_grants_department_narrows_batches_and_models(house: House, browse: Browse) -> None:
    house.clues(1)
    civil = browse(house.person("civil", "C", department="civil_supervision"))
    administrative = browse(house.person("admin", "C", department="administrative"))
    assert not civil.get("/batches").context["rows"] and not civil.get("/models").context["models"]
    assert len(administrative.get("/batches").context["rows"]) == len(administrative.get("/models").context["models"]) == 1


@pytest.mark.parametrize("role", ["R", "C", "L", "M", "D", "SA", "SE", "AU", "B"])
def test_help_is_for_everybody_in_both_languages(house: House, browse: Browse, role: str) -> None:
    from jcml.review.verdicts import KINDS

    user = house.person("p", role)
    client = browse(user)
    assert all(kind.zh in client.get("/help").content.decode() for kind in KINDS.values())
    User.objects.filter(pk=user.pk).update(language="en")
    page = unescape(client.get("/help").content.decode())
    assert all(kind.en in page for kind in KINDS.values()) and "Ctrl+Enter" in page
