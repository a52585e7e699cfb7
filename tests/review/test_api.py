"""The API: runs in, labels out, clues handled, under the same rules and with the same answers as the pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from procuratorate import ACCEPTED, TEXT, House, decide, given_clue, propose, run_facts

from jcml.records import read_clues
from jcml.review import api, handling
from jcml.review.journal import SYSTEM
from jcml.review.models import Approval, Clue, Event, SealedName, ServiceToken, User, Verdict
from jcml.review.opening import issue_token
from jcml.workspace.example import example, example_list

Browse = Callable[[User], Client]
PROBLEM = "application/problem+json"


@pytest.fixture
def call(house: House) -> Callable[..., Any]:
    """A program with a token: `call(user)("POST", path, body)`."""

    def of(user: User) -> Callable[..., Any]:
        token = issue_token(SYSTEM, user, 1)

        def one(method: str, path: str, body: Any = None, kind: str = "application/json", **headers: str) -> Any:
            data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            return Client().generic(method, f"/api/v1/{path}", data, kind, headers={"Authorization": f"Bearer {token}", **headers})

        return one

    return of


def announced(run: str, clues: int, unit: str = "990101", **facts: Any) -> dict[str, Any]:
    return {
        "unit": unit, "title_zh": "行刑反向衔接", "title_en": "Reverse link", "department": "administrative",
        "facts": {**run_facts(run, clues), "clues_digest": "0" * 64, **facts},
    }


def chunk(run: str, numbers: range) -> bytes:
    return "".join(given_clue(n, run).to_line() for n in numbers).encode()


def send(call: Callable[..., Any], run: str, body: bytes, kind: str = api.LINES) -> Any:
    return call("PUT", f"runs/{run}/clues", body, kind, **{"Content-Digest": api.whole_digest(body)})


def test_a_run_comes_in_by_chunks_and_is_visible_all_at_once(house: House, call: Callable[..., Any]) -> None:
    bot, li = call(house.person("bot", "B")), house.person("li", "R")
    assert bot("POST", "runs", announced("r1", 5)).json()["clues_there"] == 0
    assert send(bot, "r1", chunk("r1", range(3))).json() == {"new": 3, "there": 3, "expected": 5}
    early = bot("POST", "runs/r1/publish")
    assert early.status_code == 409 and early.headers["Content-Type"] == PROBLEM and "JC7103" in early.json()["detail"]
    again = [json.loads(given_clue(n, "r1").to_line()) for n in range(1, 5)]
    assert send(bot, "r1", json.dumps(again).encode(), api.JSON).json() == {"new": 2, "there": 5, "expected": 5}
    assert not handling.policy.clues(li).exists(), "nobody sees half a run"
    assert bot("POST", "runs/r1/publish").json()["published"] == bot("POST", "runs/r1/publish").json()["published"]
    assert handling.policy.clues(li).count() == 5
    assert [e.what for e in Event.objects.filter(kind="run")] == ["run.received", "run.published"]
    late = send(bot, "r1", chunk("r1", range(7, 8)))
    assert late.status_code == 409 and Clue.objects.count() == 5, "a published run takes no more clues"


def test_the_engines_own_lines_are_taken_as_they_are(house: House, call: Callable[..., Any]) -> None:
    _, store = example()
    publication = example_list().publication
    path = store.root / publication.file
    facts = json.loads((store.root / "runs" / f"{publication.model}-{publication.as_of}-{publication.run[:12]}" / "run.json").read_text())
    bot = call(house.person("bot", "B"))
    assert bot("POST", "runs", {**announced("x", 1), "facts": facts}).status_code == 200
    body = path.read_bytes()
    assert send(bot, publication.run, body).json()["new"] == publication.clues
    assert bot("POST", f"runs/{publication.run}/publish").status_code == 200
    assert {c.id for c in read_clues(path)} == set(Clue.objects.values_list("id", flat=True))
    as_list = json.dumps([json.loads(line) for line in body.splitlines()]).encode()
    assert send(bot, publication.run, as_list, api.JSON).json()["new"] == 0, "the same content in either form"


@pytest.mark.parametrize(
    ("spoil", "status", "lacks"),
    [
        ({"rank": "first"}, 422, "rank"), ({"margin": True}, 422, "margin"), ({"extra": 1}, 422, "extra"), ({"schema": "jcml.clue/9"}, 422, "schema"),
        ({"as_of": "2025-02-30"}, 422, "as_of"), ({"band": "purple"}, 422, "band"), ({"id": "x" * 41}, 422, "id"), ({"rank": 2**40}, 422, "rank"),
        ({"unit": {}}, 422, "unit"), ({"model": "m" * 81}, 422, "model"),
    ],
)
def test_a_clue_that_is_none_is_refused_by_its_field(house: House, call: Callable[..., Any], spoil: dict[str, Any], status: int, lacks: str) -> None:
    bot = call(house.person("bot", "B"))
    bot("POST", "runs", announced("r1", 1))
    body = json.dumps([{**json.loads(given_clue(0, "r1").to_line()), **spoil}]).encode()
    answer = send(bot, "r1", body, api.JSON)
    assert (answer.status_code, answer.json()["lacks"]) == (status, [lacks])
    assert not Clue.objects.exists()


def test_a_clue_without_reasons_and_one_of_another_run_are_refused(house: House, call: Callable[..., Any]) -> None:
    bot = call(house.person("bot", "B"))
    bot("POST", "runs", announced("r1", 1))
    empty = {**json.loads(given_clue(0, "r1").to_line()), "reasons_for": [], "reasons_against": []}
    assert "JC6101" in send(bot, "r1", json.dumps([empty]).encode(), api.JSON).json()["detail"]
    assert "JC7102" in send(bot, "r1", given_clue(0, "r2").to_line().encode()).json()["detail"]
    assert not Clue.objects.exists()


def test_a_chunk_must_be_whole_and_no_longer_than_a_thousand(house: House, call: Callable[..., Any], settings: Any) -> None:
    bot = call(house.person("bot", "B"))
    bot("POST", "runs", announced("r1", 1))
    body = chunk("r1", range(1))
    damaged = bot("PUT", "runs/r1/clues", body, api.LINES, **{"Content-Digest": api.whole_digest(body + b" ")})
    assert (damaged.status_code, damaged.json()["lacks"]) == (422, ["content_digest"])
    assert bot("PUT", "runs/r1/clues", body, api.LINES).status_code == 422, "a digest is not optional"
    assert send(bot, "r1", b"[" + b"{}," * 1000 + b"{}]", api.JSON).json()["lacks"] == ["clues"]
    assert send(bot, "r1", b"not json").status_code == 400
    assert send(bot, "r1", b'[{"a": "\\u0000"}]', api.JSON).status_code == 400
    assert send(bot, "r1", b'[{"a": "\\ud800"}]', api.JSON).status_code == 400
    assert send(bot, "r1", b"[" * 100_000, api.JSON).status_code == 400
    assert send(bot, "r1", body, "text/csv").status_code == 415
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    too_big = send(bot, "r1", body)
    assert (too_big.status_code, too_big.headers["Content-Type"]) == (413, PROBLEM)


def test_a_second_run_for_the_same_day_needs_its_reason(house: House, call: Callable[..., Any]) -> None:
    bot = call(house.person("bot", "B"))
    bot("POST", "runs", announced("r1", 1))
    assert bot("POST", "runs", announced("r1", 1)).status_code == 200, "the same run again"
    refused = bot("POST", "runs", announced("r2", 1))
    assert refused.status_code == 409 and "JC7101" in refused.json()["detail"]
    assert bot("POST", "runs", announced("r2", 1, supersede="数据更正")).status_code == 200
    other = bot("POST", "runs", announced("r1", 1, clues_digest="1" * 64))
    assert other.status_code == 409


def test_only_a_batch_account_brings_runs_and_only_for_its_unit(house: House, call: Callable[..., Any]) -> None:
    li, away = call(house.person("li", "R")), call(house.person("away", "B", unit=house.second))
    assert li("POST", "runs", announced("r1", 1)).status_code == 403
    assert away("POST", "runs", announced("r1", 1)).status_code == 404
    assert away("POST", "runs", announced("r1", 1, unit="nowhere")).status_code == 404
    call(house.person("bot", "B"))("POST", "runs", announced("r1", 1))
    nothing = send(away, "r9", chunk("r9", range(1)))
    theirs = send(away, "r1", chunk("r1", range(1)))
    assert nothing.status_code == theirs.status_code == 404 and nothing.json() == theirs.json()
    assert away("POST", "runs/r1/publish").status_code == 404
    assert not Clue.objects.exists()


def test_a_clue_is_read_claimed_decided_and_approved(house: House, call: Callable[..., Any]) -> None:
    clue, *_ = house.clues(1)
    li, wang = call(house.person("li", "R")), call(house.person("wang", "C"))
    seen = li("GET", f"clues/{clue.pk}")
    assert seen.json()["content"]["reasons_for"][0]["statement"]["feature"] == "no_penalty"
    assert "潘某某" not in seen.content.decode() and SealedName.objects.exists()
    assert Event.objects.filter(what="clue.opened", actor="li").count() == 1
    taken = li("POST", f"clues/{clue.pk}/claim").json()
    assert (taken["state"], taken["holder"]) == ("claimed", "li")
    assert wang("POST", f"clues/{clue.pk}/claim").status_code == 409
    said = {
        "version": taken["version"], "evidence_digest": taken["evidence_digest"], "kind": "accepted", "subtype": "advice", "text": TEXT,
        "department": "administrative", "worth_checking": True, "feedback": {"no_penalty": "true"},
    }
    assert li("POST", f"clues/{clue.pk}/verdict", {**said, "text": "短"}).json()["lacks"] == ["text"]
    stale = li("POST", f"clues/{clue.pk}/verdict", {**said, "version": 0})
    assert stale.status_code == 409 and ("0", str(taken["version"])) in {(d["theirs"], d["now"]) for d in stale.json()["differs"]}
    made = li("POST", f"clues/{clue.pk}/verdict", said).json()
    assert (made["standing"], made["clue"]["state"]) == ("proposed", "proposed")
    decision = {"version": made["clue"]["version"], "evidence_digest": made["clue"]["evidence_digest"], "text": "同意"}
    assert li("POST", f"clues/{clue.pk}/approve", decision).status_code == 403
    assert Event.objects.filter(what="act.refused", actor="li").count() == 0, "a prosecutor has no such role at all"
    assert wang("POST", f"clues/{clue.pk}/return", {**decision, "text": " "}).status_code == 422
    done = wang("POST", f"clues/{clue.pk}/approve", decision).json()
    assert (done["standing"], done["clue"]["state"]) == ("stands", "closed")
    assert wang("POST", f"clues/{clue.pk}/approve", decision).status_code == 409
    assert Approval.objects.count() == 1


def test_nobody_approves_their_own_and_the_attempt_is_in_the_log(house: House, call: Callable[..., Any]) -> None:
    clue, *_ = house.clues(1)
    wang = house.person("wang", "C")
    handling.claim(house.act(wang), clue.pk)
    propose(house, wang, clue)
    clue.refresh_from_db()
    answer = call(wang)("POST", f"clues/{clue.pk}/approve", {"version": clue.version, "evidence_digest": clue.evidence_digest})
    assert answer.status_code == 403 and Event.objects.filter(what="act.refused", actor="wang").count() == 1


def test_a_returned_verdict_goes_back_to_its_author(house: House, call: Callable[..., Any]) -> None:
    clue, *_ = house.clues(1)
    li, wang = house.person("li", "R"), call(house.person("wang", "C"))
    handling.claim(house.act(li), clue.pk)
    propose(house, li, clue)
    clue.refresh_from_db()
    back = wang("POST", f"clues/{clue.pk}/return", {"version": clue.version, "evidence_digest": clue.evidence_digest, "text": "请补充期限"})
    assert (back.json()["standing"], back.json()["clue"]["holder"]) == ("returned", "li")
    assert call(li)("POST", f"clues/{clue.pk}/release").json()["state"] == "queued"


def test_out_of_scope_is_exactly_like_not_there(house: House, call: Callable[..., Any]) -> None:
    clue, *_ = house.clues(1)
    away = call(house.person("away", "C", unit=house.second))
    decision = {"version": 1, "evidence_digest": clue.evidence_digest}
    for method, path, body in (
        ("GET", "", None), ("POST", "/claim", None), ("POST", "/release", None), ("POST", "/approve", decision), ("POST", "/return", decision),
        ("POST", "/verdict", {**decision, "kind": "duplicate", "linked": "XS1"}),
    ):
        there, nowhere = away(method, f"clues/{clue.pk}{path}", body), away(method, f"clues/nothing{path}", body)
        assert there.status_code == nowhere.status_code == 404, path
        assert there.json() == nowhere.json(), path
    management = call(house.person("m", "M"))
    assert management("GET", f"clues/{clue.pk}").status_code == 403
    assert call(house.person("au", "AU"))("GET", f"clues/{clue.pk}").status_code == 403


def test_a_blind_sample_shows_no_score_before_a_first_opinion(house: House, call: Callable[..., Any]) -> None:
    clue, *_ = house.clues(1)
    Clue.objects.update(blind=True)
    user = house.person("li", "R")
    shown = call(user)("GET", f"clues/{clue.pk}").json()["content"]
    assert not set(shown) & set(api.SCORES) and shown["reasons_for"]
    handling.claim(house.act(user), clue.pk)
    handling.say_of_reason(house.act(user), clue.pk, "no_penalty", "true")
    assert set(api.SCORES) <= set(call(user)("GET", f"clues/{clue.pk}").json()["content"])


def test_the_same_key_is_carried_out_once(house: House, call: Callable[..., Any]) -> None:
    clue, *_ = house.clues(2)
    li = call(house.person("li", "R"))
    taken = li("POST", f"clues/{clue.pk}/claim", **{"Idempotency-Key": "k1"})
    again = li("POST", f"clues/{clue.pk}/claim", **{"Idempotency-Key": "k1"})
    assert taken.json() == again.json() and Event.objects.filter(what="clue.claimed").count() == 1
    other = li("POST", f"clues/{clue.pk}/release", **{"Idempotency-Key": "k1"})
    assert other.status_code == 409
    said = {"version": taken.json()["version"], "evidence_digest": clue.evidence_digest, "kind": "duplicate", "linked": "XS-1"}
    first = li("POST", f"clues/{clue.pk}/verdict", said, **{"Idempotency-Key": "k2"})
    second = li("POST", f"clues/{clue.pk}/verdict", said, **{"Idempotency-Key": "k2"})
    assert first.json() == second.json() and Verdict.objects.count() == 1
    assert li("POST", f"clues/{clue.pk}/verdict", {**said, "linked": "XS-2"}, **{"Idempotency-Key": "k2"}).status_code == 409


def test_labels_are_pseudonymous_and_paged(house: House, call: Callable[..., Any]) -> None:
    li, wang = house.person("li", "R"), house.person("wang", "C")
    for clue in house.clues(3):
        handling.claim(house.act(li), clue.pk)
        propose(house, li, clue, ACCEPTED)
        decide(house, wang, clue)
    reader = call(house.person("d", "D", unit=house.city))
    first = reader("GET", "labels?limit=2").json()
    rest = reader("GET", f"labels?limit=2&cursor={first['cursor']}").json()
    assert [len(first["labels"]), len(rest["labels"]), first["end"], rest["end"]] == [2, 1, False, False]
    assert reader("GET", f"labels?cursor={rest['cursor']}").json() == {"labels": [], "cursor": rest["cursor"], "end": True}
    assert {row["outcome"] for row in first["labels"]} == {"confirmed"} and "潘" not in json.dumps(first, ensure_ascii=False)
    tomorrow = (timezone.localdate() + timedelta(1)).isoformat()
    assert reader("GET", f"labels?since={tomorrow}").json()["labels"] == []
    assert Event.objects.filter(what="labels.read", actor="d").count() == 4
    assert call(li)("GET", "labels").status_code == 403
    assert call(house.person("other", "D", unit=house.second))("GET", "labels").json()["labels"] == []


def test_a_session_needs_its_csrf_token_and_a_stranger_nothing_helps(house: House, browse: Browse) -> None:
    clue, *_ = house.clues(1)
    li = house.person("li", "R")
    stranger = Client()
    for method, path in (("GET", f"clues/{clue.pk}"), ("POST", f"clues/{clue.pk}/claim"), ("GET", "labels"), ("POST", "runs/r/publish")):
        answer = stranger.generic(method, f"/api/v1/{path}")
        assert (answer.status_code, answer.headers["WWW-Authenticate"], answer.headers["Content-Type"]) == (401, "Bearer", PROBLEM)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(li, backend="jcml.review.sign_on.PasswordBackend")
    assert strict.get(f"/api/v1/clues/{clue.pk}").status_code == 200
    refused = strict.post(f"/api/v1/clues/{clue.pk}/claim", content_type="application/json")
    assert (refused.status_code, refused.headers["Content-Type"]) == (403, PROBLEM)
    assert Clue.objects.get().state == "queued"
    page = strict.get("/queue").content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    assert strict.post(f"/api/v1/clues/{clue.pk}/claim", content_type="application/json", headers={"X-CSRFToken": token}).status_code == 200
    assert strict.post(f"/api/v1/clues/{clue.pk}/claim", {"a": "b"}).status_code == 415, "a form is no JSON"


def test_a_token_that_is_wrong_old_or_of_somebody_gone_opens_nothing(house: House, call: Callable[..., Any], browse: Browse) -> None:
    house.clues(1)
    user = house.person("bot", "B")
    good = call(user)
    assert good("POST", "runs", announced("r1", 1)).status_code in (200, 409)
    assert ServiceToken.objects.get().digest not in Event.objects.get(what="token.issued").detail
    li = browse(house.person("li", "R"))
    assert li.get("/api/v1/labels", headers={"Authorization": "Bearer jcml_wrong"}).status_code == 401, "a session does not mend a wrong token"
    ServiceToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert good("GET", "labels").status_code == 401
    ServiceToken.objects.update(expires=timezone.now() + timedelta(days=1))
    assert good("GET", "labels").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert good("GET", "labels").status_code == 401


def test_probes_answer_and_name_nobody(house: House, call: Callable[..., Any]) -> None:
    house.clues(2)
    house.person("li", "R")
    assert Client().get("/healthz").content == b"ok\n"
    ready = Client().get("/readyz")
    assert (ready.status_code, ready.json()["migrations_pending"], ready.json()["database"]) == (200, 0, True)
    here = Client().get("/metrics").content.decode()
    assert 'jcml_clues{state="queued"} 2' in here and "li" not in here.replace("clues", "").replace("published", "").replace("visible", "").split()
    assert Client(REMOTE_ADDR="10.1.2.3").get("/metrics").status_code == 403
    assert Client().get("/metrics", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 403, "behind a gateway everybody is local"
    token = issue_token(SYSTEM, house.person("bot", "B"), 1)
    assert Client(REMOTE_ADDR="10.1.2.3").get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_database_that_is_behind_is_not_ready(house: House) -> None:
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="review", name="0003_beginnings").delete()
    ready = Client().get("/readyz")
    assert (ready.status_code, ready.json()["migrations_pending"]) == (503, 1)


def test_the_description_is_fresh() -> None:
    """`make docs` writes it."""
    path = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
    assert path.read_text(encoding="utf-8") == api.document_text()
    made = json.loads(path.read_text(encoding="utf-8"))
    assert made["openapi"].startswith("3.1")
    for name, operations in made["paths"].items():
        for method, operation in operations.items():
            assert {"401", "403"} <= set(operation["responses"]), (method, name)
            assert operation["security"] and operation["description"], (method, name)


def test_no_page_of_a_cdn_is_served() -> None:
    for path in ("docs", "openapi.json"):
        answer = Client().get(f"/api/v1/{path}")
        assert answer.status_code == 404, path
