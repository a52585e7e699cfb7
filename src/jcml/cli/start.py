"""`jcml demo`, `init`, `doctor`, `help`."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jcml.cli.console import Console
from jcml.cli.context import pass_console

if TYPE_CHECKING:
    from jcml.tables.store import Store

DEMO_MODELS = ("reverse_penalty_link", "provident_fund_litigation", "refined_oil_tax")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo-office"), show_default=True, help="Where to put the example offices.")
@click.option("--model", "models", multiple=True, type=click.Choice(DEMO_MODELS), help="Only these models; default: all three.")
@click.option("--seed", default=7, show_default=True, help="Of the synthetic data.")
@click.option("--serve/--no-serve", default=True, show_default=True, help="Take the clues into a workbench and start its server in the background.")
@pass_console
def demo(console: Console, out: Path, models: tuple[str, ...], seed: int, serve: bool) -> None:
    """Three synthetic offices, from raw files to a ranked list of explained clues, and a workbench to read them in. A few minutes, no network."""
    reports = []
    timings: list[list[Any]] = []
    for name in models or DEMO_MODELS:
        reports.append(_demo_model(console, out / name, name, seed, timings))
    console.say("")
    console.table([console.text("监督模型", "model"), console.text("步骤", "step"), console.text("秒", "seconds")], timings)
    console.say(
        "以上数据均为程序生成，只说明系统能够运转，不是准确程度的依据。打开报告：",
        "All of these data are synthetic: they show that the machinery works and are no evidence of accuracy. Open the reports:",
    )
    for path in reports:
        click.echo(path)
    if serve:
        _demo_workbench(console, out, models or DEMO_MODELS)


def _demo_workbench(console: Console, out: Path, models: tuple[str, ...]) -> None:
    """Take the clues into the demonstration's workbench, start its server, and say who may log in."""
    from jcml.cli.review import take_in_published
    from jcml.cli.workbench import set_up, workbench
    from jcml.errors import Unavailable
    from jcml.serving.ledger import Ledger
    from jcml.tables.office import read_office
    from jcml.tables.store import Store
    from jcml.workspace.scaffold import shipped
    from jcml.workspace.workspace import Workspace

    home = (out / "workbench").resolve()
    home.mkdir(mode=0o700, exist_ok=True)
    if not (home / "review.toml").exists():
        (home / "review.toml").write_text('name = "检察监督线索工作台（演示）"\ndemo = true\n', encoding="utf-8")
    try:
        set_up(home)
    except Unavailable as error:
        console.say(error.text(console.language))
        return
    from django.core.management import call_command
    from django.db import connections

    from jcml.review.demo import HANDLES, only_here, people
    from jcml.review.opening import known_unit
    from jcml.review.server import free_port, start, stop

    console.say(f"\n== {console.text('工作台', 'workbench')} · {home}")
    only_here(home)
    stop(home)
    call_command("migrate", verbosity=0, interactive=False)
    with workbench(home):
        accounts = people(home)
        for name in models:
            store = Store(read_office(out / name), Workspace(shipped()).tables)
            first = Ledger(store.root / "ledger.sqlite").all(name)[0]  # run again, the demonstration trains again: another list of the same day
            take_in_published(console, store, known_unit(HANDLES), name, first.run)
    connections.close_all()
    port = free_port("127.0.0.1", 8765)
    start(home, "127.0.0.1", port)
    console.table(
        [console.text("用户名", "user"), console.text("姓名", "name"), console.text("角色", "role"), console.text("单位", "unit"), console.text("密码", "password")],
        [[a.username, a.name, a.role, a.unit, a.secret] for a in accounts],
    )
    console.say("角色：R 检察官 C 复核 L 分管 M 案管 D 数据 SA 系统 SE 安全 AU 审计 B 批处理（令牌）", "Roles: R prosecutor, C checker, L leader, M case management, D data, SA system, SE security, AU audit, B batch (a token)")
    console.say(f"停止：jcml review stop --home {home}", f"To stop: jcml review stop --home {home}")
    click.echo(f"http://127.0.0.1:{port}/")


def _demo_model(console: Console, folder: Path, name: str, seed: int, timings: list[list[Any]]) -> Path:
    from jcml.cli.learning import show_training, train_model
    from jcml.cli.scoring import list_clues, score_model, write_report
    from jcml.simulation.scenarios import make_office, read_simulated
    from jcml.tables.importing import import_table
    from jcml.tables.office import read_office
    from jcml.tables.store import Store
    from jcml.workspace.scaffold import shipped
    from jcml.workspace.workspace import Workspace

    clock = _Clock(name, timings)
    workspace = Workspace(shipped())
    console.say(f"\n== {workspace.model(name).definition.title[0 if console.language == 'zh' else 1]} · {name}")
    if not (folder / "office.toml").exists():
        make_office(name, workspace.tables, folder, seed)
    made = read_simulated(folder)
    console.step(f"office: {folder} ({made.first} – {made.last})")
    clock.lap("office")
    store = Store(read_office(folder), workspace.tables)
    for table in sorted(store.office.bindings):
        for done in import_table(store, table, received=made.last_day):
            batch = done.batch
            console.step(f"{table}: {batch.read:,} = {batch.kept:,} + {batch.quarantined:,}")
    clock.lap("import")
    model = workspace.model(name)
    as_of = _newest(model, made.last_day)
    trained, version = train_model(console, store, model, as_of)
    show_training(console, trained, model, version, as_json=False)
    clock.lap("train")
    _promote(console, store, name, version, trained.kept, model.definition.fingerprint)
    published = score_model(console, store, model, as_of)
    list_clues(console, store, published.publication, limit=10)
    clock.lap("score")
    path = write_report(console, store, model, as_of, None)
    clock.lap("report")
    return path


def _promote(console: Console, store: Store, name: str, version: int, kept: bool, fingerprint: str) -> None:
    """In the demonstration the gates decide for the person who would; a model that fails them is not used."""
    from jcml.cli.context import registry_of
    from jcml.errors import CheckFailed

    try:
        registry_of(store).promote(name, version, by="demo", because="演示：准入门槛全部通过", fingerprint=fingerprint)
    except CheckFailed as error:
        if kept:
            raise
        click.echo(error.text(console.language), err=True)
        raise


def _newest(model: Any, last: date) -> date:
    from jcml.dates import date_series

    return date_series(model.training.as_of.first, last, model.serving.every)[-1]


class _Clock:
    def __init__(self, model: str, timings: list[list[Any]]) -> None:
        self.model = model
        self.timings = timings
        self.mark = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.timings.append([self.model, step, f"{now - self.mark:.1f}"])
        self.mark = now


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@pass_console
def init(console: Console, folder: Path) -> None:
    """Start a workspace (the models that come with jcml) and an office in FOLDER."""
    from jcml.workspace.scaffold import init as make

    for path in make(folder):
        click.echo(path)
    console.say("下一步：在 office.toml 中绑定数据表，然后 jcml data import", "Next: bind tables in office.toml, then jcml data import")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def doctor(console: Console, as_json: bool) -> int:
    """Is this installation sound: Python, libraries, settings, definitions, and the office if there is one."""
    from jcml.cli.checkup import checkup

    found = checkup(console)
    if as_json:
        console.json({"schema": "jcml.doctor/1", "checks": found})
    else:
        console.table([console.text("检查", "check"), "", console.text("说明", "detail")], [[c["check"], c["ok"], c["detail"]] for c in found])
    return 0 if all(c["ok"] for c in found) else 1


@click.command("help")
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def explain_code(console: Console, code: str | None, as_json: bool) -> None:
    """What an error code means, and what to do."""
    from jcml.errors import UsageError, catalogue, nearest

    known = catalogue()
    if code is None:
        rows = [[c, e["kind"], e[console.language]["what"]] for c, e in known.items()]
        if as_json:
            console.json({"schema": "jcml.errors/1", "errors": known})
        else:
            console.table(["code", "kind", ""], rows)
        return
    if code not in known:
        raise UsageError("JC0002", asked=code, nearest=nearest(code, known))
    entry = known[code]
    if as_json:
        console.json({"code": code, **entry})
        return
    for part in ("what", "expected", "next"):
        if part in entry[console.language]:
            click.echo(f"{part}: {entry[console.language][part]}")
