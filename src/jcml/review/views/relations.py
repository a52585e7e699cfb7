"""S7: how a clue hangs together with others, as a picture and as a table with the same content."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from jcml.review import policy, sheets
from jcml.review.guard import actor_of, needs, person
from jcml.review.journal import record_alone
from jcml.review.models import Clue
from jcml.review.named import kind_title
from jcml.review.refusal import Refusal
from jcml.review.relations import TOO_COMMON, Graph, drawn, graph, readable_together, title_of_record
from jcml.review.stamp import stamp
from jcml.review.states import STATES
from jcml.review.views.clue import language, readable


def _asked(request: HttpRequest, clue_id: str) -> tuple[Clue, Graph]:
    user, found = person(request), readable(request, clue_id)
    return found, graph(user, readable_together(user, found, request.GET.getlist("with")))


@require_GET
@needs("details")
def relations(request: HttpRequest, clue_id: str) -> HttpResponse:
    """The page; hiding a kind and stopping at a day work without scripts too."""
    found, whole = _asked(request, clue_id)
    record_alone(actor_of(request, "details", found), "relations.opened", "clue", found.pk, found.unit, clues=[c.number for c in (*whole.centres, *whole.clues)])
    hidden = [kind for kind in whole.kinds if kind in request.GET.getlist("hide")]
    last = len(whole.days) - 1
    at = request.GET.get("until", "")
    until = min(int(at), last) if at.isdigit() else last
    english, beside = language() == "en", [c.pk for c in whole.centres[1:]]
    rows = [
        {
            "edge": e, "kind": kind_title(e.thing.kind, english), "state": STATES[e.clue.state], "centre": e.clue in whole.centres,
            "records": [title_of_record(r, english) for r in e.records], "more": e.total - len(e.records),
            "away": e.thing.kind in hidden or str(e.clue.as_of) > whole.days[until], "beside": urlencode({"with": [*beside, e.clue.pk]}, doseq=True),
        }
        for e in whole.edges
    ]
    content = {
        "place": "queue", "clue": found, "graph": whole, "rows": rows, "kinds": [(k, kind_title(k, english), k in hidden) for k in whole.kinds], "until": until, "last": last,
        "until_day": whole.days[until], "beside": beside, "common": [(kind_title(t.kind, english), t) for t in whole.things if t.common], "too_common": TOO_COMMON,
        "address": urlencode({"with": beside}, doseq=True), "may_export": policy.may(person(request), "export", found),
    }
    return render(request, "review/relations.html", content)


@require_GET
@needs("details")
def data(request: HttpRequest, clue_id: str) -> JsonResponse:
    """The same as data for the picture."""
    _found, whole = _asked(request, clue_id)
    return JsonResponse(drawn(whole, language() == "en"), json_dumps_params={"ensure_ascii": False})


@require_GET
@needs("export")
def table(request: HttpRequest, clue_id: str) -> HttpResponse:
    """The same as CSV, in which no cell is a formula: the lines of clues that the person may take out. It is an event."""
    found, whole = _asked(request, clue_id)
    _exportable(request, found)
    english, kept = language() == "en", _kept(request, whole)
    header = [_("Kind"), _("Named in the evidence"), _("Clue"), _("Model"), _("Subject"), _("Data until"), _("State"), _("Records"), _("Record")]
    rows: list[list[Any]] = [
        [
            kind_title(e.thing.kind, english), e.thing.shown, e.clue.number, e.clue.scenario.en if english else e.clue.scenario.zh, e.clue.subject_shown, e.clue.as_of,
            STATES[e.clue.state][english], e.total, "；".join(title_of_record(r, english) for r in e.records),
        ]
        for e in whole.edges if e.clue.pk in kept
    ]
    made = stamp(person(request), [header, rows])
    record_alone(actor_of(request, "export", found), "relations.exported", "clue", found.pk, found.unit, form="csv", rows=len(rows), **made.detail())
    name = f"{found.number}-relations.csv"
    return HttpResponse(
        sheets.write_csv(header, rows, made.line(language())), content_type=sheets.KINDS["csv"], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@require_POST
@needs("export")
def picture(request: HttpRequest, clue_id: str) -> JsonResponse:
    """Leave to take the picture out: the event is written before the browser makes the file, of the clues that the person may take out."""
    found = readable(request, clue_id)
    _exportable(request, found)
    kept = sorted(_kept(request, graph(person(request), readable_together(person(request), found, request.POST.getlist("with")))))
    made = stamp(person(request), [found.number, "png", kept])
    record_alone(actor_of(request, "export", found), "relations.exported", "clue", found.pk, found.unit, form="png", clues=len(kept), **made.detail())
    told = {"line": made.line(language()), "name": f"{found.number}-relations.png", "clues": kept}
    return JsonResponse(told, json_dumps_params={"ensure_ascii": False})


def _kept(request: HttpRequest, whole: Graph) -> set[str]:
    """Of the clues of a graph, those that the person may take out."""
    ids = [c.pk for c in (*whole.centres, *whole.clues)]
    return set(policy.exportable(person(request)).filter(pk__in=ids).values_list("pk", flat=True))


def _exportable(request: HttpRequest, found: Clue) -> None:
    user = person(request)
    if not policy.may(user, "export", found):
        record_alone(actor_of(request, "details", found), "act.refused", "clue", found.pk, found.unit, action="export")
        raise Refusal(403, _("Your role does not allow this here."))
