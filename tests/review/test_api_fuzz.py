"""The real application, asked everything that its description allows and much that it does not, by people of three roles.

Most generated ids, versions and digests are replaced by ones that exist, so that requests get past the first check; what each
request did is rolled back, so that the next one meets the same clues.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from procuratorate import House, given_clue, propose
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from jcml.review import api, handling
from jcml.review.intake import begin_run
from jcml.review.journal import SYSTEM
from jcml.review.models import Clue, Event, User, Verdict
from jcml.review.opening import issue_token

CHECKS = [
    checks.not_a_server_error, openapi_checks.status_code_conformance, openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance, openapi_checks.response_schema_conformance, openapi_checks.negative_data_rejection,
    openapi_checks.unsupported_method, openapi_checks.missing_required_header,
]
"""All but two: a verdict of the right shape may still lack something (422), and a session is no header that could be left out."""
RUN = "a" * 20
CLUES: list[Clue] = []


def as_lines(context: Any, value: Any) -> bytes:
    """JSON lines travel as the text they are."""
    if isinstance(value, bytes):
        return value
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


def description() -> dict[str, Any]:
    """What is checked in, without who may call: everybody here proves who they are, so that no invented proof stands in the way."""
    made = api.document()
    del made["components"]["securitySchemes"]
    for operations in made["paths"].values():
        for operation in operations.values():
            del operation["security"]
    return made


schemathesis.serializer(api.LINES)(as_lines)
DEEP = {"include-name": "PUT /api/v1/runs/{run_id}/clues", "phases": {"coverage": {"enabled": False}}}  # thousands of ways to spoil a clue: test_api.py has them by name
schema = schemathesis.openapi.from_dict(description(), config=schemathesis.Config.from_dict({"operations": [DEEP]}))
schema.app = get_wsgi_application()


def drawn(value: Any, ways: int) -> int:
    """A choice that depends on nothing but the generated value, so that a failure can be repeated."""
    return sum(json.dumps(value, default=str).encode()) // 7 % ways


def aim(case: Any) -> None:
    """Of requests that are as they should be, let most concern what exists: a clue in the queue, one in hand, one that waits; an announced run."""
    names, body = case.path_parameters or {}, case.body
    if case.meta.generation.mode is schemathesis.GenerationMode.POSITIVE:
        chosen = CLUES[drawn(names, 3)]
        if isinstance(body, dict) and "evidence_digest" in body and drawn(body, 3):
            chosen = CLUES[1] if "kind" in body else CLUES[2]
            body |= {"version": chosen.version, "evidence_digest": chosen.evidence_digest}
            if body.get("kind") in ("duplicate", "unsure", "pending"):
                body |= {"linked": "XS", "missing": "x", "due_on": "2099-01-05", "next_step": "x", "feedback": {}, "target_unit": ""}
        if isinstance(body, dict) and "facts" in body and drawn(body, 3):
            body["unit"] = "990101"
        if case.media_type == api.LINES and drawn(body, 3):
            case.body = "".join(given_clue(n, RUN).to_line() for n in range(2))
        if isinstance(body, list) and drawn(body, 3):
            case.body = [json.loads(given_clue(n, RUN).to_line()) for n in range(2)]
        if drawn([names, body], 4):
            names |= {"clue_id": chosen.pk} if "clue_id" in names else {"run_id": RUN} if "run_id" in names else {}
    if re.fullmatch(r"sha-256=:[0-9A-Za-z+/]{43}=:", str((case.headers or {}).get("Content-Digest", ""))) and drawn(case.headers["Content-Digest"], 4):
        plain = isinstance(case.body, bytes) or case.media_type == api.LINES
        case.headers["Content-Digest"] = api.whole_digest(as_lines(None, case.body) if plain else json.dumps(case.body).encode())


@pytest.fixture
def callers(house: House) -> Iterator[dict[str, dict[str, Any]]]:
    """How a batch account, a prosecutor and a checker prove who they are; and the clues that they meet."""
    li, wang, bot = house.person("li", "R"), house.person("wang", "C", "D"), house.person("bot", "B")
    _queued, held, proposed, *_ = clues = house.clues(4)
    handling.claim(house.act(li), held.pk)
    handling.claim(house.act(li), proposed.pk)
    propose(house, li, proposed)
    begin_run(SYSTEM, house.first, {"run": RUN, "model": "another", "version": 1, "as_of": "2025-12-01", "scored": 9, "clues": 0, "clues_digest": "0" * 64}, ("甲", "A"), "general")
    for clue in clues:
        clue.refresh_from_db()
    CLUES[:] = clues
    token = issue_token(SYSTEM, bot, 1)

    def session(user: User) -> dict[str, Any]:
        client = Client(enforce_csrf_checks=True)
        client.force_login(user, backend="jcml.review.sign_on.PasswordBackend")
        page = client.get("/queue").content.decode()
        csrf = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        return {"cookies": {name: morsel.value for name, morsel in client.cookies.items()}, "headers": {"X-CSRFToken": csrf}}

    proofs = {"batch": {"headers": {"Authorization": f"Bearer {token}"}}, "prosecutor": session(li), "checker": session(wang)}
    for signal in (request_started, request_finished):  # as Django's own test client does: the connection is the test's
        signal.disconnect(close_old_connections)
    yield proofs
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    CLUES.clear()


@schema.parametrize()
@pytest.mark.parametrize("who", ["batch", "prosecutor", "checker"])
@settings(
    max_examples=20, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
def test_every_answer_is_one_that_the_description_promises(case: Any, who: str, callers: dict[str, dict[str, Any]]) -> None:
    before = (Event.objects.count(), Verdict.objects.count(), list(Clue.objects.order_by("pk").values_list("version", "state")))
    aim(case)
    with transaction.atomic():
        case.call_and_validate(checks=CHECKS, **callers[who])
        transaction.set_rollback(True)
    assert before == (Event.objects.count(), Verdict.objects.count(), list(Clue.objects.order_by("pk").values_list("version", "state")))
