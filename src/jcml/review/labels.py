"""Verdicts that stand, as rows of an event table: what the workbench gives back to those who train a model.

The cursor is a place in the log, not the number of a verdict: one that waited for its second person comes to stand after
younger ones did, and a reader who had passed its number would never hear of it. A verdict that its author may still undo is
not told yet, nor is anything after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from jcml.review.handling import BULK_UNDO
from jcml.review.models import Clue, Event, Verdict

OUTCOMES = ("confirmed", "not_confirmed", "data_error", "identity_mismatch", "returned")
CHANNELS = ("ranked", "audit")
REASONS = (
    "identity_mismatch", "data_error", "lawful_explanation", "already_handled", "below_threshold", "time_barred", "no_jurisdiction",
    "insufficient_evidence", "duplicate",
)
STOOD = ("clue.closed", "clue.pending")
"""Events that tell that a verdict has come to stand."""
CHUNK = 500
FIELDS = (
    "pk", "clue_id", "clue__number", "clue__scenario_id", "clue__run_id", "clue__run__unit__code", "clue__as_of", "clue__selected", "clue__content__unit",
    "kind", "outcome", "reason_code", "decided", "at", "second", "model_version", "worth_checking", "said",
)


def rows(clues: QuerySet[Clue], after: int = 0, most: int = 500, now: datetime | None = None) -> list[dict[str, Any]]:
    """The labels of some clues that came to stand after a place in the log, in that order; `cursor` is each one's place.

    Undone, withdrawn and returned verdicts and open proposals are none, and a kind that decides nothing (to be checked, a
    duplicate, another office's) is none either, unless an earlier verdict of the same clue was told: then it is taken back
    by a row with the outcome `returned`. Rows of one clue have the same `clue`; the newer one holds.

    Parameters
    ----------
    clues : QuerySet of Clue
        Those that the reader may have labels of.
    after : int
        The cursor of the last row that was read; 0 for the first page.
    most : int
        At most so many rows; fewer do not mean the end, none does.
    now : datetime or None
        What counts as now for what can still be undone.
    """
    found: list[dict[str, Any]] = []
    settled = (now or timezone.now()) - BULK_UNDO
    for page in _pages(after):
        there = {v["pk"]: v for v in Verdict.objects.filter(pk__in=page.values(), clue__in=clues, standing="stands").values(*FIELDS)}
        for seq, number in page.items():
            verdict = there.get(number)
            if verdict is None:
                continue
            if not verdict["second"] and verdict["at"] > settled:
                return found
            if row := _row(seq, verdict):
                found.append(row)
                if len(found) >= most:
                    return found
    return found


def _pages(after: int) -> Iterator[dict[int, int]]:
    """Numbers of verdicts by the place at which they came to stand, some hundred at a time."""
    while True:
        events = list(Event.objects.filter(seq__gt=after, kind="clue", what__in=STOOD).order_by("seq").values_list("seq", "detail")[:CHUNK])
        if not events:
            return
        after = events[-1][0]
        yield {seq: json.loads(detail).get("verdict", 0) for seq, detail in events}


def _row(seq: int, verdict: dict[str, Any]) -> dict[str, Any] | None:
    outcome, reason = verdict["outcome"], reason_of(verdict["kind"], verdict["outcome"], verdict["reason_code"])
    if not outcome:
        if not Verdict.objects.filter(clue_id=verdict["clue_id"], standing="stands", pk__lt=verdict["pk"]).exclude(outcome="").exists():
            return None
        outcome = "returned"
    return {
        "cursor": seq, "verdict": verdict["pk"], "clue": verdict["clue_id"], "number": verdict["clue__number"], "model": verdict["clue__scenario_id"],
        "version": verdict["model_version"], "run": verdict["clue__run_id"], "office": verdict["clue__run__unit__code"], "unit": verdict["clue__content__unit"],
        "reviewed_as_of": verdict["clue__as_of"].isoformat(), "channel": verdict["clue__selected"], "outcome": outcome, "reason": reason,
        "decided_on": timezone.localtime(verdict["decided"] or verdict["at"]).date().isoformat(), "worth_checking": verdict["worth_checking"],
        "feedback": dict(verdict["said"].get("feedback", {})),
    }


def reason_of(kind: str, outcome: str, code: str) -> str:
    """Why something was not confirmed, in the codes of the verdict tables; empty where they have no word for it.

    >>> reason_of("explained", "not_confirmed", "time_barred"), reason_of("data_error", "identity_mismatch", "")
    ('time_barred', 'identity_mismatch')
    >>> reason_of("accepted", "confirmed", ""), reason_of("explained", "not_confirmed", "a code of this office alone")
    ('', '')
    """
    if outcome == "not_confirmed":
        return code if code in REASONS else ""
    if outcome in ("data_error", "identity_mismatch"):
        return outcome
    return {"unsure": "insufficient_evidence", "pending": "insufficient_evidence", "duplicate": "duplicate", "elsewhere": "no_jurisdiction"}.get(kind, "")
