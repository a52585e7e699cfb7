"""The audit pages: what auditors read and what they do not, whether the log holds, and whose print it is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from procuratorate import TEXT, House, propose

from jcml.review import handling
from jcml.review.checkpoints import HOW, make_checkpoint
from jcml.review.journal import SYSTEM, record_alone
from jcml.review.models import Event, User
from jcml.review.stamp import STAMPED, stamp
from jcml.review.views.audit import TITLES, WITHHELD
from jcml.review.views.clue import EVENT_TITLES

Browse = Callable[[User], Client]


def handled(house: House) -> str:
    """A clue that somebody claimed and decided on; its id."""
    clue, *_ = house.clues(2)
    li = house.person("li", "R")
    handling.claim(house.act(li), clue.pk)
    propose(house, li, clue)
    return clue.pk


def test_an_auditor_reads_who_did_what_and_nothing_of_the_clue(house: House, browse: Browse) -> None:
    clue_id = handled(house)
    page = browse(house.person("au", "AU")).get("/audit").content.decode()
    assert "li" in page and clue_id in page and "127.0.0.1" in page
    assert TEXT not in page and "潘" not in page and "同类行为前后一年内没有行政处罚决定" not in page
    assert str(len(TEXT)) in page  # how long it was
    assert browse(house.person("au", "AU")).get(f"/clues/{clue_id}").status_code == 403


def test_only_auditors_come_in(house: House, browse: Browse) -> None:
    for n, role in enumerate(("R", "C", "L", "M", "D", "SA", "SE", "B")):
        client = browse(house.person(f"p{n}", role))
        assert client.get("/audit").status_code == client.post("/audit/verify").status_code == client.post("/audit/export.csv").status_code == 403


def test_an_auditor_reads_events_of_units_below_and_of_none(house: House, browse: Browse) -> None:
    record_alone(SYSTEM, "clue.opened", "clue", "here", house.first)
    record_alone(SYSTEM, "clue.opened", "clue", "beside", house.second)
    record_alone(SYSTEM, "login.failed", "user", "nobody-known")
    district, city = browse(house.person("au1", "AU")), browse(house.person("au2", "AU", unit=house.city))
    assert "nobody-known" in district.get("/audit").content.decode() and "clue here" in district.get("/audit").content.decode()
    assert "clue beside" not in district.get("/audit").content.decode() and "clue beside" in city.get("/audit").content.decode()
    assert "beside" not in district.post("/audit/export.csv").content.decode()


@pytest.mark.parametrize(("query", "there", "gone"), [
    ("actor=li", "verdict.proposed", "login.failed"), ("what=login.failed", "login.failed", "verdict.proposed"), ("object=NUMBER", "clue.claimed", "run.published"),
    ("since=2020-01-01&until=2020-12-31", "", "clue.claimed"), ("since=TODAY&until=TODAY", "clue.claimed", ""), ("since=nonsense", "clue.claimed", ""),
])
def test_the_filters_ask_for_what_they_say(house: House, browse: Browse, query: str, there: str, gone: str) -> None:
    clue_id = handled(house)
    record_alone(SYSTEM, "login.failed", "user", "zhao")
    number = handling.Clue.objects.get(pk=clue_id).number
    query = query.replace("NUMBER", number).replace("TODAY", timezone.localdate().isoformat())
    auditor = browse(house.person("au", "AU"))
    form = dict(part.split("=") for part in query.split("&"))
    rows = list(csv.reader(io.StringIO(auditor.post("/audit/export.csv", form).content.decode("utf-8-sig"))))
    whats = {row[6] for row in rows if len(row) > 6}
    assert there in whats | {""} and gone not in whats
    shown = auditor.get(f"/audit?{query}").context["events"]
    assert {one["event"].what for one in shown} - {"audit.exported"} == whats - {rows[0][6]}


def test_old_events_are_on_older_pages(house: House, browse: Browse) -> None:
    for n in range(230):
        record_alone(SYSTEM, "clue.opened", "clue", f"c{n}", house.first)
    auditor, seen, address = browse(house.person("au", "AU")), [], "/audit?what=clue.opened"
    while address:
        answer = auditor.get(address)
        seen += [one["event"].seq for one in answer.context["events"]]
        address = f"/audit?{answer.context['older']}" if answer.context["older"] else ""
    assert seen == list(range(230, 0, -1))


def test_who_saw_this_clue(house: House, browse: Browse) -> None:
    clue_id = handled(house)
    browse(house.person("wang", "C")).get(f"/clues/{clue_id}")
    number = handling.Clue.objects.get(pk=clue_id).number
    found = browse(house.person("au", "AU")).get(f"/audit?seen={number}").context["seen"]
    assert {one["actor"] for one in found} == {"li", "wang"}
    away = browse(house.person("away", "AU", unit=house.second))
    assert away.get(f"/audit?seen={number}").context["seen"] == away.get("/audit?seen=nothing").context["seen"] == []


def test_verify_now_says_that_the_log_holds_and_is_an_event_itself(house: House, browse: Browse) -> None:
    handled(house)
    make_checkpoint()
    auditor = browse(house.person("au", "AU"))
    assert auditor.post("/audit/verify").status_code == 302
    told = json.loads(Event.objects.get(what="audit.verified").detail)
    assert told["flaws"] == 0 and told["first"] == 1 and told["last"] >= 3
    assert auditor.get("/audit").context["chain"]["flaws"] == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="switches triggers off as SQLite does")
def test_verify_now_names_what_was_changed(house: House, browse: Browse) -> None:
    handled(house)
    make_checkpoint()
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER review_event_no_update")
        cursor.execute("UPDATE review_event SET actor = 'nobody' WHERE seq = 2")
    auditor = browse(house.person("au", "AU"))
    auditor.post("/audit/verify")
    chain = auditor.get("/audit").context["chain"]
    assert chain["verified"]["flaws"] == 1 and chain["flaws"] == [HOW["hash"][0].format(seq=2)]


def test_the_page_says_when_a_checkpoint_is_overdue(house: House, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    handled(house)
    auditor = browse(house.person("au", "AU"))
    assert auditor.get("/audit").context["chain"]["overdue"] is None
    later = timezone.now() + timedelta(hours=3)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    auditor = browse(User.objects.get(username="au"))  # the session of before has ended
    assert auditor.get("/audit").context["chain"]["overdue"] is not None
    assert auditor.get("/readyz").json()["checkpoint_overdue"] is True
    make_checkpoint()
    assert auditor.get("/readyz").json()["checkpoint_overdue"] is False


def test_an_export_is_stamped_and_found_by_its_code(house: House, browse: Browse) -> None:
    clue_id = handled(house)
    auditor = browse(house.person("au", "AU"))
    answer = auditor.post("/audit/export.csv", {"object": clue_id})
    event = Event.objects.get(what="audit.exported")
    code = json.loads(event.detail)["code"]
    text = answer.content.decode("utf-8-sig")
    assert code in text and TEXT not in text and answer.headers["Content-Disposition"].startswith("attachment")
    assert json.loads(event.detail)["rows"] == sum(clue_id in line for line in text.splitlines())
    found = auditor.get(f"/audit/code?code={code}", follow=True)
    assert [one["event"].pk for one in found.context["out"]] == [event.pk]
    assert auditor.get("/audit/code?code=00000000", follow=True).context["out"] == []


def test_a_print_of_another_unit_is_not_found(house: House, browse: Browse) -> None:
    marked = stamp(house.person("li", "R"), ["x"])
    record_alone(house.act(house.person("li", "R")), "clue.printed", "clue", "c1", house.second, **marked.detail())
    assert browse(house.person("au", "AU")).get(f"/audit?code={marked.code}").context["out"] == []
    assert len(browse(house.person("au2", "AU", unit=house.city)).get(f"/audit?code={marked.code}").context["out"]) == 1


def test_every_event_of_the_code_has_a_title(house: House) -> None:
    import ast
    from pathlib import Path

    import jcml.review

    written, marked = set(), set()
    for path in Path(jcml.review.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("record", "record_alone") and isinstance(node.args[1], ast.Constant):
                written.add(node.args[1].value)
                marked |= {node.args[1].value for k in node.keywords if k.arg is None and isinstance(k.value, ast.Call) and getattr(k.value.func, "attr", "") == "detail"}
    assert written - set(TITLES) == set() and set(STAMPED) <= set(TITLES) and set(EVENT_TITLES) <= set(TITLES)
    assert marked == set(STAMPED)  # whatever bears a code is found by it


def test_what_was_written_about_a_clue_is_withheld_wherever_it_stands(house: House, browse: Browse) -> None:
    secret = "不应出现的内容"
    for name in WITHHELD:
        record_alone(SYSTEM, "verdict.proposed", "clue", name, house.first, **{name: secret, "said": {name: secret}})
    auditor = browse(house.person("au", "AU"))
    assert secret not in auditor.get("/audit").content.decode() and secret not in auditor.post("/audit/export.csv").content.decode()
