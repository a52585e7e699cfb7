"""`jcml review`: the workbench's home, its people, its server, and clues on their way into it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jcml.cli.console import Console
from jcml.cli.context import pass_console, store_of
from jcml.cli.verdicts import export
from jcml.cli.workbench import home_option, reachable, set_up, workbench

if TYPE_CHECKING:
    from jcml.review.models import Unit
    from jcml.serving.ledger import Publication
    from jcml.tables.store import Store


@click.group()
def review() -> None:
    """The workbench, in which prosecutors read clues and decide."""


@review.command()
@home_option
@pass_console
def migrate(console: Console, home: Path) -> None:
    """Make the workbench's home and database, or bring them up to date. Safe to repeat; back the database up before."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    set_up(home)
    from django.core.management import call_command

    from jcml.review.opening import migrations_pending

    with reachable():
        due = migrations_pending()
        call_command("migrate", verbosity=0, interactive=False)
    console.say(f"{home}：执行了 {len(due)} 个迁移步骤", f"{home}: {len(due)} steps of migration done")


@review.command()
@home_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64), help="Threads of each process.")
@pass_console
def serve(console: Console, home: Path, host: str, port: int, workers: int, threads: int) -> None:
    """Serve the workbench until interrupted. It changes nothing in the database's form and asks nothing of any other machine."""
    with workbench(home):
        from django.db import connections

        from jcml.review.server import serve as run

        connections.close_all()  # a connection must not be shared with the processes that are forked

        def ready() -> None:
            console.say(f"http://{host}:{port}/  停止：Ctrl+C，或 jcml review stop --home {home}", f"http://{host}:{port}/  to stop: Ctrl+C, or jcml review stop --home {home}")

        run(host, port, workers=workers, threads=threads, home=home.resolve(), ready=ready)


@review.command()
@home_option
@pass_console
def stop(console: Console, home: Path) -> None:
    """Stop the server of a home, if one runs."""
    from jcml.errors import InputMissing
    from jcml.review.server import stop as end

    if not home.is_dir():
        raise InputMissing("JC7016", home=home)
    pid = end(home.resolve())
    if pid is None:
        console.say("没有在运行的服务", "no server was running")
    else:
        console.say(f"服务已停止（进程 {pid}）", f"the server has stopped (process {pid})")


@review.command()
@home_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def status(console: Console, home: Path, as_json: bool) -> None:
    """What is in a workbench: runs, clues by state, people; whether its server runs."""
    with workbench(home):
        from django.db.models import Count

        from jcml.review.models import Clue, Grant, Run, Unit
        from jcml.review.server import running
        from jcml.review.states import STATES

        states = dict(Clue.objects.values_list("state").annotate(n=Count("pk")))
        roles = dict(Grant.objects.filter(user__is_active=True).values_list("role").annotate(n=Count("user", distinct=True)))
        found: dict[str, Any] = {
            "units": Unit.objects.count(), "runs": Run.objects.filter(published__isnull=False).count(), "clues": {s: states[s] for s in STATES if s in states},
            "people": roles, "server": running(home.resolve()),
        }
    if as_json:
        console.json({"schema": "jcml.workbench/1", **found})
        return
    at = 0 if console.language == "zh" else 1
    rows = [[console.text("单位", "units"), found["units"]], [console.text("批次", "runs"), found["runs"]]]
    rows += [[f"{console.text('线索', 'clues')} {STATES[s][at]}", n] for s, n in states.items()]
    rows += [[f"{console.text('用户', 'people')} {role}", n] for role, n in sorted(roles.items())]
    rows.append([console.text("服务进程", "server process"), str(found["server"] or "–")])
    console.table(["", ""], rows)


@review.command("create-unit")
@click.argument("code")
@click.option("--zh", required=True, help="Name in Chinese.")
@click.option("--en", required=True, help="Name in English.")
@click.option("--parent", default="", help="Code of the unit above it; none for the topmost.")
@home_option
@pass_console
def create_unit(console: Console, code: str, zh: str, en: str, parent: str, home: Path) -> None:
    """Add a unit (a procuratorate) to the tree. Safe to repeat."""
    with workbench(home):
        from jcml.review.journal import SYSTEM
        from jcml.review.opening import known_unit, open_unit

        made, new = open_unit(SYSTEM, code, zh, en, known_unit(parent) if parent else None)
        console.say(f"{made.zh} {made.path} {'已建立' if new else '已存在'}", f"{made.en} {made.path} {'made' if new else 'was there'}")


@review.command("create-user")
@click.argument("username")
@click.option("--name", default="", help="Name that colleagues read; default: the user name.")
@click.option("--role", "roles", multiple=True, required=True, help="R C L M D SA SE AU or B; several times for several roles.")
@click.option("--unit", required=True, help="Code of the unit in which the roles hold.")
@click.option("--password-stdin", is_flag=True, help="Read the first password from standard input; otherwise one is made and printed once.")
@home_option
@pass_console
def create_user(console: Console, username: str, name: str, roles: tuple[str, ...], unit: str, password_stdin: bool, home: Path) -> None:
    """Add a person, or roles to one who is there. Prints the first password, which is to be changed at the first log-in."""
    given = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
    with workbench(home):
        from jcml.review.journal import SYSTEM
        from jcml.review.opening import known_unit, open_user

        user, password = open_user(SYSTEM, username, name, roles, known_unit(unit), password=given)
    console.say(f"{user.username}：{' '.join(roles)}", f"{user.username}: {' '.join(roles)}")
    if password and not password_stdin:
        click.echo(password)


@review.command("create-token")
@click.argument("username")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 3660), help="Days for which it is good.")
@home_option
@pass_console
def create_token(console: Console, username: str, days: int, home: Path) -> None:
    """Make a token with which a program acts as a user over the API. It is printed once; only its digest is kept."""
    with workbench(home):
        from jcml.review.journal import SYSTEM
        from jcml.review.opening import issue_token, known_user

        token = issue_token(SYSTEM, known_user(username), days)
    console.say(f"有效 {days} 天；Authorization: Bearer …", f"good for {days} days; Authorization: Bearer …")
    click.echo(token)


@review.command()
@click.argument("name", metavar="[MODEL]", default="")
@click.option("--run", "key", default="", help="Only the run of this key, or of the beginning of one.")
@click.option("--all", "every", is_flag=True, help="The published runs of every model of the office.")
@click.option("--unit", required=True, help="Code of the unit that is to handle the clues.")
@home_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def intake(console: Console, name: str, key: str, every: bool, unit: str, home: Path, as_json: bool) -> None:
    """Take the office's published runs of a model into the workbench, each once. Names travel beside the clues, encrypted there."""
    if bool(name) == every:
        raise click.UsageError("MODEL / --all")
    _, store = store_of(console)
    with workbench(home):
        from jcml.review.opening import known_unit

        taken = take_in_published(console, store, known_unit(unit), name, key)
    if as_json:
        console.json({"schema": "jcml.intake/1", "runs": taken})
        return
    new = sum(1 for run in taken if run["new"])
    console.say(f"新接收 {new} 个批次，共 {sum(r['new'] for r in taken)} 条线索", f"{new} runs taken in, {sum(r['new'] for r in taken)} clues")
    if taken:
        console.table(["run", "model", "as of", "v", "clues", "new"], [[r["run"][:12], r["model"], r["as_of"], r["version"], r["clues"], r["new"]] for r in taken])


def take_in_published(console: Console, store: Store, unit: Unit, name: str = "", key: str = "") -> list[dict[str, Any]]:
    """Take in what the office published of a model, or of all, oldest first; a run that is refused does not keep the next ones out.

    Raises
    ------
    InputMissing
        JC7013, if a run was named and there is none of it.
    DataError
        JC6101, JC9003, JC71xx, for every run that was refused.
    """
    from jcml.errors import InputMissing, JcmlError, raise_all
    from jcml.serving.ledger import Ledger

    published = [p for p in Ledger(store.root / "ledger.sqlite").all(name) if p.run.startswith(key)]
    if not published and (key or name):
        raise InputMissing("JC7013", model=name, run=key) if key else InputMissing("JC6008", model=name)
    taken, refused = [], []
    for publication in published:
        try:
            new = take_in_one(store, unit, publication)
        except JcmlError as error:
            refused.append(error)
            continue
        taken.append({**{k: getattr(publication, k) for k in ("run", "model", "as_of", "version", "clues")}, "new": new})
        console.step(f"{publication.model} {publication.as_of} v{publication.version} {publication.run[:12]}: {new}/{publication.clues}")
    raise_all(refused)
    return taken


def take_in_one(store: Store, unit: Unit, publication: Publication) -> int:
    """Take one published run in, with the names behind its masked cells; returns how many clues were new."""
    from jcml.durable import undamaged
    from jcml.review.intake import take_in
    from jcml.review.journal import SYSTEM
    from jcml.review.models import Run
    from jcml.serving.ledger import published_clues, run_folder
    from jcml.serving.names import names_behind

    if Run.objects.filter(pk=publication.run, unit=unit, published__isnull=False).exists():
        return 0
    manifest = run_folder(store.root, publication.model, publication.as_of, publication.run) / "run.json"
    with undamaged(manifest):
        facts = json.loads(manifest.read_text(encoding="utf-8"))
    clues = list(published_clues(store.root, publication))
    names = list(names_behind(store, clues))  # read before the database is locked
    _, new = take_in(SYSTEM, unit, facts, clues, names)
    return new


review.add_command(export)
