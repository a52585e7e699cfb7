"""The loop closes: what reviewers decide in the workbench is what the next training matrix has for labels."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jcml.dates import midnight
from jcml.features.matrix import build_matrix, find_outcomes
from jcml.tables.store import Store

LABELS = {"confirmed": 1.0, "not_confirmed": 0.0}


@pytest.fixture
def loop(db: None, settings: Any, tmp_path: Path) -> Any:
    from benchmarks.label_loop import Loop

    settings.HOME = tmp_path / "workbench"
    settings.HOME.mkdir()
    return Loop(3, tmp_path / "office", size=1500, capacity=12)


def labels(loop: Any, day: date, until: date) -> tuple[dict[str, float], dict[str, str]]:
    """Labels and channels of the units of one as-of date, as known before a day, read by a store that was opened anew."""
    store = Store(loop.store.office, loop.workspace.tables)
    definition, every = loop.model.definition, loop.model.serving.every
    matrix = build_matrix(definition, store, [day], every)
    outcomes = find_outcomes(definition, store, matrix, every)
    found = outcomes.labels(midnight(until, store.office.zone))
    units = [unit for (unit,) in matrix.units]
    return dict(zip(units, found, strict=True)), dict(zip(units, outcomes.channel, strict=True))


def test_two_rounds_end_to_end(loop: Any) -> None:
    from jcml.review.chain import flaws
    from jcml.review.journal import entries
    from jcml.review.models import Clue, Event, Verdict

    days = [date(2023, 7, 1), date(2023, 11, 1)]
    before, _ = labels(loop, days[0], date(2024, 6, 1))
    assert np.isnan(list(before.values())).all()  # nothing on this list was decided before it was made
    rounds = list(loop.rounds(days))
    for day, made in zip(days, rounds, strict=True):
        clues = {c.pk: c for c in Clue.objects.filter(unit=loop.desk.unit, as_of=day)}
        assert set(made.decided) == set(clues) and len(clues) == 12
        found, channel = labels(loop, day, date(2024, 6, 1))
        for pk, outcome in made.decided.items():
            subject = clues[pk].subject
            assert found[subject] == LABELS[outcome] if outcome in LABELS else np.isnan(found[subject])
            assert channel[subject] == clues[pk].selected
        decided = {c.subject for c in clues.values()}
        assert all(np.isnan(label) for unit, label in found.items() if unit not in decided)
    assert set(LABELS) <= set(rounds[0].decided.values())
    assert {v.by_id for v in Verdict.objects.filter(kind="accepted")} & set(Verdict.objects.filter(approvals__approved=True).values_list("approvals__by", flat=True)) == set()
    assert rounds[1].labelled > rounds[0].labelled
    assert not list(flaws(entries()))
    _no_label_before_it_was_known(loop, days[0])
    _files_say_the_same(loop, rounds)
    assert list(Event.objects.filter(what="labels.exported").values_list("actor", flat=True)) == ["system", "system"]


def _no_label_before_it_was_known(loop: Any, day: date) -> None:
    """The verdicts were exported on the day before the next list, and nobody who asks about an earlier day gets them."""
    early, _ = labels(loop, day, date(2023, 10, 31))
    later, _ = labels(loop, day, date(2023, 11, 1))
    assert np.isnan(list(early.values())).all() and not np.isnan(list(later.values())).all()


def _files_say_the_same(loop: Any, rounds: list[Any]) -> None:
    from jcml.review.models import Clue

    (file,) = (loop.store.office.folder / "data").glob("workbench_*.csv")
    with file.open(encoding="utf-8", newline="") as stream:
        written = list(csv.DictReader(stream))
    told = Counter(outcome for made in rounds for outcome in made.decided.values())
    names = {"confirmed": "成案", "not_confirmed": "不成案", "data_error": "数据有误", "identity_mismatch": "身份不符", "returned": "无法判断"}
    assert Counter(row["处理结果"] for row in written) == Counter({names[k]: n for k, n in told.items()})
    assert {row["人案编号"] for row in written} <= set(loop.candidates)
    assert {row["决定日期"] for row in written} == {str(d) for d in _days_of_verdicts()}
    feedback = (loop.store.root / "labels" / f"reason_feedback_reverse_penalty_link_{loop.desk.unit.code}.csv").read_text(encoding="utf-8").splitlines()
    assert len(feedback) == 1 + sum(told[k] for k in LABELS)
    assert not any(row["人案编号"] in line for line in feedback for row in written)
    assert Clue.objects.filter(unit=loop.desk.unit).exclude(state__in=["closed", "pending"]).count() == 0


def _days_of_verdicts() -> set[date]:
    from django.utils import timezone

    from jcml.review.models import Verdict

    return {timezone.localtime(v.decided).date() for v in Verdict.objects.filter(standing="stands") if v.decided}
