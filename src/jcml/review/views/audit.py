"""S14: what was done and read, by whom and from where, and whether the log holds. Nothing here shows what a clue says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from jcml.review import policy
from jcml.review.checkpoints import HOW, checkpoints, newest, overdue, starting_point, verify
from jcml.review.guard import actor_of, needs, person
from jcml.review.journal import record_alone
from jcml.review.models import ROLES, Clue, Event, Head, User
from jcml.review.refusal import Refusal
from jcml.review.stamp import stamp, stamped
from jcml.review.views.clue import EVENT_TITLES

PER_PAGE = 100
MOST_INLINE = 200_000
MOST_EXPORTED = 100_000
MOST_FLAWS = 20
FILTERS = ("actor", "what", "object", "since", "until")
WITHHELD = ("text", "next_step", "missing", "wrong_field", "linked", "answer")  # what prosecutors wrote about a clue
TITLES: dict[str, tuple[str, str]] = {
    **EVENT_TITLES,
    "clue.opened": ("首次打开线索", "clue opened for the first time"), "clue.superseded": ("线索被替代", "clue superseded"), "names.unmasked": ("申请查看姓名", "leave to read names"),
    "names.read": ("查看姓名", "names read"), "reason.said": ("评价理由", "answer on a reason"), "opinion.first": ("先行意见", "first opinion"), "act.refused": ("操作被拒绝", "act refused"),
    "bulk.handled": ("批量处置", "handled in one act"), "bulk.undone": ("撤销批量处置", "bulk act undone"), "searched": ("检索", "searched"),
    "subject.wrong_merge": ("标记主体误合并", "subject marked as wrongly merged"), "clue.printed": ("打印线索", "clue printed"), "clue.exported": ("导出线索", "clue exported"),
    "list.exported": ("导出清单", "list exported"), "ledger.exported": ("导出台账", "ledger exported"), "audit.exported": ("导出审计日志", "audit log exported"),
    "audit.verified": ("核验日志", "log verified"), "run.received": ("接收批次", "run received"), "run.published": ("发布批次", "run published"), "login.succeeded": ("登录", "logged in"),
    "login.failed": ("登录失败", "login failed"), "login.locked": ("登录锁定", "login locked"), "logout": ("退出", "logged out"), "password.changed": ("变更口令", "password changed"),
    "change.asked": ("申请变更", "change asked for"), "change.approved": ("批准变更", "change approved"), "change.refused": ("驳回变更", "change refused"),
    "subject.opened": ("查看主体", "subject opened"), "relations.opened": ("查看关系", "relations opened"), "relations.exported": ("导出关系", "relations exported"),
    "class.opened": ("查看类案", "class opened"), "labels.read": ("读取标签", "labels read"), "labels.exported": ("导出标签", "labels exported"),
    "unit.opened": ("新增单位", "unit added"), "user.opened": ("新增用户", "user added"), "grant.given": ("授予角色", "role given"), "token.issued": ("签发令牌", "token issued"),
}
"""Every event in words, Chinese and English; one that is not here is shown by its code."""


@require_GET
@needs("audit")
def audit(request: HttpRequest) -> HttpResponse:
    """The log, newest first, with filters in the address; the state of the chain above it."""
    user, asked = person(request), _asked(request.GET.dict())
    found = filtered(user, asked)
    before = request.GET.get("before", "")
    events = list((found.filter(seq__lt=int(before)) if before.isdigit() and len(before) < 19 else found).order_by("-seq")[: PER_PAGE + 1])
    code = request.GET.get("code", "").strip()
    rest = urlencode(asked)
    return render(
        request,
        "review/audit.html",
        {
            "place": "audit", "events": [shown(e) for e in events[:PER_PAGE]], "older": f"{rest}&before={events[PER_PAGE - 1].seq}" if len(events) > PER_PAGE else "",
            "query": rest, "given": asked, "titles": sorted(TITLES.items()), "chain": chain_state(user), "code": code, "seen": _seen(user, request.GET.get("seen", "")),
            "seen_of": request.GET.get("seen", "").strip(), "out": [shown(e) for e in stamped(code).filter(pk__in=policy.events(user))] if code else [],
        },
    )


@require_GET
@needs("audit")
def code(request: HttpRequest) -> HttpResponse:
    """Which print or export a code in a footer belongs to."""
    return redirect(f"/audit?{urlencode({'code': request.GET.get('code', '').strip()[:20]})}#code")


@require_POST
@needs("audit")
def verify_now(request: HttpRequest) -> HttpResponse:
    """Read the log and its checkpoints and say whether they hold; that, too, is an event."""
    head = Head.objects.values_list("seq", flat=True).first() or 0
    start = starting_point(checkpoints(), head, MOST_INLINE)[0]
    if head - start > MOST_INLINE:
        raise Refusal(422, _("The log has more than %(n)s events since any checkpoint; verify it on the server with jcml audit verify.") % {"n": MOST_INLINE})
    wrong = verify(MOST_INLINE)
    record_alone(
        actor_of(request, "audit"), "audit.verified", "log", "", None, first=start + 1, last=head, flaws=len(wrong), found=[[f.seq, f.how] for f in wrong[:MOST_FLAWS]],
    )
    if not wrong:
        messages.success(request, _("The log holds."))
    return redirect("audit")


@require_POST
@needs("audit")
def export(request: HttpRequest) -> HttpResponse:
    """The filtered log as CSV, newest first; neither clue contents nor what prosecutors wrote are in it."""
    from jcml.review import sheets

    user, asked = person(request), _asked(request.POST.dict())
    found = filtered(user, asked).order_by("-seq")
    count = found.count()
    if count > MOST_EXPORTED:
        raise Refusal(422, _("These are %(n)s events; at most %(most)s go into one table. Narrow the filter.") % {"n": count, "most": MOST_EXPORTED})
    header = [_("No."), _("When"), _("Who"), _("Role"), _("From where"), _("What"), _("Code"), _("Kind"), _("Object"), _("Unit"), _("Details"), _("Hash")]
    at = 1 if translation.get_language() == "en" else 0
    rows: list[list[Any]] = [
        [
            e.seq, e.at, e.actor, e.role, e.address, TITLES.get(e.what, (e.what, e.what))[at], e.what, e.kind, e.object, e.unit,
            json.dumps(_allowed(json.loads(e.detail)), ensure_ascii=False, sort_keys=True), e.hash,
        ]
        for e in found.iterator(chunk_size=5000)
    ]
    marked = stamp(user, rows)
    record_alone(actor_of(request, "audit"), "audit.exported", "log", "", None, rows=len(rows), filter=asked, **marked.detail())
    response = HttpResponse(sheets.write_csv(header, rows, marked.line("en" if at else "zh")), content_type=sheets.KINDS["csv"])
    response.headers["Content-Disposition"] = f'attachment; filename="audit-{timezone.localdate().isoformat()}-{marked.code}.csv"'
    return response


def filtered(user: User, asked: Mapping[str, str]) -> QuerySet[Event]:
    """The events that a person may read and that a filter asks for."""
    found = policy.events(user)
    if asked.get("actor"):
        found = found.filter(actor=asked["actor"])
    if asked.get("what"):
        found = found.filter(what=asked["what"])
    if asked.get("object"):
        found = found.filter(object__in=_names_of(asked["object"]))
    if asked.get("since"):
        found = found.filter(at__gte=_midnight(asked["since"]))
    if asked.get("until"):
        found = found.filter(at__lt=_midnight(asked["until"], 1))
    return found


def shown(event: Event) -> dict[str, Any]:
    """An event for the page: its title, its day and hour here, and its details one by one."""
    detail = _allowed(json.loads(event.detail))
    return {
        "event": event, "title": TITLES.get(event.what, (event.what, event.what)), "at": timezone.localtime(datetime.fromisoformat(event.at)).strftime("%Y-%m-%d %H:%M:%S"),
        "role": ROLES.get(event.role, event.role), "detail": _lines(detail), "unit": event.unit.rstrip("/").rpartition("/")[2],
    }


def chain_state(user: User) -> dict[str, Any]:
    """The last verification that this person may read of, the newest checkpoint, and whether one is overdue."""
    last = Event.objects.filter(what="audit.verified").order_by("-seq").first()
    told = json.loads(last.detail) if last else {}
    at = 1 if translation.get_language() == "en" else 0
    signed = newest()
    return {
        "events": Head.objects.values_list("seq", flat=True).first() or 0, "verified": told, "verified_at": datetime.fromisoformat(last.at) if last else None, "by": last.actor if last else "",
        "flaws": [HOW[how][at].format(seq=seq) for seq, how in told.get("found", [])], "checkpoint": signed, "checkpoint_at": datetime.fromisoformat(signed.at) if signed else None,
        "overdue": overdue(), "file": settings.SITE["checkpoints"] or "checkpoints.jsonl",
    }


def _seen(user: User, wanted: str) -> list[dict[str, Any]]:
    """Everybody who opened, handled, printed or searched out one clue, with the first and the last time."""
    if not wanted.strip():
        return []
    people: dict[str, dict[str, Any]] = {}
    for event in policy.events(user).filter(kind="clue", object__in=_names_of(wanted)).exclude(actor="system").exclude(what="act.refused").order_by("seq"):
        one = people.setdefault(event.actor, {"actor": event.actor, "role": ROLES.get(event.role, event.role), "first": event.at, "acts": {}})
        one["last"] = event.at
        title = TITLES.get(event.what, (event.what, event.what))
        one["acts"][title] = one["acts"].get(title, 0) + 1
    names = dict(User.objects.filter(username__in=people).values_list("username", "name"))
    for one in people.values():
        one["name"] = names.get(one["actor"], "")
        one["first"], one["last"] = datetime.fromisoformat(one["first"]), datetime.fromisoformat(one["last"])
    return list(people.values())


def _names_of(wanted: str) -> list[str]:
    """What an object may be called in the log: as it is written, or the id behind a clue's number, which is all that is read of the clue."""
    text = wanted.strip()
    return [text, *Clue.objects.filter(number=text).values_list("pk", flat=True)]


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    """The filter, without what it cannot mean."""
    asked = {name: given[name].strip()[:100] for name in FILTERS if given.get(name, "").strip()}
    for name in ("since", "until"):
        try:
            asked[name] = date.fromisoformat(asked[name]).isoformat()
        except (KeyError, ValueError):
            asked.pop(name, None)
    return asked


def _midnight(day: str, after: int = 0) -> str:
    """The beginning of a day where the office is, as events write instants: in UTC."""
    here = timezone.make_aware(datetime.combine(date.fromisoformat(day) + timedelta(days=after), time()))
    return here.astimezone(UTC).isoformat(timespec="milliseconds")


def _allowed(detail: Any) -> Any:
    """Details without what was written about a clue; how long it was is left."""
    if isinstance(detail, dict):
        return {k: (_("withheld, %(n)s characters") % {"n": len(v)} if k in WITHHELD and isinstance(v, str) and v else _allowed(v)) for k, v in detail.items()}
    return detail


def _lines(detail: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Old and new beside each other where an event has both; everything else by name."""
    rest, lines = dict(detail), []
    before, after = rest.pop("before", None), rest.pop("after", None)
    if isinstance(before, dict):
        lines += [{"name": k, "old": v, "new": rest.pop(k, "--")} for k, v in before.items() if k in rest and rest[k] != v]
    elif before is not None or after is not None:
        lines.append({"name": "", "old": before, "new": after if after is not None else "--"})
    return lines + [{"name": k, "new": json.dumps(v, ensure_ascii=False) if isinstance(v, dict | list) else v} for k, v in rest.items()]
