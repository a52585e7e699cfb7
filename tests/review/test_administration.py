"""Two administrators for every change: nothing takes effect before, nobody approves their own, and the three stay three people."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from procuratorate import PASSWORD, House

from jcml.review import changes, handling
from jcml.review.models import (
    Change,
    Clue,
    DueRule,
    Event,
    Grant,
    ReasonCode,
    SpecialDay,
    Unit,
    User,
)
from jcml.review.refusal import Refusal

Browse = Callable[[User], Client]


@pytest.fixture
def pair(house: House, browse: Browse) -> tuple[Client, Client]:
    """A system and a security administrator of the whole tree."""
    return browse(house.person("sa", "SA", unit=house.province)), browse(house.person("se", "SE", unit=house.province))


def ask(client: Client, change: str, **form: Any) -> Any:
    return client.post("/administration/ask", {"change": change, **form})


def approve(client: Client, **more: Any) -> Any:
    return client.post(f"/administration/{Change.objects.latest('pk').pk}/decide", {"decision": "approve", **more})


GRANT = {"role": "R", "unit": "990101", "department": "", "scenario": ""}


def test_a_new_user_waits_for_approval_and_then_changes_the_password_first(house: House, pair: tuple[Client, Client]) -> None:
    sa, se = pair
    answer = ask(sa, "user.add", username="qian", name="钱检察官", **GRANT)
    password = re.search(r"<code>([\w-]{19})</code>", answer.content.decode())
    assert password and not User.objects.filter(username="qian").exists()
    assert password[1] not in sa.get("/administration").content.decode()
    assert password[1] not in json.dumps(Change.objects.get().content) and not Event.objects.filter(detail__contains=password[1]).exists()
    assert not Event.objects.filter(detail__contains="argon2").exists()
    assert Client().post("/login", {"username": "qian", "password": password[1]}).status_code == 401
    assert approve(se).status_code == 302
    assert "password" not in Change.objects.get().content
    qian = Client()
    assert qian.post("/login", {"username": "qian", "password": password[1]}).status_code == 302
    assert qian.get("/").headers["Location"] == qian.get("/queue").headers["Location"] == "/password"
    assert qian.get("/password").status_code == 200
    assert qian.post("/password", {"old_password": password[1], "new_password1": PASSWORD, "new_password2": PASSWORD}).status_code == 302
    assert qian.get("/").status_code == 200
    assert [e.what for e in Event.objects.filter(kind="change").order_by("seq")] == ["change.asked", "change.approved"]


def test_nobody_approves_their_own_change_or_one_about_themselves(house: House, pair: tuple[Client, Client], browse: Browse) -> None:
    sa, se = pair
    ask(sa, "due.set", rule="high", days="7", working="yes", basis="")
    assert approve(sa).status_code == 403  # the role
    both = User.objects.get(username="sa")
    Grant.objects.create(user=both, role="SE", unit=house.province)  # somebody put it into the database
    assert approve(browse(both)).status_code == 403 and DueRule.objects.get(what="high").days == 5
    assert Event.objects.filter(what="act.refused", kind="change").exists()
    house.person("other", "SE", unit=house.province)
    ask(sa, "user.deactivate", username="se")
    assert approve(se).status_code == 403 and User.objects.get(username="se").is_active
    assert approve(browse(User.objects.get(username="other"))).status_code == 302 and not User.objects.get(username="se").is_active


def test_three_administrators_are_three_people(house: House, pair: tuple[Client, Client]) -> None:
    sa, _ = pair
    house.person("au", "AU")
    house.person("li", "R")
    for username, role in (("sa", "SE"), ("se", "SA"), ("sa", "AU"), ("au", "SA"), ("au", "SE"), ("sa", "R"), ("li", "AU")):
        assert ask(sa, "grant.add", username=username, role=role, unit="990101").status_code == 422, (username, role)
    assert not Change.objects.exists() and ask(sa, "grant.add", username="li", role="C", unit="990101").status_code == 302


def test_the_rule_of_three_holds_when_the_change_is_approved_too(house: House, pair: tuple[Client, Client]) -> None:
    sa, se = pair
    new = house.person("new")
    ask(sa, "grant.add", username="new", role="AU", unit="990101")
    Grant.objects.create(user=new, role="R", unit=house.first)
    assert approve(se).status_code == 422 and not Grant.objects.filter(role="AU").exists()
    assert Change.objects.get().approved is None


def test_a_deactivated_user_is_out_at_once_and_holds_nothing(house: House, pair: tuple[Client, Client], browse: Browse) -> None:
    sa, se = pair
    clue, other, *_ = house.clues(2)
    li = house.person("li", "R")
    client = browse(li)
    handling.claim(house.act(li), clue.pk)
    handling.claim(house.act(li), other.pk)
    handling.snooze(house.act(li), other.pk, timezone.localdate() + timezone.timedelta(5), "等待材料")
    ask(sa, "user.deactivate", username="li")
    assert client.get("/queue").status_code == 200  # not before it is approved
    approve(se)
    assert client.get("/queue").status_code == 302 and client.get("/queue").headers["Location"].startswith("/login")
    assert not [s for s in Session.objects.all() if s.get_decoded().get("_auth_user_id") == str(li.pk)]
    assert set(Clue.objects.values_list("state", "holder")) == {("queued", None)}
    assert Event.objects.filter(what="lease.released").count() == 2
    ask(sa, "user.activate", username="li")
    approve(se)
    assert User.objects.get(username="li").is_active


def test_a_role_that_is_taken_back_is_gone_with_its_sessions_and_leases(house: House, pair: tuple[Client, Client], browse: Browse) -> None:
    sa, se = pair
    clue, *_ = house.clues(1)
    li = house.person("li", "R")
    client = browse(li)
    handling.claim(house.act(li), clue.pk)
    ask(sa, "grant.remove", username="li", role="R", unit="990101")
    approve(se)
    assert not Grant.objects.filter(user=li).exists() and client.get("/queue").headers["Location"].startswith("/login")
    assert Clue.objects.get().state == "queued"


def test_the_last_administrators_stay(house: House, pair: tuple[Client, Client]) -> None:
    sa, _ = pair
    assert ask(sa, "user.deactivate", username="se").status_code == 422
    assert ask(sa, "grant.remove", username="sa", role="SA", unit="99").status_code == 422
    assert User.objects.get(username="se").is_active and Grant.objects.filter(role="SA").count() == 1  # the trial was taken back


def test_tables_change_when_they_are_approved(house: House, pair: tuple[Client, Client]) -> None:
    sa, se = pair
    steps: list[tuple[str, dict[str, Any], Callable[[], bool]]] = [
        ("unit.add", {"code": "990103", "zh": "丙区院", "en": "Third district", "parent": "9901"}, lambda: Unit.objects.filter(path="99/9901/990103/").exists()),
        ("unit.title", {"code": "990102", "zh": "乙区新院", "en": "New second district"}, lambda: Unit.objects.get(code="990102").zh == "乙区新院"),
        ("reason.add", {"code": "handled_elsewhere", "zh": "他院已办", "en": "handled elsewhere", "verdict": "explained", "active_from": "2026-01-01"}, lambda: ReasonCode.objects.filter(code="handled_elsewhere").exists()),
        ("reason.retire", {"code": "handled_elsewhere", "active_to": timezone.localdate().isoformat()}, lambda: ReasonCode.objects.get(code="handled_elsewhere").active_to is not None),
        ("due.set", {"rule": "high", "days": "7", "working": "no", "basis": "本院规定"}, lambda: (DueRule.objects.get(what="high").days, DueRule.objects.get(what="high").working) == (7, False)),
        ("day.set", {"day": "2027-01-01", "working": "no", "name": "元旦"}, lambda: SpecialDay.objects.filter(day="2027-01-01", working=False).exists()),
        ("day.remove", {"day": "2027-01-01"}, lambda: not SpecialDay.objects.exists()),
    ]
    for change, form, done in steps:
        assert ask(sa, change, **form).status_code == 302, change
        assert not done(), change
        assert approve(se).status_code == 302, change
        assert done(), change
    told = json.loads(Event.objects.filter(what="change.approved", detail__contains="due.set").get().detail)
    assert told["before"]["days"] == 5 and told["days"] == 7 and told["asked_by"] == "sa"
    page = se.get("/administration").content.decode()
    assert "5 → 7" in page


@pytest.mark.parametrize(("change", "form"), [
    ("reason.add", {"code": "time_barred", "zh": "x", "en": "x", "verdict": "explained", "active_from": "2026-01-01"}), ("reason.add", {"code": "Bad Code", "zh": "x", "en": "x", "verdict": "explained", "active_from": "2026-01-01"}),
    ("reason.add", {"code": "fine", "zh": "x", "en": "x", "verdict": "accepted", "active_from": "2026-01-01"}), ("reason.retire", {"code": "time_barred", "active_to": "2026-01-01"}),
    ("reason.retire", {"code": "none", "active_to": "2030-01-01"}), ("due.set", {"rule": "none", "days": "3"}), ("due.set", {"rule": "high", "days": "0"}), ("due.set", {"rule": "high", "days": "-1"}),
    ("day.set", {"day": "1 May", "name": "x"}), ("day.remove", {"day": "2027-01-01"}), ("unit.add", {"code": "9901", "zh": "x", "en": "x", "parent": "99"}),
    ("unit.add", {"code": "9/9", "zh": "x", "en": "x", "parent": "99"}), ("unit.add", {"code": "77", "zh": "", "en": "x", "parent": "99"}), ("user.add", {"username": "a b", "name": "x", **GRANT}),
    ("user.add", {"username": "sa", "name": "x", **GRANT}), ("grant.add", {"username": "nobody", **GRANT}), ("grant.add", {"username": "sa", "role": "XX", "unit": "99"}),
    ("user.deactivate", {"username": "nobody"}), ("user.activate", {"username": "sa"}), ("nothing", {}),
])
def test_what_cannot_be_done_cannot_be_asked_for(house: House, pair: tuple[Client, Client], change: str, form: dict[str, str]) -> None:
    assert ask(pair[0], change, **form).status_code == 422
    assert not Change.objects.exists() and not Event.objects.filter(kind="change").exists()


def test_the_same_is_not_asked_for_twice_and_not_decided_twice(house: House, pair: tuple[Client, Client]) -> None:
    sa, se = pair
    assert ask(sa, "user.add", username="qian", name="钱", **GRANT).status_code == 200
    assert ask(sa, "user.add", username="qian", name="钱", **GRANT).status_code == 409
    assert approve(se).status_code == 302 and approve(se).status_code == 409
    assert User.objects.filter(username="qian").count() == 1


def test_a_refused_change_says_why_and_does_nothing(house: House, pair: tuple[Client, Client]) -> None:
    sa, se = pair
    ask(sa, "due.set", rule="high", days="60", working="yes", basis="")
    pk = Change.objects.get().pk
    assert se.post(f"/administration/{pk}/decide", {"decision": "refuse"}).status_code == 422
    assert se.post(f"/administration/{pk}/decide", {"decision": "refuse", "because": "期限过长"}).status_code == 302
    assert DueRule.objects.get(what="high").days == 5 and "期限过长" in sa.get("/administration").content.decode()
    assert json.loads(Event.objects.get(what="change.refused").detail)["because"] == "期限过长"


def test_administrators_of_one_unit_change_nothing_beside_it(house: House, browse: Browse) -> None:
    sa, se = browse(house.person("sa1", "SA")), browse(house.person("se2", "SE", unit=house.second))
    house.person("away", "R", unit=house.second)
    assert ask(sa, "grant.add", username="away", role="C", unit="990102").status_code == 404
    assert ask(sa, "user.deactivate", username="away").status_code == 404
    assert ask(sa, "unit.add", code="990199", zh="x", en="x", parent="9901").status_code == 404
    assert "away" not in sa.get("/administration").content.decode()
    house.person("li", "R")
    assert ask(sa, "grant.add", username="li", role="C", unit="990101").status_code == 302
    assert approve(se).status_code == 404 and se.post("/administration/999999/decide", {"decision": "approve"}).status_code == 404
    assert not se.get("/administration").context["waiting"]


def test_others_stay_outside(house: House, browse: Browse) -> None:
    for n, role in enumerate(("R", "C", "L", "M", "D", "AU", "B")):
        client = browse(house.person(f"p{n}", role))
        assert client.get("/administration").status_code == ask(client, "day.set", day="2027-01-01", name="x").status_code == 403
        assert client.post("/administration/1/decide").status_code == 403
    assert ask(browse(house.person("se", "SE")), "day.set", day="2027-01-01", name="x").status_code == 403


def test_the_system_itself_asks_for_nothing(house: House) -> None:
    from jcml.review.journal import SYSTEM

    with pytest.raises(Refusal):
        changes.ask(SYSTEM, "day.set", {"day": "2027-01-01", "name": "x"})


def test_demo_users_and_people_of_a_directory_keep_their_way_in(house: House, browse: Browse) -> None:
    demo = User.objects.create_user("demo", PASSWORD, name="演示", is_demo=True)
    Grant.objects.create(user=demo, role="R", unit=house.first)
    assert browse(demo).get("/queue").status_code == 200
    assert browse(house.person("directory", "R")).get("/queue").status_code == 200  # no usable password here
    demo.is_demo = False
    demo.save()
    assert browse(demo).get("/queue").headers["Location"] == "/password"
