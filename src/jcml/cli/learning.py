"""`jcml train` and `jcml registry`: fit, evaluate, gates; versions, cards, promotion by a named person."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jcml.cli.console import Console
from jcml.cli.context import Day, capacity_of, on_engine, pass_console, registry_of, store_of

if TYPE_CHECKING:
    from jcml.tables.store import Store
    from jcml.training.train import Trained
    from jcml.workspace.workspace import Model


@click.command()
@click.argument("name", metavar="MODEL")
@click.option("--until", type=Day(), help="Use only what was known before this day; default: today.")
@click.option("--trials", type=click.IntRange(0), help="How many settings to try; default: as the plan says.")
@click.option("--try", "only_try", is_flag=True, help="Do not register the result.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@on_engine
@pass_console
def train(console: Console, name: str, until: date | None, trials: int | None, only_try: bool, as_json: bool) -> int:
    """Fit, evaluate, check the gates, register as challenger. Exit code 1 if a gate is not kept."""
    workspace, store = store_of(console)
    model = workspace.model(name)
    trained, version = train_model(console, store, model, until or date.today(), trials=trials, only_try=only_try)
    show_training(console, trained, model, version, as_json)
    return 0 if trained.kept else 1


def train_model(
    console: Console, store: Store, model: Model, until: date, *, trials: int | None = None, only_try: bool = False
) -> tuple[Trained, int]:
    """Train a model and register it; returns the run and its version (0 when it was only tried)."""
    from jcml.errors import InputMissing
    from jcml.training.figures import DrawingBeside
    from jcml.training.model_card import write_evidence
    from jcml.training.train import Training, register

    registry = registry_of(store)
    champion = None
    if (registry.folder / "mlflow.db").exists() or not registry.embedded:
        try:
            champion = registry.load(model.name, "champion")
        except InputMissing:
            champion = None
    training = Training(
        model.name, model.definition, model.training, capacity_of(store, model), store, until=until, champion=champion, trials=trials,
        threads=store.office.threads, say=console.step,
    )
    if only_try:
        return training.run(), 0
    with DrawingBeside(synthetic=store.office.synthetic) as beside:
        trained = training.run(evaluated=beside.begin)

        def files(run: Trained, folder: Path) -> None:
            write_evidence(run, folder, model.definition, store.office.name, synthetic=store.office.synthetic, draw=beside.finish)

        registered = register(trained, registry, files)
    console.step(f"registered: version {registered.version}")
    return trained, registered.version


def show_training(console: Console, trained: Trained, model: Model, version: int, as_json: bool) -> None:
    """Print gates and contestants."""
    from jcml.training.evaluate import METRICS
    from jcml.training.model_card import contestants, honesty

    at = 0 if console.language == "zh" else 1
    if as_json:
        gates = [{"metric": g.gate.metric, "kept": g.kept, "says": g.says, "because": g.gate.because} for g in trained.gates]
        console.json({
            "schema": "jcml.training/1", "model": model.name, "version": version, "gates": gates, "figures": trained.figures, "seconds": trained.seconds,
        })
        return
    rows = [[r["title"], r["precision"], r["gain"], r["auc"]] for r in contestants(trained.figures, model.definition, at)]
    console.table(["", console.text("排在前面的查实比例", "confirmed among the first"), console.text("本模型多查实", "gain of the model"), "AUC"], rows)
    for text in honesty(trained.figures, at):
        console.say(text)
    for gate in trained.gates:
        console.say(f"{'✓' if gate.kept else '✗'} {METRICS[gate.gate.metric][at]}：{gate.says}　{gate.gate.because}")
    if version:
        console.say(
            f"第 {version} 版已登记为挑战者。由人任命：jcml registry promote {model.name} --version {version} --by 姓名 --because 理由",
            f"Version {version} is registered as challenger. A person promotes it: jcml registry promote {model.name} --version {version} --by NAME --because REASON",
        )


@click.group()
def registry() -> None:
    """Trained models: versions, cards, promotion and rollback."""


@registry.command("ls")
@click.argument("name", metavar="MODEL")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def list_versions(console: Console, name: str, as_json: bool) -> None:
    """Every trained version of a model, newest first."""
    _, store = store_of(console)
    found = registry_of(store).versions(name)
    if as_json:
        console.json({"schema": "jcml.versions/1", "versions": [v.__dict__ | {"kept": v.kept} for v in found]})
        return
    rows = [
        [v.number, ", ".join(v.aliases), v.trained_until, v.labelled, v.confirmed, v.kept, "；".join(f"{p['by']}（{p['because']}）" for p in v.promotions)]
        for v in found
    ]
    console.table(["version", "alias", "until", "labelled", "confirmed", "gates", "promoted"], rows)


@registry.command()
@click.argument("name", metavar="MODEL")
@click.option("--version", "number", type=int, required=True, help="Its number, as `jcml registry ls` shows it.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def show(console: Console, name: str, number: int, as_json: bool) -> None:
    """One trained version: what it learned from and what was measured."""
    import json

    _, store = store_of(console)
    trained = registry_of(store).load(name, number)
    content = json.loads(trained.to_json())
    if as_json:
        console.json(content)
        return
    for key in ("name", "trained_until", "labelled", "confirmed", "capacity", "fingerprint", "data_digest", "model_digest"):
        click.echo(f"{key}: {content[key]}")
    for metric, value in content["figures"]["metrics"].items():
        click.echo(f"{metric}: {value}")


@registry.command()
@click.argument("name", metavar="MODEL")
@click.option("--version", "number", type=int, required=True, help="Its number, as `jcml registry ls` shows it.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="HTML file.")
@pass_console
def card(console: Console, name: str, number: int, out: Path) -> None:
    """Write the model card of a version."""
    _, store = store_of(console)
    out.write_bytes(registry_of(store).artifact(name, number, f"model_card.{console.language}.html"))
    console.say(str(out))


@registry.command()
@click.argument("name", metavar="MODEL")
@click.option("--version", "number", type=int, required=True, help="Its number, as `jcml registry ls` shows it.")
@click.option("--by", "by", default="", help="Who promotes.")
@click.option("--because", default="", help="Why.")
@pass_console
def promote(console: Console, name: str, number: int, by: str, because: str) -> None:
    """Make a version the champion. A named person's act, with a reason."""
    workspace, store = store_of(console)
    definition = workspace.model(name).definition
    registry_of(store).promote(name, number, by=by, because=because, fingerprint=definition.fingerprint)
    console.say(f"{by} 任命第 {number} 版为在用模型：{because}", f"{by} made version {number} the champion: {because}")


@registry.command()
@click.argument("name", metavar="MODEL")
@click.option("--by", "by", default="", help="Who rolls back.")
@click.option("--because", default="", help="Why.")
@pass_console
def rollback(console: Console, name: str, by: str, because: str) -> None:
    """Make the champion before the present one the champion again."""
    _, store = store_of(console)
    number = registry_of(store).rollback(name, by=by, because=because)
    console.say(f"{by} 恢复第 {number} 版为在用模型：{because}", f"{by} made version {number} the champion again: {because}")


@registry.command()
@click.argument("name", metavar="MODEL")
@pass_console
def verify(console: Console, name: str) -> int:
    """Check the digests of every version. Exit code 77 if one does not hold."""
    _, store = store_of(console)
    problems = registry_of(store).verify(name)
    for number, code in problems:
        console.say(f"第 {number} 版：{code}", f"version {number}: {code}")
    if not problems:
        console.say("所有版本的摘要都相符", "every digest holds")
    return 77 if problems else 0
