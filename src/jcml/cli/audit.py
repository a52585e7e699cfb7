"""`jcml audit`: does the log of the workbench hold, a checkpoint of it now, and whose print or export a code belongs to."""

from __future__ import annotations

import json
from pathlib import Path

import click

from jcml.cli.console import Console
from jcml.cli.context import pass_console
from jcml.cli.workbench import home_option, workbench

MOST_TOLD = 20


@click.group()
def audit() -> None:
    """The log of the workbench: verify it, sign a checkpoint, find a print by its code."""


@audit.command()
@home_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def verify(console: Console, home: Path, as_json: bool) -> int:
    """Read every event, every checkpoint and the end of the log. Exit code 1 if anything does not hold. It changes nothing."""
    with workbench(home):
        from jcml.review import checkpoints
        from jcml.review.models import Head

        events = Head.objects.values_list("seq", flat=True).first() or 0
        signed, late = checkpoints.checkpoints().checkpoints, checkpoints.overdue()
        wrong = checkpoints.verify()
    if as_json:
        console.json({
            "schema": "jcml.verification/1", "events": events, "checkpoints": len(signed), "signed_up_to": signed[-1].seq if signed else None,
            "signed_at": signed[-1].at if signed else None, "uncovered_since": late.isoformat(timespec="seconds") if late else None, "holds": not wrong,
            "flaws": [{"seq": f.seq, "how": f.how} for f in wrong],
        })
        return 1 if wrong else 0
    for flaw in wrong[:MOST_TOLD]:
        click.echo(console.text(*checkpoints.HOW[flaw.how]).format(seq=flaw.seq))
    if len(wrong) > MOST_TOLD:
        click.echo(console.text(f"另有 {len(wrong) - MOST_TOLD:,} 处", f"and {len(wrong) - MOST_TOLD:,} more"))
    if not wrong:
        end = signed[-1] if signed else None
        covered = console.text(f"最近的检查点签到事件 {end.seq:,}（{end.at}）", f"the newest checkpoint signs event {end.seq:,} ({end.at})") if end else console.text("还没有检查点", "no checkpoint yet")
        click.echo(console.text(f"日志完好：事件 {events:,} 个，检查点 {len(signed):,} 个，{covered}", f"the log holds: {events:,} events, {len(signed):,} checkpoints, {covered}"))
    if late is not None:
        console.say(f"自 {late.isoformat(timespec='minutes')} 起的事件没有检查点", f"no checkpoint covers the events since {late.isoformat(timespec='minutes')}")
    return 1 if wrong else 0


@audit.command()
@home_option
@pass_console
def checkpoint(console: Console, home: Path) -> None:
    """Sign the newest event into the file of checkpoints; hourly, by cron say. Nothing new, nothing signed."""
    with workbench(home):
        from jcml.review import checkpoints

        before = checkpoints.newest()
        made = checkpoints.make_checkpoint()
        where = checkpoints.place()
    if made is None or made == before:
        console.say("没有新的事件需要签署", "no new event to sign")
    else:
        console.say(f"已签署至事件 {made.seq:,} → {where}", f"signed up to event {made.seq:,} → {where}")


@audit.command()
@click.argument("code")
@home_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def show(console: Console, code: str, home: Path, as_json: bool) -> None:
    """Who printed or exported what under the CODE in a footer, and when."""
    from jcml.errors import InputMissing

    with workbench(home):
        from jcml.review.stamp import stamped

        found = list(stamped(code))
        if not found:
            raise InputMissing("JC7202", asked=code)
    if as_json:
        console.json({
            "schema": "jcml.stamped/1", "code": code, "events": [
                {
                    "seq": e.seq, "at": e.at, "actor": e.actor, "role": e.role, "address": e.address, "what": e.what, "kind": e.kind, "object": e.object, "unit": e.unit,
                    "detail": json.loads(e.detail),
                }
                for e in found
            ],
        })
        return
    header = [console.text(*pair) for pair in (("时间", "when"), ("用户", "who"), ("角色", "role"), ("来自", "from"), ("操作", "what"), ("对象", "object"))]
    console.table(header, [[e.at, e.actor, e.role, e.address, e.what, f"{e.kind} {e.object}".strip()] for e in found])
