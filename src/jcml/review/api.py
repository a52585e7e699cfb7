"""The API: programs bring runs and fetch labels, and a person's own tools handle clues, under the same rules as the pages.

Whoever calls it proves who they are by a service token (`Authorization: Bearer`) or by the session of a browser, which then
needs its CSRF token too. Refusals are `application/problem+json` with the status that a page would have.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache, wraps
from hashlib import sha256
from typing import Annotated, Any, Literal, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from ninja import Header, NinjaAPI, Path, Query, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser
from ninja.security import HttpBearer, SessionAuth
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic import ValidationError as NotThatShape

from jcml.errors import DataError, JcmlError
from jcml.records import SCHEMA, read_clue
from jcml.records import Clue as GivenClue
from jcml.review import handling, labels, policy
from jcml.review.guard import actor_of, person
from jcml.review.intake import add_clues, begin_run, publish_run
from jcml.review.journal import record_alone
from jcml.review.models import BANDS, Answered, Clue, FirstView, Run, User
from jcml.review.opening import holder_of
from jcml.review.refusal import Refusal
from jcml.review.verdicts import KINDS, Opinion

CHUNK = 1000
JSON, LINES, PROBLEM = "application/json", "application/x-ndjson", "application/problem+json"
CONFLICTS = ("JC7101", "JC7103")
"""Errors that say that things stand otherwise now, not that the request is incomplete."""
SCORES = ("margin", "base", "rest", "probability", "band", "rank", "selected", "chance", "promise")
"""What a blind sample does not show before a first opinion."""
WHOLE = 2**31 - 1
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # a database keeps no text with a NUL in it


def iso(given: Any) -> Any:
    """A day as 2025-01-31 and in no other way: pydantic would take a number for seconds since 1970.

    >>> iso("2025-01-31")
    '2025-01-31'
    """
    if isinstance(given, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", given):
        raise ValueError("2025-01-31")
    if isinstance(given, int | float):
        raise ValueError("2025-01-31")
    return given


Day = Annotated[date, BeforeValidator(iso)]


# -- what is asked and answered ------------------------------------------------------------------------------------------


class Asked(Schema):
    """A body; a key that it should not have is an error."""

    model_config = ConfigDict(extra="forbid")


class Facts(Schema):
    """What the engine says of a run in its `run.json`; more keys than these are kept as they are."""

    model_config = ConfigDict(extra="allow")
    run: str = Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")
    model: str = Field(pattern=r"^[0-9a-z_]{1,80}$")
    version: int = Field(ge=0, le=WHOLE)
    as_of: Day
    scored: int = Field(ge=0, le=WHOLE)
    clues: int = Field(ge=0, le=1_000_000)
    clues_digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    supersede: str = Field("", max_length=400)


class Announced(Asked):
    """A run that is coming."""

    unit: str = Field(pattern=r"^[0-9A-Za-z]{1,32}$", description="Code of the procuratorate that is to handle its clues.")
    title_zh: str = Field(min_length=1, max_length=200, description="Title of the supervision model.")
    title_en: str = Field(min_length=1, max_length=200)
    department: str = Field("", max_length=40, description="Code of the department; `general` where it is not known.")
    facts: Facts


class RunState(Schema):
    """A run as it stands here."""

    run: str
    model: str
    unit: str
    as_of: date
    version: int
    clues_expected: int
    clues_there: int
    published: datetime | None


class Taken(Schema):
    """What came of a chunk."""

    new: int
    there: int
    expected: int


class ClueState(Schema):
    """Where the handling of a clue stands; `version` and `evidence_digest` go back with a verdict."""

    id: str
    number: str
    state: str
    holder: str | None
    lease_until: datetime | None
    due_on: date
    version: int
    evidence_digest: str


class ClueContent(ClueState):
    """A clue to read: masked, and for a blind sample without its score."""

    model: str
    unit: str
    as_of: date
    blind: bool
    content: dict[str, Any]


class Said(Asked):
    """A verdict."""

    version: int = Field(ge=0, le=WHOLE)
    evidence_digest: str = Field(max_length=64)
    kind: Literal[tuple(KINDS)]  # type: ignore[valid-type]
    subtype: str = Field("", max_length=40)
    reason_code: str = Field("", max_length=40)
    text: str = Field("", max_length=5000)
    department: str = Field("", max_length=40)
    due_on: Day | None = None
    next_step: str = Field("", max_length=1000)
    wrong_field: str = Field("", max_length=200)
    linked: str = Field("", max_length=200)
    target_unit: str = Field("", max_length=32)
    missing: str = Field("", max_length=1000)
    worth_checking: bool | None = None
    feedback: dict[str, Literal["true", "false", "irrelevant", "unverifiable"]] = Field(default_factory=dict)


class Decided(Asked):
    """The second person's word."""

    version: int = Field(ge=0, le=WHOLE)
    evidence_digest: str = Field(max_length=64)
    text: str = Field("", max_length=5000)


class VerdictState(Schema):
    """A verdict as it stands, and its clue."""

    verdict: int
    kind: str
    standing: str
    second: bool
    clue: ClueState


class Label(Schema):
    """A verdict that stands, pseudonymous; of several rows of one clue the one with the greatest cursor holds."""

    cursor: int
    verdict: int
    clue: str
    number: str
    model: str
    version: int
    run: str
    office: str
    unit: dict[str, str]
    reviewed_as_of: date
    channel: str
    outcome: str
    reason: str
    decided_on: date
    worth_checking: bool | None
    feedback: dict[str, str]


class Labels(Schema):
    """A page of labels; `cursor` asks for the next one, `end` says that there is none yet."""

    labels: list[Label]
    cursor: int
    end: bool


class Difference(Schema):
    """What is not as the caller had it."""

    what: str
    theirs: str
    now: str


class Problem(Schema):
    """Why something was not done (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    lacks: list[str] = Field(default_factory=list)
    differs: list[Difference] = Field(default_factory=list)


# -- who calls -----------------------------------------------------------------------------------------------------------


def media(request: HttpRequest) -> None:
    """Refuse a body that is not JSON before anything else reads it."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    kind = (request.content_type or "").lower()
    if kind.startswith("multipart/") or (length != "0" and request.method not in ("GET", "HEAD") and kind not in (JSON, LINES)):
        raise HttpError(415, "application/json")


class Token(HttpBearer):
    """A service token; a token that is wrong is not mended by a session beside it."""

    def __call__(self, request: HttpRequest) -> Any:
        """The person behind the token, None where there is no such header."""
        media(request)
        if not request.headers.get("Authorization"):
            return None
        found = super().__call__(request)
        if found is None:
            raise AuthenticationError
        return found

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The person, in whose language the answer speaks."""
        user = holder_of(token)
        if user is not None:
            request.user = user
            translation.activate(user.language)
        return user


class Session(SessionAuth):
    """The session of a browser, with its CSRF token."""


class StrictParser(Parser):
    """Bodies are JSON without NaN, NUL or depth without end."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The body, or ValueError."""
        return parsed(request.body)


def parsed(body: bytes) -> Any:
    """JSON as a database and every other reader takes it.

    >>> parsed(b'{"a": [1, 2]}')
    {'a': [1, 2]}
    >>> parsed(b'{"a": NaN}')
    Traceback (most recent call last):
    ...
    ValueError: NaN
    """
    if NUL.search(body):
        raise ValueError("\\u0000")
    try:
        content = json.loads(body, parse_constant=_no_constant)
        json.dumps(content, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except RecursionError:
        raise ValueError("depth") from None
    return content


def _no_constant(name: str) -> None:
    raise ValueError(name)


api = NinjaAPI(
    title="jcml", version="1", description="Runs come in, labels go out, and clues are handled under the rules of the workbench.",
    docs_url=None, openapi_url=None, auth=[Token(), Session(csrf=True)], parser=StrictParser(), urls_namespace="api",
)
RunId = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
ClueId = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,40}$")]
Key = Annotated[str, Header(alias="Idempotency-Key", max_length=80, pattern=r"^[!-~]*$", description="The same key gets the same answer and is carried out once.")]
Digest = Annotated[str, Header(alias="Content-Digest", pattern=r"^sha-256=:[0-9A-Za-z+/]{43}=:$", description="SHA-256 of the body (RFC 9530).")]
REFUSED = {401: Problem, 403: Problem, 404: Problem, 422: Problem}
WRITTEN: dict[int, Any] = {**REFUSED, 409: Problem, 413: Problem, 415: Problem}
FILLED: dict[int, Any] = {**WRITTEN, 400: Problem}


def once(view: Callable[..., Any]) -> Callable[..., Any]:
    """Carry a request with an `Idempotency-Key` out once; whoever sends it again gets the answer that was given."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return view(request, *args, **kwargs)
        user = person(request)
        asked = sha256(f"{request.method} {request.path}\n".encode() + request.body).hexdigest()
        with transaction.atomic():
            before = Answered.objects.select_for_update().filter(user=user, key=key).first()
            if before is None:
                result = view(request, *args, **kwargs)
                told = api.renderer.render(request, result.model_dump(), response_status=200)
                Answered.objects.create(user=user, key=key, route=request.path[:120], request=asked, status=200, body=told)
                return result
        if before.request != asked:
            raise Refusal(409, _("This form was sent before with other content; load the page again."))
        return HttpResponse(before.body, status=before.status, content_type=JSON)

    return answer


# -- runs ----------------------------------------------------------------------------------------------------------------


@api.post("/runs", response={200: RunState, **FILLED}, operation_id="announce_run")
@once
def announce_run(request: HttpRequest, body: Announced, idempotency_key: Key = "") -> RunState:
    """Announce a run. The same run again changes nothing; another one for the same model and day is refused unless it supersedes."""
    needed(request, "publish")
    unit = policy.acting_units(person(request), "publish").filter(code=body.unit).first()
    if unit is None:
        raise Refusal(404, _("Not there, or not yours."))
    facts = json.loads(body.facts.model_dump_json())
    return run_state(begin_run(actor_of(request, "publish"), unit, facts, (body.title_zh, body.title_en), body.department))


@api.put("/runs/{run_id}/clues", response={200: Taken, **FILLED}, operation_id="add_clues")
def put_clues(request: HttpRequest, run_id: RunId, content_digest: Digest) -> Taken:
    """Add up to 1,000 clues to a run that was announced: JSON lines as the engine writes them, or a list. Those that are there are left alone."""
    run = own_run(request, run_id)
    if content_digest != whole_digest(request.body):
        raise Refusal(422, _("The content is not what its digest says."), lacks=("content_digest",))
    new = add_clues(run, clues_of(request))
    return Taken(new=new, there=run.clues.count(), expected=run.clues_expected)


@api.post("/runs/{run_id}/publish", response={200: RunState, **WRITTEN}, operation_id="publish_run")
def publish(request: HttpRequest, run_id: RunId) -> RunState:
    """Make a complete run visible, all its clues at once. Again changes nothing."""
    return run_state(publish_run(actor_of(request, "publish"), own_run(request, run_id)))


def own_run(request: HttpRequest, run_id: str) -> Run:
    """A run of a unit in which the caller may publish."""
    needed(request, "publish")
    run = Run.objects.filter(pk=run_id, unit__in=policy.acting_units(person(request), "publish")).select_related("unit", "scenario").first()
    if run is None:
        raise Refusal(404, _("Not there, or not yours."))
    return run


def run_state(run: Run) -> RunState:
    """A run as it is told."""
    run.refresh_from_db()
    return RunState(
        run=run.key, model=run.scenario_id, unit=run.unit.code, as_of=run.as_of, version=run.version, clues_expected=run.clues_expected,
        clues_there=run.clues.count(), published=run.published,
    )


@cache
def shape() -> TypeAdapter[list[GivenClue]]:
    """What a list of clues must look like, to the letter.

    >>> shape().validate_python([])
    []
    """
    return TypeAdapter(list[GivenClue], config=ConfigDict(extra="forbid", strict=True, allow_inf_nan=False))


def clues_of(request: HttpRequest) -> list[GivenClue]:
    """The clues of a chunk, each as the engine would read it."""
    body = request.body
    if request.content_type == LINES:
        lines = [line for line in body.split(b"\n") if line.strip()]
        given = [_line(line, number) for number, line in enumerate(lines, 1)]
    else:
        try:
            given = parsed(body)
        except ValueError:
            raise HttpError(400, "JSON") from None
        if not isinstance(given, list):
            raise Refusal(422, _("Send a list of clues."), lacks=("clues",))
    if not 0 < len(given) <= CHUNK:
        raise Refusal(422, _("Send between one and a thousand clues at a time."), lacks=("clues",))
    return [_given(content, number) for number, content in enumerate(given, 1)]


def _line(line: bytes, number: int) -> Any:
    try:
        return parsed(line)
    except ValueError:
        raise HttpError(400, f"JSON: {number}") from None


def _given(content: Any, number: int) -> GivenClue:
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise Refusal(422, f"{number}: {SCHEMA}", lacks=("schema",))
    try:
        shape().validate_json(json.dumps([{k: v for k, v in content.items() if k != "schema"}]))
    except NotThatShape as error:
        where = [".".join(map(str, e["loc"][1:])) for e in error.errors(include_url=False, include_input=False)[:10]]
        raise Refusal(422, f"{number}: {', '.join(where)}", lacks=where) from None
    found = read_clue(json.dumps(content))
    if wrong := _too_long(found):
        raise Refusal(422, f"{number}: {wrong}", lacks=(wrong,))
    return found


def _too_long(clue: GivenClue) -> str:
    """What a column of the database would not take."""
    try:
        date.fromisoformat(clue.as_of)
    except ValueError:
        return "as_of"
    limits: dict[str, tuple[str, int]] = {
        "id": (clue.id, 40), "model": (clue.model, 80), "queue": (clue.queue, 40), "title_zh": (clue.title_zh.partition("·")[2], 200),
        "unit": ("|".join(clue.unit.values()), 200),
    }
    for name, (text, most) in limits.items():
        if len(text) > most:
            return name
    if not re.fullmatch(r"[0-9A-Za-z_-]+", clue.id) or clue.band not in BANDS or not clue.unit:
        return "id" if clue.band in BANDS and clue.unit else "band" if clue.band not in BANDS else "unit"
    if not 0 < clue.rank <= WHOLE or not 0 <= clue.scored <= WHOLE or not 0 <= clue.chance <= 1:
        return "rank"
    if any(len(r.statement.feature) > 80 for r in (*clue.reasons_for, *clue.reasons_against)):
        return "reasons"
    for row in clue.rows():
        texts = (row.table, row.row, row.digest, *(k.partition(":")[2] for k in row.keys.values()))
        if len(row.table) > 80 or any(len(text) > 200 for text in texts):
            return "rows"
    return ""


# -- labels --------------------------------------------------------------------------------------------------------------


@api.get("/labels", response={200: Labels, **{k: REFUSED[k] for k in (401, 403, 422)}}, operation_id="labels")
def read_labels(
    request: HttpRequest, since: Annotated[Day | None, Query(description="Decided on this day or later.")] = None,
    cursor: Annotated[int, Query(ge=0, le=2**53)] = 0, limit: Annotated[int, Query(ge=1, le=500)] = 500,
) -> Labels:
    """Verdicts that stand, pseudonymous, after a cursor: what a training run learns from."""
    needed(request, "labels")
    found = labels.rows(policy.clues(person(request), "labels"), cursor, limit)
    kept = [row for row in found if since is None or row["decided_on"] >= since.isoformat()]
    after = found[-1]["cursor"] if found else cursor
    record_alone(actor_of(request, "labels"), "labels.read", "labels", cursor, None, rows=len(kept), since=since, until=after)
    return Labels(labels=[Label(**row) for row in kept], cursor=after, end=not found)


# -- clues ---------------------------------------------------------------------------------------------------------------


@api.get("/clues/{clue_id}", response={200: ClueContent, **REFUSED}, operation_id="read_clue")
def get_clue(request: HttpRequest, clue_id: ClueId) -> ClueContent:
    """A clue with its reasons and source rows, masked. Reading it is written into the log."""
    needed(request, "see")
    user = person(request)
    found = policy.clues(user, "details").filter(pk=clue_id).select_related("run", "scenario", "unit", "holder").first()
    if found is None:
        there = policy.clues(user, "see").filter(pk=clue_id).exists()
        raise Refusal(403, _("Your role does not allow this here.")) if there else Refusal(404, _("Not there, or not yours."))
    _seen, first = FirstView.objects.get_or_create(clue=found, user=user)
    if first:
        record_alone(actor_of(request, "details", found), "clue.opened", "clue", found.pk, found.unit)
    content = dict(found.content)
    if not policy.sees_model_reference(user, found):
        for name in SCORES:
            content.pop(name, None)
    state = clue_state(found).model_dump()
    return ClueContent(**state, model=found.scenario_id, unit=found.unit.code, as_of=found.as_of, blind=found.blind, content=content)


@api.post("/clues/{clue_id}/claim", response={200: ClueState, **WRITTEN}, operation_id="claim_clue")
@once
def claim(request: HttpRequest, clue_id: ClueId, idempotency_key: Key = "") -> ClueState:
    """Take a clue for thirty minutes; 409 when somebody else holds it."""
    needed(request, "claim")
    return clue_state(handling.claim(actor_of(request, "claim"), clue_id))


@api.post("/clues/{clue_id}/release", response={200: ClueState, **WRITTEN}, operation_id="release_clue")
@once
def release(request: HttpRequest, clue_id: ClueId, idempotency_key: Key = "") -> ClueState:
    """Give a clue back to the queue."""
    needed(request, "claim")
    return clue_state(handling.release(actor_of(request, "claim"), clue_id))


@api.post("/clues/{clue_id}/verdict", response={200: VerdictState, **FILLED}, operation_id="say_verdict")
@once
def verdict(request: HttpRequest, clue_id: ClueId, body: Said, idempotency_key: Key = "") -> VerdictState:
    """Record a verdict, or propose it to a second person where the rules ask for one."""
    needed(request, "propose")
    given = body.model_dump(exclude={"version", "evidence_digest"})
    made = handling.propose(actor_of(request, "propose"), clue_id, Opinion(**given), version=body.version, digest=body.evidence_digest)
    return verdict_state(made)


@api.post("/clues/{clue_id}/approve", response={200: VerdictState, **FILLED}, operation_id="approve_verdict")
@once
def approve(request: HttpRequest, clue_id: ClueId, body: Decided, idempotency_key: Key = "") -> VerdictState:
    """Confirm a proposed verdict of another person."""
    return decide(request, clue_id, body, approved=True)


@api.post("/clues/{clue_id}/return", response={200: VerdictState, **FILLED}, operation_id="return_verdict")
@once
def give_back(request: HttpRequest, clue_id: ClueId, body: Decided, idempotency_key: Key = "") -> VerdictState:
    """Return a proposed verdict to the person who proposed it, saying why."""
    return decide(request, clue_id, body, approved=False)


def decide(request: HttpRequest, clue_id: str, body: Decided, *, approved: bool) -> VerdictState:
    """What approving and returning share."""
    needed(request, "decide")
    made = handling.decide(actor_of(request, "decide"), clue_id, approved=approved, text=body.text, version=body.version, digest=body.evidence_digest)
    return verdict_state(made)


def clue_state(clue: Clue) -> ClueState:
    """A clue as it is told."""
    clue.refresh_from_db()
    return ClueState(
        id=clue.pk, number=clue.number, state=clue.state, holder=clue.holder.username if clue.holder else None, lease_until=clue.lease_until,
        due_on=clue.due_on, version=clue.version, evidence_digest=clue.evidence_digest,
    )


def verdict_state(made: Any) -> VerdictState:
    """A verdict as it is told."""
    return VerdictState(verdict=made.pk, kind=made.kind, standing=made.standing, second=made.second, clue=clue_state(made.clue))


def needed(request: HttpRequest, action: str) -> None:
    """Refuse everybody who has no role that may do this anywhere."""
    if not policy.may_anywhere(person(request), action):
        raise Refusal(403, _("Your role does not allow this here."))


# -- what is said when something is not done --------------------------------------------------------------------------------


def problem(status: int, detail: object, **more: Any) -> HttpResponse:
    """An answer as RFC 9457 has it."""
    from http.client import responses

    content = {"type": "about:blank", "title": responses.get(status, ""), "status": status, "detail": str(detail), **more}
    answer = HttpResponse(json.dumps(content, ensure_ascii=False), status=status, content_type=PROBLEM)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


@api.exception_handler(Refusal)
def refused(request: HttpRequest, error: Refusal) -> HttpResponse:
    """Not allowed, not there, not as it was, not complete."""
    differs = [{"what": str(what), "theirs": _text(theirs), "now": _text(now)} for what, theirs, now in error.differs]
    return problem(error.status, error.message, lacks=list(error.lacks), differs=differs)


def _text(value: Any) -> str:
    if isinstance(value, tuple):  # a pair of languages
        return str(value[1 if translation.get_language() == "en" else 0])
    return "" if value is None else str(value)


@api.exception_handler(JcmlError)
def refused_by_jcml(request: HttpRequest, error: JcmlError) -> HttpResponse:
    """What the catalogue of errors says, in the caller's language."""
    conflict = isinstance(error, DataError) and error.code in CONFLICTS
    return problem(409 if conflict else 422, error.text("en" if translation.get_language() == "en" else "zh"))


@api.exception_handler(ValidationError)
def not_that_shape(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """A field that is missing or wrong, by its name."""
    names = [".".join(str(part) for part in cast(Mapping[str, Any], e)["loc"]) for e in error.errors[:20]]
    return problem(422, "; ".join(f"{name}: {e['msg']}" for name, e in zip(names, error.errors, strict=False)), lacks=names)


@api.exception_handler(AuthenticationError)
def unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    """Nobody is behind this request."""
    return problem(401, _("Log in, or send a service token."))


@api.exception_handler(HttpError)
def other(request: HttpRequest, error: HttpError) -> HttpResponse:
    """A body that cannot be read, a CSRF token that is missing."""
    return problem(error.status_code, error.message)


@api.exception_handler(Http404)
def nowhere(request: HttpRequest, error: Http404) -> HttpResponse:
    """One answer for what is not there and what is not the caller's."""
    return problem(404, _("Not there, or not yours."))


@api.exception_handler(RequestDataTooBig)
def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    """More than one request may carry."""
    return problem(413, f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} B")


@api.exception_handler(IntegrityError)
def at_once(request: HttpRequest, error: IntegrityError) -> HttpResponse:
    """Somebody else did the same thing at the same moment; nothing of this request was kept."""
    return problem(409, _("This form is being handled already."))


# -- the description -------------------------------------------------------------------------------------------------------


def document() -> dict[str, Any]:
    """The API in OpenAPI 3.1, as it is checked in."""
    made: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), default=str))
    clues = shape().json_schema(ref_template="#/components/schemas/Given{model}")
    schemas = made["components"]["schemas"]
    for name, schema in clues.pop("$defs").items():
        schemas[f"Given{name}"] = schema
    given = schemas["GivenClue"]
    given["properties"]["schema"] = {"const": SCHEMA, "type": "string"}
    given["required"] = ["schema", *given["required"]]
    listed = {"type": "array", "items": {"$ref": "#/components/schemas/GivenClue"}, "minItems": 1, "maxItems": CHUNK}
    made["paths"]["/api/v1/runs/{run_id}/clues"]["put"]["requestBody"] = {
        "required": True,
        "content": {JSON: {"schema": listed}, LINES: {"schema": {"type": "string"}}},
    }
    for path in made["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and "content" in answer:
                    answer["content"] = {PROBLEM: answer["content"][JSON]}
    return made


def document_text() -> str:
    """The description as the file holds it."""
    return json.dumps(document(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def whole_digest(body: bytes) -> str:
    """The `Content-Digest` of a body.

    >>> whole_digest(b"")
    'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'
    """
    return f"sha-256=:{base64.b64encode(sha256(body).digest()).decode()}:"
