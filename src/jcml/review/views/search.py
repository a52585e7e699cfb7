"""S8: finding a clue by what a person has at hand; the text is sent in the form alone and stands in no address and no log."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from jcml.review import policy
from jcml.review.guard import actor_of, needs, person
from jcml.review.journal import record_alone
from jcml.review.models import Clue, Link, User
from jcml.review.named import kind_title, masked_forms, spellings
from jcml.review.views.clue import language

LEAST, LONGEST, MOST = 2, 100, 50


@sensitive_post_parameters("text")
@require_http_methods(["GET", "POST"])
@needs("search")
def search(request: HttpRequest) -> HttpResponse:
    """The form, and what was found."""
    content: dict[str, Any] = {"place": "search", "today": timezone.localdate(), "longest": LONGEST, "most": MOST}
    if request.method == "GET":
        return render(request, "review/search.html", content)
    text = request.POST.get("text", "").strip()[:LONGEST]
    if len(text) < LEAST:
        return render(request, "review/search.html", {**content, "short": True, "text": text}, status=422)
    hits = find(person(request), text)
    record_alone(actor_of(request, "search"), "searched", "search", digest_of(text), hits=len(hits))
    return render(request, "review/search.html", {**content, "text": text, "hits": hits[:MOST], "more": len(hits) > MOST, "searched": True})


def digest_of(text: str) -> str:
    """What the log keeps of a search: equal for equal texts, and nothing to guess it from without the site's key."""
    return salted_hmac("jcml.search", text.strip(), algorithm="sha256").hexdigest()


def find(user: User, text: str) -> list[dict[str, Any]]:
    """The clues in a person's scope that a text finds, newest first, each with where it was found.

    Numbers and subjects are searched where the person may search; what the evidence names only where they may read it.
    """
    found: dict[str, list[str]] = {}
    exact, masked = spellings(text), masked_forms(text)
    scope = policy.clues(user, "search")
    by_head = scope.filter(Q(number__icontains=text) | Q(subject_shown__icontains=text) | Q(subject_shown__in=exact | masked))
    for pk, number, subject in by_head.order_by("-number").values_list("pk", "number", "subject_shown")[: MOST + 1]:
        if text.upper() in number:
            found.setdefault(pk, []).append(_("clue number"))
        elif text in subject or subject in exact:
            found.setdefault(pk, []).append(_("subject"))
        else:
            found.setdefault(pk, []).append(_("subject, masked alike"))
    readable = scope & policy.clues(user, "details")
    named = Link.objects.filter(Exists(readable.filter(pk=OuterRef("clue_id"))), shown__in=exact | masked)
    for pk, kind, shown in named.order_by("-clue__number", "id").values_list("clue_id", "kind", "shown")[: 4 * MOST]:
        title = kind_title(kind, language() == "en")
        where = _("evidence: %(kind)s") if shown in exact else _("evidence, masked alike: %(kind)s")
        found.setdefault(pk, []).append(where % {"kind": title})
    rows = scope.filter(pk__in=list(found)).select_related("scenario", "unit").defer("content").order_by("-number")[: MOST + 1]
    linked = set(readable.filter(pk__in=list(found)).values_list("pk", flat=True))
    return [_hit(clue, found[clue.pk], clue.pk in linked) for clue in rows]


def _hit(clue: Clue, where: list[str], readable: bool) -> dict[str, Any]:
    return {"clue": clue, "where": list(dict.fromkeys(where)), "readable": readable}
