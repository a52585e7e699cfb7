"""Finding clues: by number, record, subject or raw name; out of scope looks like not there, and the text stays out of the log."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client
from procuratorate import House

from jcml.review.models import Clue, Event, Link, User
from jcml.review.named import kind_title, masked_forms, spellings
from jcml.tables.identifiers import mask

Browse = Callable[[User], Client]


def found(client: Client, text: str) -> str:
    answer = client.post("/search", {"text": text})
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_clue_is_found_by_number_record_subject_and_raw_name(house: House, browse: Browse) -> None:
    first, second = house.clues(2)
    li = browse(house.person("li", "R"))
    assert first.number in found(li, first.number) and second.number not in found(li, first.number)
    assert first.number in found(li, "r-1") and second.number not in found(li, " Ｒ-1 ")  # the evidence of the first has
    assert second.number in found(li, "R-3")
    for raw in ("潘**", "潘某某"):
        page = found(li, raw)
        assert first.number in page and second.number in page
    english = house.person("smith", "R")
    english.language = "en"
    english.save()
    smith = browse(english)
    assert "subject, masked alike" in found(smith, "潘某某") and "evidence, masked alike: person" in found(smith, "潘某某")
    assert "Not there, or not yours." in found(smith, "王某某")


def test_a_case_number_is_found_however_its_brackets_were_typed(house: House, browse: Browse) -> None:
    clue, *_ = house.clues(1)
    Link.objects.create(clue=clue, kind="case", value="k1", shown="（2026）苏0102刑初1号")
    li = browse(house.person("li", "R"))
    for typed in ("(2026)苏0102刑初1号", "（2026）苏0102刑初1号", "〔2026〕苏0102刑初 1号"):
        assert clue.number in found(li, typed)


def test_out_of_scope_and_not_there_get_the_same_answer(house: House, browse: Browse) -> None:
    clue, *_ = house.clues(1)
    away = browse(house.person("away", "R", unit=house.second))
    there, nowhere = found(away, clue.number), found(away, "XS9999-9999999")
    assert clue.pk not in there

    def bare(page: str, text: str) -> str:
        return re.sub(r"[A-Za-z0-9]{64}", "", page.replace(text, ""))

    assert bare(there, clue.number) == bare(nowhere, "XS9999-9999999")
    assert clue.pk not in found(away, "潘某某")


def test_the_log_keeps_a_keyed_digest_and_never_the_text(house: House, browse: Browse) -> None:
    house.clues(1)
    li = browse(house.person("li", "R"))
    for text in ("潘某某", "潘某某", "王某某"):
        found(li, text)
    events = list(Event.objects.filter(what="searched").order_by("seq"))
    assert events[0].object == events[1].object != events[2].object
    everything = "".join(f"{e.object}{e.detail}" for e in Event.objects.all())
    assert "潘某某" not in everything and "王某某" not in everything
    assert "hits" in events[0].detail and events[0].role == "R"


def test_the_form_is_shown_and_a_text_in_the_address_searches_nothing(house: House, browse: Browse) -> None:
    clue, *_ = house.clues(1)
    li = browse(house.person("li", "R"))
    page = li.get(f"/search?text={clue.number}").content.decode()
    assert 'name="text"' in page and clue.number not in page and not Event.objects.filter(what="searched").exists()
    assert li.post("/search", {"text": "潘"}).status_code == 422


def test_case_management_finds_by_number_but_not_by_what_the_evidence_names(house: House, browse: Browse) -> None:
    clue, *_ = house.clues(1)
    manager = browse(house.person("mo", "M"))
    page = found(manager, clue.number)
    assert clue.number in page and f'href="/clues/{clue.pk}"' not in page
    Clue.objects.filter(pk=clue.pk).update(subject_shown="无")
    assert clue.number not in found(manager, "R-1")
    assert browse(house.person("data", "D")).get("/search").status_code == 403


def test_wildcards_are_letters(house: House, browse: Browse) -> None:
    clue, *_ = house.clues(1)
    li = browse(house.person("li", "R"))
    for text in ("%%", "__", "XS%"):
        assert clue.number not in found(li, text)


def test_masks_are_those_of_the_engine() -> None:
    for raw in ("仲小妮", "仲妮", "欧阳小妮", "11010519491231002X", "18600001402", "6222021234567890128", "91350100M000100Y43", "A1234", "AB"):
        for kind in ("", "name", "resident_id", "mobile", "bank_card"):
            assert mask(raw, kind) in masked_forms(raw) | {raw}, (raw, kind)
    assert masked_forms("＋86 186 0000 1402") >= {"186****1402"} and "18600001402" in spellings("+86-186-0000-1402")
    assert kind_title("vehicle", english=True) == "vehicle"
