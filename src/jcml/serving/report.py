"""The topic report (专题数据分析报告) of one published list: one self-contained page, Chinese first, printable on A4."""

from __future__ import annotations

from typing import Any

from jcml.explanation.pages import percent, render
from jcml.features.definition import SupervisionModel
from jcml.records import Clue, Part, Reason
from jcml.registry.trained_model import TrainedModel

BANDS = {"high": ("优先核实", "first"), "medium": ("可核实", "next"), "low": ("一般", "later")}
_ROLES = {"condition": ("（条件）", "(condition)"), "other": ("（其他主体）", "(other)")}


def report(
    clues: list[Clue],
    definition: SupervisionModel,
    trained: TrainedModel,
    office: str,
    *,
    contestants: list[dict[str, str]],
    honesty: list[str],
    warnings: list[str],
    synthetic: bool,
    language: str = "zh",
) -> str:
    """The page.

    Parameters
    ----------
    contestants, honesty : list
        From the model card, so that both pages say the same.
    warnings : list of str
        What a reader must know first (signals that were crossed, an old model).

    Examples
    --------
    >>> from jcml.records import read_clues
    >>> from jcml.workspace.example import example, example_list, example_training
    >>> model, store = example()
    >>> clues = list(read_clues(store.root / example_list().publication.file))
    >>> page = report(
    ...     clues, model.definition, example_training().model, "示例区院", contestants=[], honesty=[], warnings=[], synthetic=True
    ... )
    >>> all(clue.id in page for clue in clues)
    True
    """
    at = 0 if language == "zh" else 1
    first = clues[0] if clues else None
    return render(
        "report.html",
        zh=at == 0,
        office=office,
        title=definition.title[at],
        asks=definition.asks[at],
        as_of=first.as_of if first else "",
        version=trained.version,
        trained_until=trained.trained_until,
        run=first.run if first else "",
        notice=(first.notice_zh if at == 0 else first.notice_en) if first else "",
        synthetic=synthetic,
        warnings=warnings,
        cards=_cards(trained, at),
        reliability=_reliability(trained, at),
        honesty=honesty,
        contestants=contestants,
        clues=[_clue(c, trained, at) for c in clues],
        limits=[t[at] for t in definition.limits],
    )


def _cards(trained: TrainedModel, at: int) -> list[dict[str, str]]:
    metrics = trained.figures.get("metrics", {})
    titles = {
        "precision_at_capacity": ("清单前列的查实比例（在已核查的行中测得）", "confirmed among the first places, labelled rows"),
        "gain_over_best_rule": ("比最好的规则多查实", "more confirmed than the best rule"),
        "gain_over_random": ("比随机多查实", "more confirmed than by chance"),
    }
    made = []
    for name, title in titles.items():
        found = metrics.get(name)
        if found and found[0] is not None:
            made.append({"title": title[at], "value": percent(found[0]), "range": f"95 %: {percent(found[1])} – {percent(found[2])}"})
    return made


def _reliability(trained: TrainedModel, at: int) -> str:
    bins = trained.figures.get("reliability") or []
    if not bins:
        return ""
    n, said, found, low, high = bins[-1]
    if at == 0:
        return f"概率说到做到吗：在以后的时间里，概率最高的一组（平均 {percent(said)}）{n} 个已核查对象中查实 {percent(found)}（95 % 区间 {percent(low)} – {percent(high)}）。"
    return f"Do the probabilities hold: of the {n} labelled units with the highest probabilities (mean {percent(said)}), {percent(found)} were confirmed on later time (95 % interval {percent(low)} – {percent(high)})."


def band_rate(trained: TrainedModel, band: str) -> tuple[int, float, float, float] | None:
    """How often units of a band were confirmed on later time: how many, share, interval; None when not measured.

    >>> from jcml.workspace.example import example_training
    >>> found = band_rate(example_training().model, "medium")
    >>> found is None or 0 <= found[2] <= found[1] <= found[3] <= 1
    True
    """
    lows = dict(trained.bands)
    order = [b for b, _ in trained.bands]
    top = 1.1 if order.index(band) == 0 else lows[order[order.index(band) - 1]]
    bins = [b for b in trained.figures.get("reliability", []) if lows[band] <= b[1] < top]
    if not bins:
        return None
    from jcml.metrics.intervals import wilson

    n = sum(b[0] for b in bins)
    confirmed = sum(b[0] * b[2] for b in bins)
    found = wilson(confirmed, n)
    return n, confirmed / n, found.low, found.high


def _clue(clue: Clue, trained: TrainedModel, at: int) -> dict[str, Any]:
    reasons = (*clue.reasons_for, *clue.reasons_against)
    return {
        "id": clue.id,
        "rank": clue.rank,
        "title": (clue.title_zh, clue.title_en)[at],
        "band": clue.band,
        "band_title": BANDS[clue.band][at],
        "first": (reasons[0].statement.zh, reasons[0].statement.en)[at] if reasons else "",
        "selected": (("按次序", "by order") if clue.selected == "ranked" else ("随机抽查", "at random"))[at],
        "standing": _standing(clue, trained, at),
        "facts": [(s.zh, s.en)[at] for s in clue.facts],
        "sides": [
            {"kind": "for", "title": ("主要理由", "Reasons for")[at], "reasons": [_reason(r, at) for r in clue.reasons_for]},
            {"kind": "against", "title": ("相反的理由", "Reasons against")[at], "reasons": [_reason(r, at) for r in clue.reasons_against]},
        ],
        "largest": max((abs(r.contribution) for r in reasons), default=1.0),
        "adds_up": _adds_up(clue, at),
        "rules": [(s.zh, s.en)[at] for s in clue.rules],
        "explanations": [t[at] for t in clue.lawful_explanations],
        "missing": clue.missing,
        "legal_basis": clue.legal_basis,
    }


def _standing(clue: Clue, trained: TrainedModel, at: int) -> str:
    rate = band_rate(trained, clue.band)
    if at == 0:
        said = f"在 {clue.scored:,} 个对象中排第 {clue.rank:,}"
        return said + (f"；以往同等级 {rate[0]} 个已核查对象中查实 {percent(rate[1], 0)}（{percent(rate[2], 0)} – {percent(rate[3], 0)}）" if rate else "")
    said = f"{clue.rank:,} of {clue.scored:,} units"
    return said + (f"; {percent(rate[1], 0)} ({percent(rate[2], 0)} – {percent(rate[3], 0)}) of {rate[0]} labelled units of this band were confirmed" if rate else "")


def _reason(reason: Reason, at: int) -> dict[str, Any]:
    statement = reason.statement
    return {
        "says": (statement.zh, statement.en)[at],
        "contribution": reason.contribution,
        "comparison": (statement.comparison_zh, statement.comparison_en)[at],
        "legal_basis": statement.legal_basis,
        "also": [{"says": (s.zh, s.en)[at], "contribution": s.contribution} for s in reason.also],
        "parts": [_part(p, at) for p in statement.parts],
    }


def _part(part: Part, at: int) -> dict[str, Any]:
    columns: list[str] = []
    for row in part.rows:
        columns += [c for c in row.shown if c not in columns]
    return {
        "title": (part.zh, part.en)[at],
        "total": part.total,
        "columns": columns,
        "rows": [
            {"row": r.row, "role": r.role, "role_title": _ROLES.get(r.role, ("", ""))[at], "shown": r.shown, "digest": r.digest} for r in part.rows
        ],
    }


def _adds_up(clue: Clue, at: int) -> str:
    told = sum(r.contribution for r in (*clue.reasons_for, *clue.reasons_against))
    if at == 0:
        return f"起点 {clue.base:.3f}，以上理由合计 {told:+.3f}，其余 {clue.rest:+.3f}，合成对数几率 {clue.margin:.3f}。贡献只说明本模型的分值从何而来，不说明是否违法。"
    return f"From {clue.base:.3f}, the reasons {told:+.3f} and the rest {clue.rest:+.3f} make log-odds of {clue.margin:.3f}. Contributions say where this model's number comes from, not whether anything is unlawful."
