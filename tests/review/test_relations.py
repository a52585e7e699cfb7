"""Relations: only clues in scope, every line with its records, the table like the picture, and an export without formulas."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

from django.test import Client
from procuratorate import House

from jcml.review import handling
from jcml.review.models import Clue, Event, Link, User
from jcml.review.relations import MOST_NODES, TOO_COMMON, graph

Browse = Callable[[User], Client]


def shared(house: House, n: int = 3, **of_clue: object) -> list[Clue]:
    """Clues of which each names the same person, and rows of its own."""
    return house.clues(n, person="p1", **of_clue)  # type: ignore[arg-type]


def test_clues_that_name_the_same_thing_hang_together_with_their_records(house: House, browse: Browse) -> None:
    first, second, third = shared(house)
    li = house.person("li", "R")
    found = graph(li, [first])
    assert {c.pk for c in found.clues} == {second.pk, third.pk}
    assert [(t.kind, t.clues) for t in found.things] == [("person", 3)]  # rows that one clue alone shows are no nodes
    edge = next(e for e in found.edges if e.clue == first)
    assert [r.row for r in edge.records] == ["R-0", "R-1"] and edge.total == 2
    told = json.loads(browse(li).get(f"/clues/{first.pk}/relations.json").content)
    assert len(told["nodes"]) == 4 and len(told["edges"]) == 3 and "p1" not in json.dumps(told)
    page = browse(li).get(f"/clues/{first.pk}/relations").content.decode()
    assert page.count("<tr data-kind=") == 3 and "R-0" in page and second.number in page and "2025-01-15" in page


def test_a_row_that_two_clues_show_is_a_thing(house: House) -> None:
    first, second = house.clues(2)
    for clue in (first, second):
        Link.objects.create(clue=clue, kind="row:registrations", value="d1", shown="Z-1")
    content = second.content
    part = content["reasons_for"][0]["statement"]["parts"][0]
    part["rows"].append({**part["rows"][0], "table": "registrations", "digest": "d1", "row": "Z-1", "keys": {}})
    Clue.objects.filter(pk=second.pk).update(content=content)
    found = graph(house.person("li", "R"), [first])
    assert ("row:registrations", "d1") in {(t.kind, t.value) for t in found.things} and [c.pk for c in found.clues] == [second.pk]
    assert [e.records[0].row for e in found.edges if e.thing.kind == "row:registrations"] == ["Z-1"]


def test_clues_out_of_scope_are_neither_shown_nor_counted(house: House, browse: Browse) -> None:
    first, second, third = shared(house)
    Clue.objects.filter(pk=second.pk).update(unit=house.second)
    Clue.objects.filter(pk=third.pk).update(department="criminal")
    li = house.person("li", "R", department="administrative")
    client = browse(li)
    for answer in (client.get(f"/clues/{first.pk}/relations"), client.get(f"/clues/{first.pk}/relations.json"), client.get(f"/clues/{first.pk}/relations?with={second.pk}")):
        page = answer.content.decode()
        assert second.number not in page and third.number not in page and second.pk not in page
    assert graph(li, [first]).things[0].clues == 1
    for path in ("relations", "relations.json", "relations.csv"):
        assert client.get(f"/clues/{second.pk}/{path}").status_code == client.get(f"/clues/nothing/{path}").status_code == 404
    assert browse(house.person("mo", "M")).get(f"/clues/{first.pk}/relations").status_code == 403
    assert len(graph(house.person("boss", "L", unit=house.city), [first]).clues) == 2


def test_one_hop_further_shows_what_a_neighbour_names(house: House, browse: Browse) -> None:
    first, second, third = house.clues(3)
    for clue, value in ((first, "a"), (second, "a"), (second, "b"), (third, "b")):
        Link.objects.create(clue=clue, kind="place", value=value, shown=f"场所{value}")
    for clue, values in ((first, ("a",)), (second, ("a", "b")), (third, ("b",))):
        row = clue.content["reasons_for"][0]["statement"]["parts"][0]["rows"][0]
        row["keys"] = {f"地点{value}": f"place:{value}" for value in values}
        Clue.objects.filter(pk=clue.pk).update(content=clue.content)
    li = browse(house.person("li", "R"))
    near = li.get(f"/clues/{first.pk}/relations").content.decode()
    assert second.number in near and third.number not in near and f"with={second.pk}" in near
    far = li.get(f"/clues/{first.pk}/relations?with={second.pk}").content.decode()
    assert third.number in far and "场所b" in far


def test_a_kind_is_hidden_and_a_day_is_the_end_without_scripts(house: House, browse: Browse) -> None:
    first, second, _third = shared(house)
    Clue.objects.filter(pk=second.pk).update(as_of="2025-06-01")
    li = browse(house.person("li", "R"))
    page = li.get(f"/clues/{first.pk}/relations?hide=person").content.decode()
    assert page.count("<tr data-kind=") == page.count("hidden><td>") == 3
    early = li.get(f"/clues/{first.pk}/relations?until=0").content.decode()
    assert early.count("hidden><td>") == 2 and 'data-day="2025-06-01">' in early
    assert li.get(f"/clues/{first.pk}/relations?until=99&hide=nothing").content.decode().count("hidden><td>") == 0


def test_what_many_clues_name_is_told_and_not_followed_and_two_hundred_nodes_are_the_most(house: House) -> None:
    clues = shared(house, TOO_COMMON + 1)
    li = house.person("li", "R")
    found = graph(li, [clues[0]])
    assert found.things[0].common and found.clues == []
    Link.objects.bulk_create([Link(clue=c, kind="station", value=f"s{n}", shown=f"站{n}") for n in range(250) for c in (clues[0], clues[1 + n % TOO_COMMON])])
    found = graph(li, [clues[0]])
    assert len(found.centres) + len(found.clues) + len(found.things) <= MOST_NODES and found.clues


def test_the_csv_holds_what_may_be_taken_out_and_no_formula(house: House, browse: Browse) -> None:
    first, second = shared(house, 2)
    Clue.objects.filter(pk=first.pk).update(subject_shown="=cmd|'/c calc'!A1")
    li = house.person("li", "R")
    assert browse(li).get(f"/clues/{first.pk}/relations.csv").status_code == 403
    assert Event.objects.filter(what="act.refused", object=first.pk).exists()
    handling.claim(house.act(li), first.pk)
    answer = browse(li).get(f"/clues/{first.pk}/relations.csv")
    assert answer.status_code == 200 and answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[2] for row in rows[1:-1]] == [first.number] and not any(cell.startswith("=") for row in rows for cell in row) and "'=cmd|'/c calc'!A1" in rows[1]
    event = Event.objects.get(what="relations.exported")
    assert json.loads(event.detail)["code"] in rows[-1][0] and "li" in rows[-1][0]
    checker = browse(house.person("wang", "C")).get(f"/clues/{first.pk}/relations.csv").content.decode("utf-8-sig")
    assert first.number in checker and second.number in checker


def test_the_picture_is_taken_out_after_its_event_is_written(house: House, browse: Browse) -> None:
    first, second = shared(house, 2)
    li = house.person("li", "R")
    assert browse(li).post(f"/clues/{first.pk}/relations/picture").status_code == 403
    handling.claim(house.act(li), first.pk)
    leave = browse(li).post(f"/clues/{first.pk}/relations/picture").json()
    assert leave["clues"] == [first.pk] and second.pk not in leave["clues"]
    assert json.loads(Event.objects.get(what="relations.exported").detail)["code"] in leave["line"]
    assert 'id="as-picture"' in browse(li).get(f"/clues/{first.pk}/relations").content.decode()
    assert 'id="as-picture"' not in browse(li).get(f"/clues/{second.pk}/relations").content.decode()
    assert browse(li).get(f"/clues/{first.pk}/relations/picture").status_code == 405


def test_the_clue_page_leads_to_relations_and_subject(house: House, browse: Browse) -> None:
    clue, *_ = house.clues(1)
    page = browse(house.person("li", "R")).get(f"/clues/{clue.pk}").content.decode()
    assert f'href="/clues/{clue.pk}/relations"' in page and f'href="/clues/{clue.pk}/subject"' in page
