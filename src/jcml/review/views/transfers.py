"""S9: clues on their way between units, with their due days; confirming, answering, the form and the ledger."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from jcml.review import handling, policy, sheets, word
from jcml.review.answered import once
from jcml.review.forms import TRANSFER_STATES, standing_of, transfer_form, transfer_number
from jcml.review.guard import actor_of, needs, person
from jcml.review.journal import record_alone
from jcml.review.models import Transfer, User
from jcml.review.refusal import Refusal
from jcml.review.stamp import stamp
from jcml.review.templatetags.review import title_of, told
from jcml.review.views.clue import language, whole
from jcml.review.views.exports import MOST_EXPORTED, attached

SIZE = 50
WHICH = ("open", "answered", "all")


def seen(user: User, action: str) -> QuerySet[Transfer]:
    """The transfers of a person's units, without the content of their clues."""
    found = policy.transfers(user, action).select_related("clue__scenario", "clue__run", "clue__unit", "source", "target", "by", "confirmed_by", "answered_by")
    return found.defer("clue__content")


@require_GET
@needs("transfer")
def transfers(request: HttpRequest) -> HttpResponse:
    """What comes in and what goes out."""
    user, which = person(request), request.GET.get("state", "open")
    found = seen(user, "transfer")
    if which == "open":
        found = found.filter(accepted=None)
    elif which == "answered":
        found = found.filter(accepted__isnull=False)
    order = ("due_on", "id") if which == "open" else ("-at", "-id")
    acting = policy.acting_units(user, "transfer")
    incoming = Paginator(found.filter(target__in=acting, confirmed_by__isnull=False).order_by(*order), SIZE).get_page(request.GET.get("in"))
    outgoing = Paginator(found.filter(source__in=acting).order_by(*order), SIZE).get_page(request.GET.get("out"))
    answering = set(policy.acting_units(user, "answer transfer").values_list("pk", flat=True))
    readable = set(policy.clues(user, "details").filter(pk__in=[t.clue_id for t in (*incoming, *outgoing)]).values_list("pk", flat=True))

    def line(transfer: Transfer) -> dict[str, Any]:
        waits = transfer.accepted is None
        return {
            "transfer": transfer, "number": transfer_number(transfer), "state": TRANSFER_STATES[standing_of(transfer)], "waits": waits, "opens": transfer.clue_id in readable,
            "confirms": waits and not transfer.confirmed_by_id and policy.covers(user, "confirm transfer", transfer.clue),
            "answers": waits and bool(transfer.confirmed_by_id) and transfer.target_id in answering,
        }

    content = {
        "place": "transfers", "which": which if which in WHICH else "all", "whiches": WHICH, "today": timezone.localdate(), "years": _years(user),
        "lists": [("in", _("Incoming"), incoming, [line(t) for t in incoming]), ("out", _("Outgoing"), outgoing, [line(t) for t in outgoing])],
        "late": found.filter(accepted=None, due_on__lt=timezone.localdate()).count(),
    }
    return render(request, "review/transfers.html", content)


def _years(user: User) -> list[int]:
    return [day.year for day in policy.transfers(user, "ledger").datetimes("at", "year", order="DESC")]


@require_POST
@needs("confirm transfer")
@once
def confirm(request: HttpRequest, transfer_id: int) -> HttpResponse:
    """Case management lets a transfer go out; from now on the other unit sees it."""
    handling.confirm_transfer(actor_of(request, "confirm transfer"), transfer_id)
    messages.success(request, _("Confirmed; the other unit sees it now."))
    return redirect("transfers")


@require_POST
@needs("answer transfer")
@once
def answer(request: HttpRequest, transfer_id: int) -> HttpResponse:
    """Accept a clue into the queue, or send it back with a reason."""
    if not policy.acting_units(person(request), "answer transfer").filter(receiving=transfer_id).exists():
        raise Refusal(404, _("Not there, or not yours."))
    decision = request.POST.get("decision")
    if decision not in ("accept", "refuse"):
        raise Refusal(422, _("Accept it or refuse it."), lacks=("decision",))
    handling.answer_transfer(actor_of(request, "answer transfer"), transfer_id, accepted=decision == "accept", answer=request.POST.get("answer", ""))
    messages.success(request, _("Accepted; the clue is in your queue.") if decision == "accept" else _("Refused; the clue is back with the unit that sent it."))
    return redirect("transfers")


@require_GET
@needs("transfer")
def transfer_docx(request: HttpRequest, transfer_id: int) -> HttpResponse:
    """The transfer form for Word."""
    user = person(request)
    found = seen(user, "transfer").filter(pk=transfer_id).first()
    if found is None:
        raise Refusal(404, _("Not there, or not yours."))
    form = transfer_form(found, language())
    marked = stamp(user, form.content())
    content = word.write(form, marked)
    ours = found.source if policy.acting_units(user, "transfer").filter(pk=found.source_id).exists() else found.target
    record_alone(actor_of(request, "transfer"), "clue.exported", "clue", found.clue_id, ours, form="transfer_form", transfer=found.pk, format="docx", **marked.detail())
    return attached(content, word.KIND, f"{form.title}-{transfer_number(found)}.docx")


@require_GET
@needs("ledger")
def ledger(request: HttpRequest, kind: str) -> HttpResponse:
    """台账: every transfer of a person's units, of one year if `year` says so."""
    if kind not in sheets.KINDS:
        raise Refusal(404, _("Not there, or not yours."))
    user, year = person(request), whole(request.GET.get("year", ""))
    found = seen(user, "ledger").order_by("at", "id")
    if 0 < year < 10_000:
        found = found.filter(at__year=year)
    count = found.count()
    if count > MOST_EXPORTED:
        raise Refusal(422, _("These are %(n)s transfers; at most %(most)s go into one table. Choose a year.") % {"n": count, "most": MOST_EXPORTED})
    header = [
        _("Transfer"), _("Number"), _("Model"), _("Subject"), _("From"), _("To"), _("Sent"), _("Due"), _("State"), _("Answered"), _("Answer"), _("Reason"),
    ]
    rows: list[list[sheets.Cell]] = [
        [
            transfer_number(t), t.clue.number, title_of(t.clue.scenario), t.clue.subject_shown, title_of(t.source), title_of(t.target), timezone.localtime(t.at).date(), t.due_on,
            told(TRANSFER_STATES[standing_of(t)]), timezone.localtime(t.answered).date() if t.answered else None, t.answer if t.answered_by else "", t.because,
        ]
        for t in found
    ]
    marked = stamp(user, rows)
    title = _("Ledger of transferred clues")
    content = sheets.write(kind, title, header, rows, marked.line(language()))
    record_alone(
        actor_of(request, "ledger"), "ledger.exported", "ledger", "transfers", policy.acting_units(user, "ledger").order_by("path").first(),
        rows=len(rows), format=kind, filter={"year": year} if year > 0 else {}, **marked.detail(),
    )
    return attached(content, sheets.KINDS[kind], f"{title}-{timezone.localdate()}.{kind}")
