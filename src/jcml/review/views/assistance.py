"""S15: keys, a guide to the verdicts, the words of the workbench, its version, and how to report a clue that is wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_GET

import jcml
from jcml.review.models import ROLES
from jcml.review.states import STATES
from jcml.review.verdicts import FEEDBACK_KEYS, KINDS, LEAST_TEXT, SAMPLED, SAYS

KEYS: tuple[tuple[str, Any], ...] = (
    ("n", _("claim the next clue")), ("j k", _("down and up in a list, next and previous clue")), ("Enter", pgettext_lazy("key", "open")), ("Space", _("preview")),
    ("1 2 3 4 5 6 u", _("choose a verdict")), ("f", _("go to the text field")), ("[ ]", _("previous and next reason")), ("Ctrl+Enter", _("send the form")),
    ("c", _("claim this clue")), ("a r", _("approve, return")), ("z", _("undo within thirty seconds")), ("g q", _("to the queue")), ("g d", _("to my desk")), ("g s", _("to the statistics")), ("/", _("search")), ("?", _("this page")),
    ("Esc", _("leave a field, so that keys work again")),
)
SECOND: dict[str, Any] = {
    "always": _("always"), "high": _("in the high band always, otherwise a sample"), "sample": _("a sample"), "never": pgettext_lazy("second person", "no"),
}
WORDS: tuple[tuple[Any, Any], ...] = (
    (_("clue"), _("A record that a model put before a person, with its reasons and the source rows behind them. It is a place to look, and no finding.")),
    (_("band"), _("High, medium or low: where the clue stands in its list. It orders the work and says nothing about a person.")),
    (_("reason"), _("A sentence with a value and a comparison with similar subjects, and the source rows that the value was computed from.")),
    (_("drawn at random"), _("Some clues are drawn from below the list and look like all others. They tell how much the list misses.")),
    (_("blind sample"), _("Of some clues, band and first verdict are shown only after one's own first opinion, so that two opinions are two.")),
    (_("lease"), _("Whoever claims a clue holds it for thirty minutes; working on it prolongs that. Afterwards anybody may claim it, and the draft is kept.")),
    (_("second person"), _("Some verdicts count only after another person has confirmed them, on the same evidence.")),
    (_("checkpoint"), _("The newest number of the log, signed and kept outside the database, so that nobody can cut off or rewrite its end unseen.")),
)


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """For everybody who is logged in."""
    guide = [{"kind": kind, "second": SECOND[kind.second], "goes_to": STATES[kind.goes_to]} for kind in KINDS.values()]
    says = [(key, SAYS[code]) for key, code in FEEDBACK_KEYS.items()]
    return render(
        request,
        "review/help.html",
        {
            "place": "help", "keys": KEYS, "guide": guide, "says": says, "words": WORDS, "version": jcml.__version__, "least": LEAST_TEXT, "sampled": round(100 * SAMPLED),
            "roles": ROLES,
        },
    )
