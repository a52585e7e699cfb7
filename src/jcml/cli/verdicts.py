"""`jcml review export`: what prosecutors decided goes back into the office's own files, for the next import."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jcml.cli.console import Console
from jcml.cli.context import pass_console, store_of
from jcml.cli.workbench import home_option, workbench

if TYPE_CHECKING:
    from datetime import date

    from jcml.tables.store import Store
    from jcml.workspace.workspace import Model


@dataclass(frozen=True)
class Exported:
    """What an export wrote: the file of the verdicts, how many are new, how many there are by outcome, and what was said of reasons."""

    file: Path
    new: int
    outcomes: dict[str, int]
    feedback_file: Path
    feedback: int
    table: str


@click.command()
@click.argument("name", metavar="MODEL")
@home_option
@click.option("--unit", required=True, help="Code of the workbench's unit whose verdicts these are.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def export(console: Console, name: str, home: Path, unit: str, as_json: bool) -> None:
    """Write verdicts that stand into the office's verdict table, and only new ones. Safe to repeat; import takes them from there."""
    workspace, store = store_of(console)
    model = workspace.model(name)
    with workbench(home):
        done = export_verdicts(store, model, unit)
    if as_json:
        console.json({
            "schema": "jcml.exported/1", "model": name, "unit": unit, "file": str(done.file), "new": done.new, "outcomes": done.outcomes,
            "feedback_file": str(done.feedback_file), "feedback": done.feedback,
        })
        return
    if not done.new:
        console.say("没有新的处理结论", "no new verdicts")
        return
    told = ", ".join(f"{outcome} {count}" for outcome, count in sorted(done.outcomes.items()))
    console.say(f"新增 {done.new} 条处理结论（{told}）→ {done.file}；下一步：jcml data import {done.table}", f"{done.new} new verdicts ({told}) → {done.file}; next: jcml data import {done.table}")
    if done.feedback:
        console.say(f"新增 {done.feedback} 条理由反馈 → {done.feedback_file}", f"{done.feedback} new answers to reasons → {done.feedback_file}")


def export_verdicts(store: Store, model: Model, unit: str, received: date | None = None) -> Exported:
    """Append what came to stand since the last export, in the office's table and in the feedback on reasons; one event tells of it.

    Parameters
    ----------
    store : Store
        Of the office whose clues the workbench's unit took in: it alone knows what their pseudonyms stand for.
    unit : str
        Code of the workbench's unit.
    received : date or None
        The day from which the office knows of these verdicts; today when None.

    Raises
    ------
    UsageError
        JC7008, if the workbench has no such unit.
    ConfigurationError
        JC7301 and JC7302, as `verdict_table` and `verdict_file` say.
    DataError
        JC7303, if the file was not written by an export of this workbench; JC7304, if a unit is unknown to the office.
    """
    from django.db import transaction
    from django.utils import timezone

    from jcml.durable import held
    from jcml.errors import DataError, Place, UsageError
    from jcml.review.journal import SYSTEM, record
    from jcml.review.labels import rows
    from jcml.review.models import Clue, Head, Unit
    from jcml.serving.verdict_table import append_lines, append_verdicts, last_place, verdict_file, verdict_table

    found = verdict_table(model.definition)
    file = verdict_file(store.office, found.table.name, unit)
    feedback_file = store.root / "labels" / f"reason_feedback_{model.name}_{unit}.csv"
    where = Unit.objects.filter(code=unit).first()
    if where is None:
        raise UsageError("JC7008", unit=unit)
    clues = Clue.objects.filter(run__unit=where, scenario_id=model.name, run__published__isnull=False)
    day = received or timezone.localdate()
    new: list[dict[str, Any]] = []
    with held(store.root / "labels" / "export.lock", wait=True), transaction.atomic():
        after = last_place(file, store.office.bindings[found.table.name])
        if after > (Head.objects.values_list("seq", flat=True).first() or 0):
            raise DataError("JC7303", Place(file), problem=str(after))
        while page := rows(clues, new[-1]["cursor"] if new else after):
            new += page
        new = [{**row, "received_on": day.isoformat()} for row in new if row["outcome"] in found.table.columns[found.outcome].type.codes]
        said = append_lines(feedback_file, FEEDBACK, (line for row in new for line in _feedback(row)))
        append_verdicts(store, found, file, new)
        if new:
            record(SYSTEM, "labels.exported", "scenario", model.name, where, verdicts=len(new), feedback=said, until=new[-1]["cursor"], file=file.name)
    outcomes = {o: sum(row["outcome"] == o for row in new) for o in dict.fromkeys(row["outcome"] for row in new)}
    return Exported(file, len(new), outcomes, feedback_file, said, found.table.name)


FEEDBACK = ("place_in_log", "clue", "unit", "model", "version", "reviewed_as_of", "channel", "outcome", "worth_checking", "feature", "says", "decided_on")


def _feedback(row: dict[str, Any]) -> list[list[Any]]:
    """One line per reason that somebody spoke of; units stay pseudonyms."""
    fixed = [json.dumps(row["unit"], ensure_ascii=False), row["model"], row["version"], row["reviewed_as_of"], row["channel"], row["outcome"]]
    worth = {None: "", True: "yes", False: "no"}[row["worth_checking"]]
    return [[row["cursor"], row["clue"], *fixed, worth, feature, says, row["decided_on"]] for feature, says in sorted(row["feedback"].items())]
