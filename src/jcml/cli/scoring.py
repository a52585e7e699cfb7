"""`jcml score`, `clues`, `explain`, `replay`, `monitor`, `report`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jcml.cli.console import Console
from jcml.cli.context import Day, capacity_of, on_engine, pass_console, registry_of, store_of

if TYPE_CHECKING:
    from jcml.records import Clue
    from jcml.registry.trained_model import TrainedModel
    from jcml.serving.ledger import Publication
    from jcml.serving.score import Published
    from jcml.tables.store import Store
    from jcml.workspace.workspace import Model


@click.command()
@click.argument("name", metavar="MODEL")
@click.option("--as-of", type=Day(), required=True, help="The day whose knowledge counts, exclusive.")
@click.option("--supersede", default="", help="A reason for replacing an earlier result of this date.")
@click.option("--cold-start", is_flag=True, help="Without a trained model: order by the rules and by how unlike the others a unit is.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@on_engine
@pass_console
def score(console: Console, name: str, as_of: date, supersede: str, cold_start: bool, as_json: bool) -> None:
    """Score with the champion and publish clues, once per run key. Safe to repeat, to kill, and to run twice at once."""
    workspace, store = store_of(console)
    model = workspace.model(name)
    done = score_model(console, store, model, as_of, supersede=supersede, cold_start=cold_start)
    publication = done.publication
    if as_json:
        console.json({"schema": "jcml.publication/1", **publication.__dict__, "new": done.new})
        return
    console.say(
        f"{'已发布' if done.new else '此前已发布，未重复'} {publication.clues} 条线索（评分 {publication.scored:,} 个）→ {store.root / publication.file}",
        f"{'Published' if done.new else 'Published before, not again:'} {publication.clues} clues of {publication.scored:,} scored → {store.root / publication.file}",
    )
    list_clues(console, store, publication)


def score_model(
    console: Console, store: Store, model: Model, as_of: date, *, supersede: str = "", cold_start: bool = False
) -> Published:
    """Score one model on one date with its champion."""
    from jcml.serving.ledger import Ledger, run_folder
    from jcml.serving.score import Published, ScoringRun, asked

    registry, ledger, capacity = registry_of(store), Ledger(store.root / "ledger.sqlite"), capacity_of(store, model)
    state = "" if cold_start else registry.state
    question = asked(model.name, model.definition, model.serving, capacity, state, store, as_of, supersede)
    if found := ledger.answered(question):
        return Published(found, False, run_folder(store.root, model.name, found.as_of, found.run))
    trained = cold(store, model, as_of) if cold_start else registry.load(model.name, "champion")
    run = ScoringRun(
        model.name, model.definition, model.serving, capacity, trained, store, as_of, supersede=supersede,
        threads=store.office.threads, say=console.step,
    )
    published = run.run()
    ledger.remember(question, published.publication.run)
    return published


def cold(store: Store, model: Model, as_of: date) -> TrainedModel:
    """What stands in for a trained model before there are labels."""
    from jcml.serving.cold_start import cold_start_model

    return cold_start_model(model.name, model.definition, store, as_of, model.serving.every, capacity_of(store, model))


def list_clues(console: Console, store: Store, publication: Publication, limit: int = 20) -> None:
    """Print the first clues of a publication."""
    from jcml.serving.ledger import published_clues
    from jcml.serving.report import BANDS

    at = 0 if console.language == "zh" else 1
    rows: list[list[str]] = []
    for clue in published_clues(store.root, publication):
        if len(rows) < limit:
            first = (clue.reasons_for or clue.reasons_against)[0].statement
            how = console.text("抽查", "audit") if clue.selected == "audit" else str(clue.rank)
            rows.append([
                how, clue.id, (clue.title_zh, clue.title_en)[at], BANDS[clue.band][at],
                "–" if clue.probability is None else f"{clue.probability:.2f}", (first.zh, first.en)[at],
            ])
    console.table([console.text("次序", "rank"), "id", console.text("对象", "subject"), console.text("等级", "band"), "p", console.text("首要理由", "first reason")], rows)
    if publication.clues > limit:
        console.say(f"另有 {publication.clues - limit} 条", f"and {publication.clues - limit} more")


@click.command()
@click.argument("name", metavar="MODEL")
@click.option("--as-of", type=Day(), help="Of this date only.")
@click.option("--limit", default=20, show_default=True, help="At most so many clues of each list.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: the publications.")
@pass_console
def clues(console: Console, name: str, as_of: date | None, limit: int, as_json: bool) -> None:
    """Published clues of a model."""
    from jcml.serving.ledger import Ledger

    _, store = store_of(console)
    found = [p for p in Ledger(store.root / "ledger.sqlite").all(name) if as_of is None or p.as_of == str(as_of)]
    if as_json:
        console.json({"schema": "jcml.publications/1", "publications": [p.__dict__ for p in found]})
        return
    for publication in found:
        console.say(f"{publication.as_of} v{publication.version} {publication.run[:12]}")
        list_clues(console, store, publication, limit)


def find_clue(store: Store, clue_id: str) -> tuple[Clue, Publication]:
    """A published clue by its id, or the beginning of it.

    Raises
    ------
    InputMissing
        JC6006.
    """
    from jcml.errors import InputMissing
    from jcml.serving.ledger import Ledger, published_clues

    for publication in reversed(Ledger(store.root / "ledger.sqlite").all()):
        if (store.root / publication.file).exists():
            for clue in published_clues(store.root, publication):
                if clue_id and clue.id.startswith(clue_id):
                    return clue, publication
    raise InputMissing("JC6006", clue=clue_id)


@click.command()
@click.argument("clue")
@click.option("--rows", default=5, show_default=True, help="Source rows shown with each reason.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: the clue as published.")
@pass_console
def explain(console: Console, clue: str, rows: int, as_json: bool) -> None:
    """A clue's reasons for and against, its facts, and the source rows behind each number."""
    import json

    _, store = store_of(console)
    found, _ = find_clue(store, clue)
    if as_json:
        click.echo(json.dumps(json.loads(found.to_line()), ensure_ascii=False, indent=1))
        return
    from jcml.serving.report import BANDS

    at = 0 if console.language == "zh" else 1
    click.echo(f"{(found.title_zh, found.title_en)[at]}　{found.as_of}　{found.rank:,}/{found.scored:,}　{BANDS[found.band][at]}")
    for title, reasons in ((console.text("主要理由", "for"), found.reasons_for), (console.text("相反的理由", "against"), found.reasons_against)):
        for reason in reasons:
            statement = reason.statement
            click.echo(f"\n{title} {reason.contribution:+.3f}　{(statement.zh, statement.en)[at]}")
            if comparison := (statement.comparison_zh, statement.comparison_en)[at]:
                click.echo(f"    {comparison}")
            for part in statement.parts:
                click.echo(f"    {(part.zh, part.en)[at]}：{part.total:,}")
                for row in part.rows[:rows]:
                    click.echo(f"      {row.table} {row.row} {row.digest[:8]} " + "；".join(f"{k} {v}" for k, v in row.shown.items()))
            for other in reason.also:
                click.echo(f"    {other.contribution:+.3f}　{(other.zh, other.en)[at]}")
    told = sum(r.contribution for r in (*found.reasons_for, *found.reasons_against))
    click.echo(f"\n{found.base:.6f} {told:+.6f} {found.rest:+.6f} = {found.margin:.6f}")
    click.echo((found.notice_zh, found.notice_en)[at])


@click.command()
@click.argument("clue")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def replay(console: Console, clue: str, as_json: bool) -> int:
    """Compute a clue once more from the data and compare it with what was published. Exit code 1 if it differs."""
    from jcml.serving.replay import replay_clue

    workspace, store = store_of(console)
    found, publication = find_clue(store, clue)
    model = workspace.model(found.model)
    trained = registry_of(store).load(found.model, found.version)
    differences = replay_clue(
        model.name, model.definition, model.serving, store, trained, publication, found, capacity_of(store, model)
    )
    if as_json:
        console.json({"schema": "jcml.replay/1", "clue": found.id, "equal": not differences, "differences": differences})
    elif not differences:
        console.say(f"线索 {found.id} 重算结果逐字节相同", f"clue {found.id} recomputed: the same bytes")
    else:
        from jcml.errors import CheckFailed

        raise CheckFailed("JC6007", clue=found.id, differences="; ".join(differences))
    return 1 if differences else 0


@click.command()
@click.argument("name", metavar="MODEL")
@click.option("--until", type=Day(), help="What was known before this day; default: today.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_console
def monitor(console: Console, name: str, until: date | None, as_json: bool) -> None:
    """What became of published lists: confirmed among ranked clues, and among those drawn at random."""
    from jcml.explanation.pages import percent
    from jcml.monitoring.outcomes import run_outcomes
    from jcml.serving.ledger import Ledger

    workspace, store = store_of(console)
    model = workspace.model(name)
    published = Ledger(store.root / "ledger.sqlite").all(name)
    found = run_outcomes(model.definition, model.serving, store, published, until or date.today())
    if as_json:
        console.json({"schema": "jcml.outcomes/1", "runs": [r.to_json() for r in found]})
        return

    def cell(e: Any) -> str:
        return f"{percent(e.rate)} ({percent(e.low)} – {percent(e.high)}) n={e.n}, {console.text('未决', 'open')} {e.unknown}"

    console.table(
        ["as of", "v", console.text("按次序", "ranked"), console.text("随机抽查", "audit"), console.text("全部对象（估计）", "all units (estimate)"), console.text("清单占全部查实的比例", "recall of the list")],
        [[r.as_of, r.version, cell(r.ranked), cell(r.audit), f"{percent(r.population.rate.rate)} ({percent(r.population.rate.low)} – {percent(r.population.rate.high)})",
          f"{percent(r.population.recall.rate)} ({percent(r.population.recall.low)} – {percent(r.population.recall.high)})"] for r in found],
    )


@click.command()
@click.argument("name", metavar="MODEL")
@click.option("--as-of", type=Day(), help="Of this date; default: the newest published list.")
@click.option("--out", type=click.Path(path_type=Path), help="HTML file; default: in the office's state.")
@pass_console
def report(console: Console, name: str, as_of: date | None, out: Path | None) -> None:
    """Write the topic report (专题报告): the list, each clue's reasons and rows, the honest figures. One file, no network."""
    workspace, store = store_of(console)
    path = write_report(console, store, workspace.model(name), as_of, out)
    click.echo(path)


def write_report(console: Console, store: Store, model: Model, as_of: date | None, out: Path | None) -> Path:
    """Write the report of a published list; returns its path."""
    from jcml.durable import write_text
    from jcml.errors import InputMissing
    from jcml.serving.ledger import Ledger, published_clues
    from jcml.serving.report import report as page
    from jcml.serving.watch import SIGNALS, crossed_signals
    from jcml.training.model_card import contestants, honesty

    found = [p for p in Ledger(store.root / "ledger.sqlite").all(model.name) if as_of is None or p.as_of == str(as_of)]
    if not found:
        raise InputMissing("JC6008", model=model.name)
    publication = found[-1]
    at = 0 if console.language == "zh" else 1
    trained = _of_publication(store, model, publication)
    list_ = list(published_clues(store.root, publication))
    warnings = []
    figures = dict(trained.figures)
    if not figures:
        warnings.append(console.text("还没有训练模型：本清单按现行规则和异常程度排序，没有任何准确程度的依据。", "There is no trained model yet: the list is ordered by rules and by how unusual a unit is; nothing is known of its accuracy."))
    if figures and trained.trained_until > publication.as_of:
        warnings.append(console.text(
            f"训练用到了观察日之后（至 {trained.trained_until}）才知道的核查结果：本清单是回看，不是预测。",
            f"The model learned from outcomes known after the as-of date (until {trained.trained_until}): this list looks back, it does not predict.",
        ))
    for signal in crossed_signals(store.root, publication):
        title = SIGNALS[signal.name]
        warnings.append(console.text(f"监测信号越过界限：{title[0]} {signal.value:.2f}。", f"A watched signal crossed its bound: {title[1]} {signal.value:.2f}."))
    html = page(
        list_, model.definition, trained, store.office.name, contestants=contestants(figures, model.definition, at) if figures else [],
        honesty=honesty(figures, at) if figures else [], warnings=warnings, synthetic=store.office.synthetic, language=console.language,
    )
    target = out or store.root / "reports" / f"{model.name}-{publication.as_of}.{console.language}.html"
    write_text(target, html)
    return target


def _of_publication(store: Store, model: Model, publication: Publication) -> TrainedModel:
    if publication.version == 0:
        return cold(store, model, date.fromisoformat(publication.as_of))
    return registry_of(store).load(model.name, publication.version)
