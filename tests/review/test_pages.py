"""Pages answer, forms do what they say, and a form that is sent twice is carried out once."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from procuratorate import TEXT, House, propose

from jcml.review import handling
from jcml.review.models import Clue, Event, User, Verdict

Browse = Callable[[User], Client]


def test_a_prosecutor_claims_reads_and_decides_in_the_browser(house: House, browse: Browse) -> None:
    house.clues(3)
    li = browse(house.person("li", "R"))
    assert 'data-key="n"' in li.get("/").content.decode()
    opened = li.post("/next", follow=True)
    page = opened.content.decode()
    clue = Clue.objects.get(holder__username="li")
    assert clue.number in page and "同类行为前后一年内没有行政处罚决定" in page and "潘**" in page and "潘某某" not in page
    form = {
        "kind": "accepted", "subtype_accepted": "advice", "department": "administrative", "text": TEXT, "worth_checking": "yes", "version": clue.version,
        "evidence_digest": clue.evidence_digest, "feedback:no_penalty": "true", "idempotency_key": "once",
    }
    first, again = li.post(f"/clues/{clue.pk}/verdict", form), li.post(f"/clues/{clue.pk}/verdict", form)
    assert first.status_code == again.status_code == 302 and Verdict.objects.count() == 1
    other = li.post(f"/clues/{clue.pk}/verdict", {**form, "text": TEXT + "！"})
    assert other.status_code == 409


def test_the_second_person_sees_the_proposal_and_approves(house: House, browse: Browse) -> None:
    clue, *_ = house.clues(1)
    li, wang = house.person("li", "R"), house.person("wang", "C")
    handling.claim(house.act(li), clue.pk)
    propose(house, li, clue)
    page = browse(wang).get(f"/clues/{clue.pk}").content.decode()
    assert TEXT in page and "li检察官" in page
    clue.refresh_from_db()
    done = browse(wang).post(f"/clues/{clue.pk}/decision", {"decision": "approve", "version": clue.version, "evidence_digest": clue.evidence_digest})
    assert done.status_code == 302
    assert browse(li).post(f"/clues/{clue.pk}/decision", {"decision": "approve"}).status_code == 403
    clue.refresh_from_db()
    assert clue.outcome == "confirmed"


def test_names_are_shown_after_a_reason_is_given_only(house: House, browse: Browse) -> None:
    clue, *_ = house.clues(1)
    li = browse(house.person("li", "R"))
    li.post(f"/clues/{clue.pk}/claim")
    assert "潘某某0" not in li.get(f"/clues/{clue.pk}").content.decode()
    li.post(f"/clues/{clue.pk}/unmask", {"because": "核对身份"})
    assert "潘某某0" in li.get(f"/clues/{clue.pk}").content.decode()
    assert Event.objects.filter(what="names.read").exists()


def test_pages_of_other_units_are_not_there(house: House, browse: Browse) -> None:
    clue, *_ = house.clues(1)
    away = browse(house.person("away", "R", unit=house.second))
    for page in (f"/clues/{clue.pk}", f"/clues/{clue.pk}/preview", f"/clues/{clue.pk}/rows/1"):
        there, nowhere = away.get(page), away.get(page.replace(clue.pk, "nothing"))
        assert there.status_code == nowhere.status_code == 404
    assert clue.number not in away.get("/queue").content.decode()


def test_the_queue_filters_and_keeps_views(house: House, browse: Browse) -> None:
    house.clues(2, band="low")
    house.clues(3, band="high")
    li = browse(house.person("li", "R"))
    assert li.get("/queue?band=low").content.decode().count("data-row=") == 0  # superseded by the second run
    assert li.get("/queue?band=high").content.decode().count("data-row=") == 3
    assert li.get("/queue?state=superseded").content.decode().count("data-row=") == 2
    assert li.post("/queue/views", {"name": "高", "query": "band=high&evil=1"}).headers["Location"] == "/queue?band=high"
    assert ">高<" in li.get("/queue").content.decode()


def test_nobody_gets_in_without_logging_in(house: House) -> None:
    clue, *_ = house.clues(1)
    stranger = Client()
    for page in ("/", "/queue", f"/clues/{clue.pk}"):
        assert stranger.get(page).headers["Location"].startswith("/login")
    assert stranger.post("/next").headers["Location"].startswith("/login")


def test_five_wrong_passwords_lock_the_door(house: House) -> None:
    user = house.person("li", "R")
    user.set_password("correct horse battery")
    user.save()
    client = Client()
    statuses = [client.post("/login", {"username": "li", "password": "wrong"}).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 401, 429]
    assert client.post("/login", {"username": "li", "password": "correct horse battery"}).status_code == 429
