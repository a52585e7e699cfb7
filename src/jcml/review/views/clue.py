"""S3 and S4: a clue to read, understand and decide; the same page asks the second person."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from jcml.review import handling, policy
from jcml.review.answered import once
from jcml.review.guard import actor_of, needs, person
from jcml.review.journal import record_alone
from jcml.review.models import (
    BANDS,
    ROLES,
    Clue,
    Department,
    Draft,
    Event,
    FirstView,
    Reason,
    ReasonCode,
    ReasonFeedback,
    Unit,
    User,
    Verdict,
)
from jcml.review.named import kind_title
from jcml.review.refusal import Refusal
from jcml.review.shown import Page
from jcml.review.states import HELD, STATES, allowed
from jcml.review.verdicts import KINDS, SAYS, Opinion

LOOKED_AT = 20
MOST_LINKS = 1000


def readable(request: HttpRequest, clue_id: str, action: str = "details") -> Clue:
    """A clue that a person may read in detail, or one answer for what is not there and not theirs."""
    user = person(request)
    found = policy.clues(user, action).filter(pk=clue_id).select_related("run", "scenario", "department", "unit", "holder").first()
    if found is None:
        if action == "details" and policy.clues(user, "see").filter(pk=clue_id).exists():
            raise Refusal(403, _("Your role does not allow this here."))
        raise Refusal(404, _("Not there, or not yours."))
    return found


def language() -> str:
    """zh or en, as the reader has it."""
    return "en" if translation.get_language() == "en" else "zh"


@require_GET
@needs("see")
def clue(request: HttpRequest, clue_id: str) -> HttpResponse:
    """The page."""
    user = person(request)
    found = readable(request, clue_id)
    actor = actor_of(request, "details", found)
    seen, first = FirstView.objects.get_or_create(clue=found, user=user)
    if first:
        record_alone(actor, "clue.opened", "clue", found.pk, found.unit)
    until = policy.unmasked_until(user, found)
    names = handling.reveal(actor, found) if until else {}
    shown = Page(found, language(), names)
    holds = found.holder_id == user.pk and found.state in HELD
    open_verdict = found.verdicts.filter(standing="proposed").select_related("by").first()
    decides = bool(open_verdict) and policy.may(user, "decide", found)
    said = {f.feature: f.says for f in ReasonFeedback.objects.filter(clue=found, by=open_verdict.by if open_verdict else user)}
    hidden = bool(open_verdict) and decides and found.blind and not seen.opinion
    draft = Draft.objects.filter(clue=found, user=user).first()
    content = {
        "place": "queue", "clue": found, "page": shown, "holds": holds, "may_claim": policy.may(user, "claim", found) and handling_free(found), "state": STATES[found.state],
        "kinds": KINDS, "says": SAYS, "said": {} if hidden else said, "draft": draft.said if draft else {}, "reason_codes": _codes(), "departments": Department.objects.order_by("code"),
        "units": Unit.objects.exclude(pk=found.unit_id).order_by("path"), "verdict": None if hidden else open_verdict, "proposed": open_verdict, "hidden_verdict": hidden, "decides": decides,
        "verdicts": [] if hidden else list(found.verdicts.select_related("by").order_by("at")), "until": until, "may_unmask": policy.may(user, "unmask", found),
        "moves": allowed(found.state), "may_reopen": found.state == "closed" and policy.may(user, "reopen", found), "may_reassign": policy.may(user, "reassign", found),
        "may_transfer": policy.may(user, "transfer", found), "sees_model": policy.sees_model_reference(user, found), "today": timezone.localdate(),
        "similar": similar(user, found), "history": subject_history(user, found), "linked": linked(user, found), "time": timeline(found, shown, hide_verdicts=hidden),
        "neighbours": neighbours(user, found), "may_export": policy.may(user, "export", found), "undoable": _undoable(user, found), "rates": band_rate(user, found),
        "colleagues": User.objects.filter(is_active=True, grants__unit=found.unit_id, grants__role__in=policy.ACTIONS["claim"]).distinct().order_by("name"),
        "scores": found.scores.select_related("run").order_by("at"), "BANDS": BANDS, "digest_holds": open_verdict is None or open_verdict.evidence_digest == found.evidence_digest,
    }
    return render(request, "review/clue.html", content)


def handling_free(clue: Clue) -> bool:
    """Whether anybody may claim it now."""
    return clue.state == "queued" or (clue.state == "claimed" and clue.lease_until is not None and clue.lease_until < timezone.now())


def _codes() -> Any:
    from django.db.models import Q

    today = timezone.localdate()
    return ReasonCode.objects.filter(Q(active_to=None) | Q(active_to__gte=today), active_from__lte=today).order_by("code")


def _undoable(user: User, clue: Clue) -> bool:
    last = clue.verdicts.order_by("-at").first()
    return bool(last and last.by_id == user.pk and last.standing in ("stands", "proposed") and timezone.now() - last.at < handling.UNDO)


def neighbours(user: User, clue: Clue) -> dict[str, str | None]:
    """The clues before and after it among those that the person holds, or else in the queue."""
    among = policy.clues(user, "details")
    among = among.filter(holder=user, state__in=HELD) if clue.holder_id == user.pk else among.filter(state=clue.state, scenario=clue.scenario_id)
    after = among.filter(due_on=clue.due_on, place__gt=clue.place) | among.filter(due_on__gt=clue.due_on)
    before = among.filter(due_on=clue.due_on, place__lt=clue.place) | among.filter(due_on__lt=clue.due_on)
    return {
        "after": after.order_by("due_on", "place", "id").values_list("pk", flat=True).first(),
        "before": before.order_by("-due_on", "-place", "-id").values_list("pk", flat=True).first(),
    }


def similar(user: User, clue: Clue, most: int = 5) -> list[dict[str, Any]]:
    """The nearest clues of the same model: with the same first two reasons, then most reasons shared, decided ones first; what became of them."""
    alike = policy.clues(user, "details").filter(scenario=clue.scenario_id, pattern=clue.pattern).exclude(pk=clue.pk).order_by("id").select_related("unit").defer("content")
    found: list[Clue] = []
    for ended in (Q(state="closed", outcome="confirmed"), Q(state="closed", outcome="not_confirmed"), Q(state="queued", outcome=""), Q(state="claimed", outcome="")):
        found += alike.filter(ended)[:LOOKED_AT]
    mine = list(Reason.objects.filter(clue=clue, speaks_for=True).order_by("place").values_list("feature", flat=True)[:5])
    shared: dict[str, list[str]] = {}
    for clue_id, feature in Reason.objects.filter(clue__in=[c.pk for c in found], speaks_for=True).values_list("clue_id", "feature"):
        if feature in mine:
            shared.setdefault(clue_id, []).append(feature)
    found.sort(key=lambda c: (-len(shared.get(c.pk, ())), c.state != "closed", c.pk))
    sentences = {r["statement"]["feature"]: r["statement"][language()] for r in clue.content["reasons_for"]}
    return [
        {"clue": c, "shared": [sentences[f] for f in mine if f in shared.get(c.pk, [])][:3], "kind": KINDS.get(c.verdict_kind), "state": STATES[c.state]}
        for c in found[:most]
    ]


def subject_history(user: User, clue: Clue) -> list[dict[str, Any]]:
    """Other clues about the same subject, with their verdicts and who gave them, by role."""
    found = policy.clues(user, "details").filter(scenario=clue.scenario_id, subject=clue.subject).exclude(pk=clue.pk).order_by("-as_of").defer("content")[:20]
    verdicts: dict[str, list[Verdict]] = {}
    for verdict in Verdict.objects.filter(clue__in=[c.pk for c in found], standing="stands").select_related("by"):
        verdicts.setdefault(verdict.clue_id, []).append(verdict)
    return [{"clue": c, "state": STATES[c.state], "verdicts": [(KINDS[v.kind], v.at) for v in verdicts.get(c.pk, [])]} for c in found]


def linked(user: User, clue: Clue, most: int = 20) -> list[dict[str, Any]]:
    """What its evidence names, and how many other clues that the person may read name it too; counted up to a bound."""
    links = list(clue.links.exclude(kind__startswith="row:").order_by("-rows", "id")[:most])
    named = {(one.kind, one.value) for one in links if one.common}
    others: Counter[tuple[str, str]] = Counter()
    if named:
        wanted = policy.links(user, "details").filter(kind__in={k for k, _ in named}, value__in={v for _, v in named}).exclude(clue=clue)
        others.update((k, v) for k, v, _ in wanted.order_by("kind", "value", "clue").values_list("kind", "value", "clue")[:MOST_LINKS])
    return [
        {"link": one, "kind": kind_title(one.kind, language() == "en"), "others": others[one.kind, one.value], "more": others.total() >= MOST_LINKS}
        for one in links
    ]


EVENT_TITLES = {
    "clue.claimed": ("领取", "claimed"), "clue.snoozed": ("暂缓", "put off"), "clue.woken": ("恢复办理", "taken up again"), "lease.released": ("退回队列", "released"),
    "lease.expired": ("占用到期", "lease expired"), "clue.reassigned": ("改派", "reassigned"), "verdict.proposed": ("提出处理意见", "verdict proposed"),
    "verdict.approved": ("复核同意", "approved"), "verdict.returned": ("复核退回", "returned"), "verdict.withdrawn": ("撤回意见", "withdrawn"),
    "verdict.undone": ("撤销意见", "undone"), "clue.closed": ("办结", "closed"), "clue.pending": ("转待查", "to be checked"), "clue.transferred": ("移送", "transferred"),
    "transfer.confirmed": ("移送确认", "transfer confirmed"), "transfer.accepted": ("接收", "accepted"), "transfer.refused": ("拒收", "refused"), "clue.reopened": ("重新打开", "reopened"),
}


def timeline(clue: Clue, shown: Page, *, hide_verdicts: bool = False) -> list[dict[str, Any]]:
    """Facts and handling on one axis, in two lanes."""
    at = 1 if language() == "en" else 0
    entries = shown.days
    entries.append({"day": str(clue.as_of), "lane": "fact", "text": _("The list was made with what was known before this day"), "mark": ""})
    events = Event.objects.filter(kind="clue", object=clue.pk, what__in=EVENT_TITLES).order_by("seq")[:200]
    for event in events:
        if not (hide_verdicts and event.what.startswith("verdict.")):
            when = timezone.localtime(datetime.fromisoformat(event.at)).strftime("%Y-%m-%d %H:%M")
            entries.append({"day": when, "lane": "handled", "text": EVENT_TITLES[event.what][at], "mark": str(ROLES.get(event.role, ""))})
    return sorted(entries, key=lambda e: e["day"])


def band_rate(user: User, clue: Clue) -> dict[str, Any] | None:
    """How clues of this model and band ended in the last twelve months, in the units that the person reads; None below five."""
    from jcml.review.statistics import share

    since = timezone.now() - timedelta(days=365)
    ended = policy.clues(user, "statistics").filter(scenario=clue.scenario_id, band=clue.band, state="closed", outcome__in=["confirmed", "not_confirmed"], closed__gte=since)
    n = ended.count()
    return share(ended.filter(outcome="confirmed").count(), n) if n >= 5 else None


@require_GET
@needs("search")
def preview(request: HttpRequest, clue_id: str) -> HttpResponse:
    """The first reasons beside the list; opening it is no claim."""
    found = readable(request, clue_id)
    return render(request, "review/preview.html", {"clue": found, "page": Page(found, language()), "state": STATES[found.state]})


@require_GET
@needs("details")
def source_row(request: HttpRequest, clue_id: str, number: int) -> HttpResponse:
    """One source row, read only."""
    user, found = person(request), readable(request, clue_id)
    actor = actor_of(request, "details", found)
    names = handling.reveal(actor, found) if policy.unmasked_until(user, found) else {}
    shown = Page(found, language(), names)
    if not 0 < number <= len(shown.rows):
        raise Refusal(404, _("Not there, or not yours."))
    return render(request, "review/source_row.html", {"clue": found, "row": shown.rows[number - 1], "place": "queue"})


def opinion_of(form: Any) -> Opinion:
    """What a form says; unknown fields are left out, a date that is none counts as missing."""
    def day(text: str) -> date | None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None

    texts = {k: form.get(k, "").strip() for k in ("subtype", "reason_code", "text", "department", "next_step", "wrong_field", "linked", "target_unit", "missing")}
    kind = form.get("kind", "")
    if kind in KINDS and form.get(f"subtype_{kind}"):
        texts["subtype"] = form[f"subtype_{kind}"]
    worth = {"yes": True, "no": False}.get(form.get("worth_checking", ""))
    feedback = {k[9:]: v for k, v in form.items() if k.startswith("feedback:") and v}
    return Opinion(kind, **texts, due_on=day(form.get("due_on", "")), worth_checking=worth, feedback=feedback)


def whole(text: str) -> int:
    """A version from a form; what is none equals no version."""
    return int(text) if text.isdigit() else -1


@require_POST
@needs("propose")
def draft(request: HttpRequest, clue_id: str) -> HttpResponse:
    """Keep the form as it is."""
    kept = {k: v for k, v in request.POST.items() if k != "csrfmiddlewaretoken"}
    made = handling.keep_draft(actor_of(request, "propose"), clue_id, kept)
    return render(request, "review/draft_kept.html", {"at": timezone.localtime(made.at), "until": made.clue.lease_until})


@require_POST
@needs("propose")
def reason(request: HttpRequest, clue_id: str, feature: str) -> HttpResponse:
    """Say of a reason whether it holds."""
    says = request.POST.get("says", "")
    handling.say_of_reason(actor_of(request, "propose"), clue_id, feature, says)
    return render(request, "review/feedback.html", {"clue_id": clue_id, "feature": feature, "chosen": says, "says": SAYS, "holds": True})


@require_POST
@needs("propose")
@once
def verdict(request: HttpRequest, clue_id: str) -> HttpResponse:
    """Record a verdict, or propose it to a second person."""
    form = request.POST
    made = handling.propose(
        actor_of(request, "propose"), clue_id, opinion_of(form), version=whole(form.get("version", "")), digest=form.get("evidence_digest", "")
    )
    messages.success(request, _("Proposed; a second person decides.") if made.standing == "proposed" else _("Recorded. You can undo it for thirty seconds with z."))
    return to(request, reverse("clue", args=[clue_id]))


@require_POST
@needs("decide")
@once
def decision(request: HttpRequest, clue_id: str) -> HttpResponse:
    """Approve or return; on a blind sample, first say what one thinks oneself."""
    form, user = request.POST, person(request)
    found = readable(request, clue_id)
    if form.get("opinion"):
        if form["opinion"] not in KINDS:
            raise Refusal(422, _("There is no such verdict."), lacks=("kind",))
        FirstView.objects.filter(clue=found, user=user).update(opinion=form["opinion"])
        record_alone(actor_of(request, "decide", found), "opinion.first", "clue", clue_id, found.unit, opinion=form["opinion"])
        return to(request, reverse("clue", args=[clue_id]))
    if form.get("decision") not in ("approve", "return"):
        raise Refusal(422, _("Approve it or return it."), lacks=("kind",))
    handling.decide(
        actor_of(request, "decide", found), clue_id, approved=form["decision"] == "approve", text=form.get("text", ""), version=whole(form.get("version", "")),
        digest=form.get("evidence_digest", ""),
    )
    messages.success(request, _("Approved.") if form["decision"] == "approve" else _("Returned to the person who proposed it."))
    return to(request, reverse("clue", args=[clue_id]))


@require_POST
@once
def act(request: HttpRequest, clue_id: str, act: str) -> HttpResponse:
    """Claim, release, put off, take up, withdraw, undo, reopen, reassign, transfer, unmask."""
    form = request.POST
    because = form.get("because", "")
    user = person(request)
    found = policy.clues(user, "see").filter(pk=clue_id).select_related("unit").first()
    if found is None:
        raise Refusal(404, _("Not there, or not yours."))

    def actor(action: str) -> Any:
        return actor_of(request, action, found)

    if act == "claim":
        handling.claim(actor("claim"), clue_id)
    elif act == "release":
        handling.release(actor("claim"), clue_id)
        messages.success(request, _("The clue is back in the queue; your draft is kept."))
        return to(request, reverse("desk"))
    elif act == "snooze":
        try:
            until = date.fromisoformat(form.get("until", ""))
        except ValueError:
            until = timezone.localdate()
        handling.snooze(actor("claim"), clue_id, until, because)
    elif act == "wake":
        handling.wake(actor("claim"), clue_id)
    elif act == "withdraw":
        handling.withdraw(actor("propose"), clue_id)
    elif act == "undo":
        handling.undo(actor("propose"), clue_id)
        messages.success(request, _("It is undone; the log keeps both."))
    elif act == "reopen":
        handling.reopen(actor("reopen"), clue_id, because)
    elif act == "reassign":
        handling.reassign(actor("reassign"), clue_id, form.get("to", ""))
    elif act == "transfer":
        handling.transfer(actor("transfer"), clue_id, form.get("target_unit", ""), because)
    elif act == "unmask":
        handling.unmask(actor("unmask"), clue_id, because)
    else:
        raise Refusal(404, _("Not there, or not yours."))
    return to(request, reverse("clue", args=[clue_id]) if policy.clues(user, "details").filter(pk=clue_id).exists() else reverse("queue"))


def to(request: HttpRequest, address: str) -> HttpResponse:
    """Go on to another page, also out of a part of one."""
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if request.headers.get("HX-Request") else redirect(address)
