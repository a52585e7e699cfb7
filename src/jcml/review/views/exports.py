"""What leaves the workbench on paper or as a file: the review sheet of a clue, and the list that a filter gives."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from jcml.review import handling, policy, sheets, word
from jcml.review.forms import Form, clue_sheet
from jcml.review.guard import actor_of, needs, person
from jcml.review.journal import record_alone
from jcml.review.models import Clue
from jcml.review.refusal import Refusal
from jcml.review.stamp import Stamp, stamp
from jcml.review.templatetags.review import band_name, kind_name, state_name, title_of
from jcml.review.views.clue import language, readable
from jcml.review.views.queue import FILTERS, SORTS, filtered

MOST_EXPORTED = 10_000


def attached(content: bytes, kind: str, name: str) -> HttpResponse:
    """A file to be saved, never shown in the browser."""
    response = HttpResponse(content, content_type=kind)
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _sheet(request: HttpRequest, clue_id: str) -> tuple[Clue, Form, Stamp]:
    """The review sheet as this person may read it now; names come with leave to read them only, and reading them is an event."""
    user, found = person(request), readable(request, clue_id)
    if not policy.may(user, "export", found):
        handling.record_refused(actor_of(request, "details", found), "export", found)
        raise Refusal(403, _("Your role does not allow this here."))
    names = handling.reveal(actor_of(request, "details", found), found) if policy.unmasked_until(user, found) else {}
    form = clue_sheet(found, language(), names, hide_verdicts=policy.hides_verdicts(user, found))
    return found, form, stamp(user, form.content())


@require_GET
@needs("export")
def clue_print(request: HttpRequest, clue_id: str) -> HttpResponse:
    """The review sheet as a page for paper."""
    found, form, marked = _sheet(request, clue_id)
    response = render(request, "review/print.html", {"clue": found, "form": form, "stamp": marked, "watermark": marked.line(language()), "foot": form.foot(marked)})
    record_alone(actor_of(request, "export", found), "clue.printed", "clue", found.pk, found.unit, form="clue_sheet", unmasked=form.unmasked, **marked.detail())
    return response


@require_GET
@needs("export")
def clue_docx(request: HttpRequest, clue_id: str) -> HttpResponse:
    """The review sheet for Word."""
    found, form, marked = _sheet(request, clue_id)
    content = word.write(form, marked)
    record_alone(actor_of(request, "export", found), "clue.exported", "clue", found.pk, found.unit, form="clue_sheet", format="docx", unmasked=form.unmasked, **marked.detail())
    return attached(content, word.KIND, f"{form.title}-{found.number}.docx")


@require_POST
@needs("export")
def queue_export(request: HttpRequest) -> HttpResponse:
    """The filtered list as a table: of a prosecutor's own clues, of a checker's department, of a leader's unit; always masked."""
    user, kind = person(request), request.POST.get("format", "xlsx")
    if kind not in sheets.KINDS:
        raise Refusal(422, _("There is no such format."), lacks=("format",))
    asked = {k: v for k, v in QueryDict(request.POST.get("query", "")[:1000]).dict().items() if k in (*FILTERS, "sort")}
    found = filtered(user, asked).filter(pk__in=policy.exportable(user).values("pk")).order_by(*SORTS.get(asked.get("sort", ""), SORTS["due"])).defer("content")
    count = found.count()
    if count > MOST_EXPORTED:
        raise Refusal(422, _("These are %(n)s clues; at most %(most)s go into one table. Narrow the filter.") % {"n": count, "most": MOST_EXPORTED})
    header = [
        _("Number"), _("Model"), _("Subject"), _("Band"), _("First reason"), _("Evidence rows"), _("Data until"), _("Due"), _("State"), _("Holder"), _("Unit"), _("Verdict"),
    ]
    english = language() == "en"
    rows: list[list[sheets.Cell]] = [
        [
            c.number, title_of(c.scenario), c.subject_shown, band_name(c.band), c.first_reason_en if english else c.first_reason_zh, c.evidence_count, c.as_of, c.due_on,
            state_name(c.state), c.holder.name if c.holder else "", title_of(c.unit), kind_name(c.verdict_kind),
        ]
        for c in found
    ]
    marked = stamp(user, rows)
    title = _("Clues")
    content = sheets.write(kind, title, header, rows, marked.line(language()))
    record_alone(actor_of(request, "export"), "list.exported", "list", "queue", policy.acting_units(user, "export").order_by("path").first(), rows=len(rows), format=kind, filter=asked, **marked.detail())
    return attached(content, sheets.KINDS[kind], f"{title}-{timezone.localdate()}.{kind}")
