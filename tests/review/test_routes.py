"""Routes × roles × scopes: who gets what, checked in as routes.csv. A route that is not in it fails.

    JCML_WRITE_ROUTES=1 python -m pytest tests/review/test_routes.py    # writes the table anew; read every changed line

The clue is in unit `own` and free in the queue. Scopes say where the person's role is: in the clue's unit, in the unit above
it, in one below it, in one beside it, in another province. Routes that are about no clue have the scope `-`.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from addresses import path_of, patterns
from django.db import transaction
from django.test import Client
from procuratorate import House

from jcml.review.models import ROLES, Clue, Unit

TABLE = Path(__file__).with_name("routes.csv")
SCOPES = ("own", "above", "below", "beside", "other")
OPEN = {"login", "language", "healthz", "readyz", "metrics"}  # the last to this machine and to holders of a token
FORMS: dict[str, dict[str, Any]] = {
    "bulk": {"clue": "*"}, "bulk-do": {"clue": "*", "what": "duplicate", "linked": "XS1"}, "draft": {"text": "…"}, "reason": {"says": "true"},
    "search": {"text": "潘"}, "queue-export": {"format": "csv"}, "keep-view": {"name": "a"}, "decision": {"decision": "approve"}, "verdict": {"kind": "unsure", "missing": "…"},
}
ACTS = ("claim", "release", "snooze", "wake", "withdraw", "undo", "reopen", "reassign", "transfer", "unmask")
ACT_FORMS = {"snooze": {"until": "2099-01-01", "because": "…"}, "reopen": {"because": "…"}, "unmask": {"because": "…"}, "transfer": {"target_unit": "9902", "because": "…"}, "reassign": {"to": "nobody"}}


def asked(clue: Clue) -> Iterator[tuple[str, str, str, dict[str, Any], bool]]:
    """(route, method, address, form, whether it is about the clue)."""
    for name, pattern in patterns():
        about = any(place in pattern for place in ("clue_id", "transfer_id", "<str:run>", "<str:scenario>", "<str:name>"))
        if name == "act":
            for act in ACTS:
                yield f"act {act}", "POST", path_of(pattern.replace("<str:act>", act), clue), ACT_FORMS.get(act, {}), True
            continue
        form = {k: clue.pk if v == "*" else v for k, v in FORMS.get(name, {}).items()}
        for method in ("GET", "POST"):
            yield name, method, path_of(pattern, clue), form if method == "POST" else {}, about


def observed(house: House) -> dict[tuple[str, str, str], dict[str, str]]:
    """What everybody gets."""
    other = Unit.objects.create(code="88", zh="外省院", en="Other province")
    below = Unit.objects.create(code="99010101", zh="下级", en="Below", parent=house.first)
    Unit.objects.create(code="9902", zh="另一市院", en="Another city", parent=house.province)
    (clue,) = house.clues(1)
    places = {"own": house.first, "above": house.city, "below": below, "beside": house.second, "other": other}
    clients: dict[tuple[str, str], Client] = {}
    for role in ROLES:
        for scope, unit in places.items():
            clients[role, scope] = Client()
            clients[role, scope].force_login(house.person(f"{role}-{scope}", role, unit=unit), backend="jcml.review.sign_on.PasswordBackend")
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for route, method, address, form, about in asked(clue):
        for scope in SCOPES if about else ("-",):
            row = {role: status(clients[role, scope if about else "own"], method, address, form) for role in ROLES}
            row["nobody"] = status(Client(), method, address, form)
            found[route, method, scope] = row
    return found


def status(client: Client, method: str, address: str, form: dict[str, Any]) -> str:
    """The status of an answer; whatever it did is undone."""
    kept = SimpleCookie(client.cookies.output(header="", sep=";"))
    with transaction.atomic():
        answer = getattr(client, method.lower())(address, form)
        transaction.set_rollback(True)
    client.cookies = kept
    place = answer.headers.get("Location", "")
    return f"{answer.status_code} login" if place.startswith("/login") else str(answer.status_code)


def test_everybody_gets_what_the_table_says(house: House) -> None:
    found = observed(house)
    if os.environ.get("JCML_WRITE_ROUTES"):
        with TABLE.open("w", encoding="utf-8", newline="") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(["route", "method", "scope", *ROLES, "nobody"])
            table.writerows([*key, *row.values()] for key, row in sorted(found.items()))
    with TABLE.open(encoding="utf-8", newline="") as stream:
        expected = {(row.pop("route"), row.pop("method"), row.pop("scope")): row for row in csv.DictReader(stream)}
    assert found.keys() - expected.keys() == set(), "routes that the table does not know"
    assert expected.keys() - found.keys() == set(), "lines about routes that are gone"
    assert {key: row for key, row in found.items() if row != expected[key]} == {}


def test_the_table_itself_keeps_the_rules() -> None:
    """Nobody without a login gets in; where one may not read, a clue is not there; from above one reads and changes nothing."""
    with TABLE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        told = {role: row[role] for role in ROLES}
        if row["route"] not in OPEN:
            assert row["nobody"] in ("302 login", "405", "401"), row
        if row["scope"] in ("below", "beside", "other"):
            assert set(told.values()) <= {"403", "404", "405"}, row
        if row["scope"] == "above" and row["method"] == "POST":
            assert set(told.values()) <= {"403", "404", "405"}, row
        if row["scope"] in SCOPES:
            assert all(told[role] in ("403", "404", "405") for role in ("SA", "SE", "AU", "B")), row
        assert not any(status.startswith("5") for status in told.values()), row
