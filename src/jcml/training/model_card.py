"""The model card of a trained model: what it learned from, what was measured, against what, and its limits."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jcml.explanation.pages import percent, render
from jcml.features.definition import SupervisionModel
from jcml.features.wording import Wording
from jcml.training.evaluate import METRICS
from jcml.training.figures import draw_figures
from jcml.training.train import Trained

_SHARES = {"precision_at_capacity", "gain_over_random", "gain_over_best_rule", "gain_over_best_feature", "gain_over_logistic", "gain_over_champion", "group_gap"}


def write_evidence(
    trained: Trained, folder: Path, definition: SupervisionModel, office: str, *, synthetic: bool,
    draw: Callable[[Trained, Path], list[str]] | None = None,
) -> None:
    """Write everything that is logged beside a trained model: figures, card in both languages, measured numbers.

    `draw` draws them and tells their names: here by default, or in a process beside (`DrawingBeside.finish`).

    >>> import tempfile
    >>> from jcml.workspace.example import example, example_training
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_evidence(example_training(), folder, example()[0].definition, "示例区院", synthetic=True)
    >>> (folder / "figures.json").exists()
    True
    """
    images = draw(trained, folder) if draw else draw_figures(trained, folder, synthetic=synthetic)
    (folder / "figures.json").write_text(json.dumps(trained.figures, ensure_ascii=False, indent=1), encoding="utf-8")
    for language in ("zh", "en"):
        page = model_card(trained, definition, office, images=[folder / n for n in images], synthetic=synthetic, language=language)
        (folder / f"model_card.{language}.html").write_text(page, encoding="utf-8")


def model_card(
    trained: Trained, definition: SupervisionModel, office: str, *, images: list[Path], synthetic: bool, language: str
) -> str:
    """The card as one self-contained page.

    >>> from jcml.workspace.example import example, example_training
    >>> page = model_card(example_training(), example()[0].definition, "示例区院", images=[], synthetic=True, language="en")
    >>> "synthetic" in page
    True
    """
    at = 0 if language == "zh" else 1
    wording = Wording(definition)
    figures = trained.figures
    importance = sorted(trained.model.learned.importance().items(), key=lambda i: -i[1])[:20]
    return render(
        "model_card.html",
        zh=at == 0,
        office=office,
        name=trained.model.name,
        title=definition.title[at],
        asks=definition.asks[at],
        synthetic=synthetic,
        gates=[
            {"title": METRICS[g.gate.metric][at], "says": g.says, "kept": g.kept, "because": g.gate.because} for g in trained.gates
        ],
        data=_data(trained, at),
        metrics=[{"title": METRICS[n][at], "value": shown(n, v)} for n, v in figures["metrics"].items()],
        honesty=honesty(figures, at),
        contestants=contestants(figures, definition, at),
        folds=figures["folds"],
        groups=[
            {"name": n, "rows": [{"name": k or "–", **r} for k, r in g["rows"].items()]} for n, g in figures.get("groups", {}).items()
        ],
        importance=[{"title": wording.formula(n, "zh" if at == 0 else "en"), "share": s} for n, s in importance if s > 0],
        images=[{"name": p.stem, "data": base64.b64encode(p.read_bytes()).decode()} for p in images],
        legal=[*definition.legal_basis, *(t[at] for t in definition.lawful_explanations), *(t[at] for t in definition.limits)],
        parameters=sorted((k, str(v)) for k, v in trained.parameters.items()),
    )


def _data(trained: Trained, at: int) -> list[dict[str, str]]:
    model = trained.model
    rows = [
        ("学习到（不含）", "learned until (exclusive)", model.trained_until),
        ("已核查的行", "labelled rows", f"{model.labelled:,}"),
        ("其中查实", "of these confirmed", f"{model.confirmed:,}"),
        ("每期办理容量", "capacity per run", f"{model.capacity:,}"),
        ("特征个数", "features", f"{len(model.fitted.features):,}"),
        ("树的棵数", "trees", f"{model.learned.trees:,}"),
        ("概率校准", "calibration", model.calibration.method),
        ("数据摘要", "data digest", model.data_digest[:16]),
        ("定义指纹", "fingerprint of the definition", model.fingerprint[:16]),
    ]
    return [{"title": row[at], "value": row[2]} for row in rows]


def shown(metric: str, figure: list[float | None]) -> str:
    """A figure with its interval, as a percentage where it is a share.

    >>> shown("auc", [0.7, 0.65, 0.75]), shown("precision_at_capacity", [0.4, 0.3, 0.5])
    ('0.700 (0.650 – 0.750)', '40.0 % (30.0 % – 50.0 %)')
    """
    value, low, high = figure
    if value is None:
        return "–"
    if metric in _SHARES:
        return percent(value) if low == high else f"{percent(value)} ({percent(low)} – {percent(high)})"
    return f"{value:.3f}" if low is None or low == high else f"{value:.3f} ({low:.3f} – {high:.3f})"


def contestants(figures: dict[str, Any], definition: SupervisionModel, at: int) -> list[dict[str, str]]:
    """Model, rules and baselines with what each confirmed among its first places; best first.

    >>> contestants({"contestants": {}}, None, 0)
    []
    """
    names = {
        "model": ("本模型", "this model"), "random": ("随机", "chance"), "rules_together": ("命中规则的条数", "number of rules that hold"),
        "best_feature": ("最好的单个特征", "best single feature"), "logistic": ("逻辑回归", "logistic regression"), "champion": ("在用模型", "champion"),
    }
    made = []
    ordered = sorted(figures["contestants"].items(), key=lambda c: -(c[1]["precision_at_capacity"][0] or 0))
    for name, found in ordered:
        title = names[name][at] if name in names else _rule_title(name.removeprefix("rule:"), definition, at)
        gain = shown("gain_over_random", found["gain"]) if found["gain"] else ""
        area = found["auc"]
        made.append({
            "title": title, "precision": shown("precision_at_capacity", found["precision_at_capacity"]), "gain": gain,
            "auc": "–" if area is None else f"{area:.3f}",
        })
    return made


def _rule_title(name: str, definition: SupervisionModel, at: int) -> str:
    rule = definition.rules[name]
    said = (rule.zh, rule.en)[at] or name
    return f"{('规则：', 'rule: ')[at]}{said}"


def honesty(figures: dict[str, Any], at: int) -> list[str]:
    """What must be said beside the figures: whom they rest on, what unknown labels allow, what the audit says.

    >>> honesty({"rows": 10, "labelled": 4, "capacity": 2, "whole_list": [0.1, 0.9], "audit": None}, 1)[0][:20]
    'The figures rest on '
    """
    low, high = figures["whole_list"]
    made = [
        f"以上数字来自测试时段 {figures['rows']:,} 行中已核查的 {figures['labelled']:,} 行。被核查的行不是随机选出的，因此只说明在这类行中的次序；未核查不等于没有问题。"
        if at == 0
        else f"The figures rest on the {figures['labelled']:,} labelled rows among {figures['rows']:,} of the test periods. Rows are not checked at random, so they speak of such rows only; unchecked is not negative.",
        f"若把清单中尚未核查的全部当作未查实或全部当作查实，每期前 {figures['capacity']} 个的查实比例在 {percent(low)} 与 {percent(high)} 之间。"
        if at == 0
        else f"Counting everything unchecked on the lists once as not confirmed and once as confirmed, between {percent(low)} and {percent(high)} of the first {figures['capacity']} per run are confirmed.",
    ]
    audit = figures.get("audit")
    if not audit:
        made.append("还没有随机抽查的结果，不能对清单中的误报比例作出承诺。" if at == 0 else "There are no audited rows yet, so no promise about false clues can be made.")
        return made
    rate, bottom, top = audit["rate"]
    made.append(
        f"随机抽查 {audit['n']:,} 个：全部对象中约 {percent(rate)} 会被查实（95 % 区间 {percent(bottom)} – {percent(top)}）。"
        if at == 0
        else f"{audit['n']:,} drawn at random: about {percent(rate)} of all units would be confirmed (95 % interval {percent(bottom)} – {percent(top)})."
    )
    bound = audit["false_share_at_most"]
    if bound is None:
        made.append("清单以内的抽查样本太少，不能对误报比例作出承诺。" if at == 0 else "Too few audited rows reach the list for a promise about false clues.")
    else:
        made.append(
            f"按抽查样本，清单中不属实的比例以 95 % 的把握不超过 {percent(bound)}。" if at == 0 else f"By the audit, with 95 % confidence at most {percent(bound)} of a list are false."
        )
    return made
