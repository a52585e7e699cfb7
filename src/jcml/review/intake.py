"""Clues coming in: a run of the engine with its clues, visible all at once, taken in once however often it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from jcml.errors import DataError
from jcml.records import Clue as GivenClue
from jcml.records import Names, SourceRow
from jcml.review.checkpoints import make_checkpoint
from jcml.review.journal import Actor, record
from jcml.review.models import (
    Clue,
    Department,
    DueRule,
    Link,
    Reason,
    Run,
    Scenario,
    ScoreVersion,
    SealedName,
    SpecialDay,
    Unit,
)
from jcml.review.sealing import key_of, seal
from jcml.review.states import OPEN
from jcml.review.verdicts import drawn
from jcml.review.working_days import due

BLIND = 0.05
BAND_ORDER = {"high": 0, "medium": 1, "low": 2}


def special_days() -> dict[date, bool]:
    """The office's calendar: days that are not as their weekday."""
    return dict(SpecialDay.objects.values_list("day", "working"))


def due_day(what: str, start: date, special: Mapping[date, bool] | None = None) -> date:
    """When something is due that starts today; five working days where no rule says otherwise."""
    rule = DueRule.objects.filter(what=what).first()
    return due(start, rule.days if rule else 5, special_days() if special is None else special, working=rule.working if rule else True)


def begin_run(actor: Actor, unit: Unit, facts: Mapping[str, Any], titles: tuple[str, str], department: str) -> Run:
    """Announce a run; the same run again gives the same row.

    Raises
    ------
    DataError
        JC7101, if a run of this key is there with other clues, or another run stands for the same model and day
        and this one does not say why it supersedes it.
    """
    with transaction.atomic():
        run = Run.objects.filter(key=facts["run"]).first()
        if run:
            if run.clues_digest != facts["clues_digest"] or run.unit_id != unit.pk:
                raise DataError("JC7101", run=facts["run"], problem="clues_digest")
            return run
        where = Department.objects.filter(code=department).first() or Department.objects.get(code="general")
        scenario, _ = Scenario.objects.get_or_create(name=facts["model"], defaults={"zh": titles[0], "en": titles[1], "department": where})
        standing = Run.objects.filter(scenario=scenario, unit=unit, as_of=facts["as_of"], superseded_by=None).first()
        if standing and not facts.get("supersede"):
            raise DataError("JC7101", run=facts["run"], problem=f"{standing.key[:12]} ≠ supersede")
        run = Run.objects.create(
            key=facts["run"], scenario=scenario, unit=unit, as_of=facts["as_of"], version=facts["version"], scored=facts["scored"],
            clues_expected=facts["clues"], clues_digest=facts["clues_digest"], facts=dict(facts), received_by=actor.name, supersedes=standing,
        )
        record(actor, "run.received", "run", run.key, unit, scenario=scenario.name, as_of=str(facts["as_of"]), clues=facts["clues"])
        return run


def add_clues(run: Run, given: Iterable[GivenClue], names: Iterable[Names] = ()) -> int:
    """Take in clues of an announced run; those that are there already are left alone. Returns how many were new.

    Raises
    ------
    DataError
        JC7102, if a clue has no reason, belongs to another run, or is there with other content; JC7101, if it is new and the
        run is published.
    """
    from django.conf import settings

    special, start = special_days(), timezone.localdate()
    terms = {band: due_day(band, start, special) for band in BAND_ORDER}
    with transaction.atomic():
        there = dict(run.clues.values_list("id", "evidence_digest"))
        year = timezone.localdate().year
        last = Clue.objects.filter(number__startswith=f"XS{year}-").order_by("-number").values_list("number", flat=True).first()
        counter = int(last.rpartition("-")[2]) if last else 0
        rows, reasons, links = [], [], []
        for clue in given:
            digest = hashlib.sha256(clue.to_line().encode()).hexdigest()
            if clue.run != run.key or not (clue.reasons_for or clue.reasons_against):
                raise DataError("JC7102", clue=clue.id, problem="run, reasons")
            if clue.id in there:
                if there[clue.id] != digest:
                    raise DataError("JC7102", clue=clue.id, problem="digest")
                continue
            there[clue.id] = digest
            counter += 1
            first = (clue.reasons_for or clue.reasons_against)[0].statement
            named = sorted({r.statement.feature for r in clue.reasons_for[:2]})
            sources = list(clue.rows())
            rows.append(
                Clue(
                    id=clue.id, number=f"XS{year}-{counter:07d}", run=run, scenario_id=run.scenario_id, department_id=run.scenario.department_id,
                    unit_id=run.unit_id, subject="|".join(clue.unit.values()), subject_shown=clue.title_zh.partition("·")[2] or "|".join(clue.unit.values()),
                    as_of=clue.as_of, band=clue.band, rank=clue.rank, margin=clue.margin, probability=clue.probability, selected=clue.selected,
                    chance=clue.chance, place=_place(clue), first_reason=first.feature, first_reason_zh=first.zh, first_reason_en=first.en,
                    pattern=" ".join(named), evidence_count=len({(r.table, r.row) for r in sources}), evidence_digest=digest, content=_content(clue),
                    state="arriving", due_on=terms[clue.band], blind=drawn(clue.id, "blind", BLIND),
                )
            )
            for speaks_for, told in ((True, clue.reasons_for), (False, clue.reasons_against)):
                reasons += [Reason(clue_id=clue.id, feature=r.statement.feature, place=n, speaks_for=speaks_for, contribution=r.contribution) for n, r in enumerate(told)]
            links += _links(clue, sources)
        if rows and Run.objects.select_for_update().get(pk=run.pk).published:
            raise DataError("JC7101", run=run.key, problem="published")
        Clue.objects.bulk_create(rows, 500)
        Reason.objects.bulk_create(reasons, 1000)
        Link.objects.bulk_create(links, 1000)
        _mark_common(run)
        new = {row.id for row in rows}
        key = key_of(settings.HOME / "names.key")
        SealedName.objects.bulk_create(
            [
                SealedName(clue_id=n.clue, table=n.table, row=n.row, box=seal(n.values, key, f"{n.clue}/{n.table}/{n.row}"))
                for n in names if n.clue in new and n.values
            ],
            500,
        )
    return len(rows)


def publish_run(actor: Actor, run: Run) -> Run:
    """Make a complete run visible, in one transaction; again changes nothing.

    Raises
    ------
    DataError
        JC7103, if clues are missing.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.published:
            return run
        if run.clues.count() != run.clues_expected:
            raise DataError("JC7103", run=run.key, there=run.clues.count(), expected=run.clues_expected)
        if run.supersedes_id:
            old = Clue.objects.filter(run_id=run.supersedes_id, state="queued")
            for clue in old.select_related("unit"):
                record(actor, "clue.superseded", "clue", clue.pk, clue.unit, by=run.key)
            old.update(state="superseded")
        _score_versions(run)
        run.clues.filter(state="arriving").update(state="queued")
        run.published = timezone.now()
        run.save(update_fields=["published"])
        record(actor, "run.published", "run", run.key, run.unit, clues=run.clues_expected)
        transaction.on_commit(make_checkpoint, robust=True)  # a run that is published stays so; a checkpoint that fails is overdue later
    return run


def take_in(actor: Actor, unit: Unit, facts: Mapping[str, Any], given: list[GivenClue], names: Iterable[Names] = ()) -> tuple[Run, int]:
    """A whole run at once: announced, filled, published. Returns it and how many clues were new.

    A run whose clues were all taken in before changes nothing.
    """
    with transaction.atomic():
        zh = given[0].title_zh.partition("·")[0] if given else facts["model"]
        en = given[0].title_en.partition("·")[0].strip() if given else facts["model"]
        run = begin_run(actor, unit, facts, (zh, en), given[0].queue if given else "")
        new = add_clues(run, given, names)
        return publish_run(actor, run), new


def _content(clue: GivenClue) -> dict[str, Any]:
    import json

    return dict(json.loads(clue.to_line()))


def _place(clue: GivenClue) -> int:
    """Its place in the queue: by band and order, and for clues drawn at random a place that gives nothing away."""
    if clue.selected == "audit":
        return int(hashlib.sha256(f"place:{clue.id}".encode()).hexdigest()[:8], 16) % 3_000_000
    return BAND_ORDER[clue.band] * 1_000_000 + min(clue.rank, 999_999)


def _links(clue: GivenClue, sources: Iterable[SourceRow]) -> list[Link]:
    """What the evidence names, each once: its rows, and the persons, firms and things in them."""
    found: dict[tuple[str, str], list[Any]] = {}
    for row in sources:
        one = found.setdefault((f"row:{row.table}", row.digest), [row.row, set()])
        one[1].add(row.digest)
        for title, key in row.keys.items():
            entity, _, value = key.partition(":")
            linked = found.setdefault((entity, value), [row.shown.get(title, title), set()])
            linked[1].add(row.digest)
    return [Link(clue_id=clue.id, kind=kind[:60], value=value, shown=shown[:200], rows=len(rows)) for (kind, value), (shown, rows) in found.items()]


def _mark_common(run: Run) -> None:
    """Mark what several clues name, in this run or before."""
    new = Link.objects.filter(clue__run=run).exclude(kind__startswith="row:")
    other = Link.objects.filter(kind=OuterRef("kind"), value=OuterRef("value")).exclude(clue=OuterRef("clue"))
    named = set(new.filter(Exists(other)).values_list("kind", "value"))
    for kind in {kind for kind, _ in named}:
        values = [value for one, value in named if one == kind]
        for at in range(0, len(values), 500):
            Link.objects.filter(kind=kind, value__in=values[at : at + 500]).update(common=True)


def _score_versions(run: Run) -> None:
    """Tell open and closed clues of the same subjects about their new scores; no state moves."""
    fresh = {c.subject: c for c in run.clues.all()}
    made = []
    for clue in Clue.objects.filter(scenario=run.scenario_id, unit=run.unit_id, subject__in=fresh).exclude(run=run).exclude(state="arriving"):
        new = fresh[clue.subject]
        made.append(ScoreVersion(clue=clue, run=run, as_of=run.as_of, margin=new.margin, band=new.band))
        if clue.state not in OPEN and BAND_ORDER[new.band] < BAND_ORDER[clue.band] and not clue.rose_since:
            Clue.objects.filter(pk=clue.pk).update(rose_since=True)
    ScoreVersion.objects.bulk_create(made, 500)
