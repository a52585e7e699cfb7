"""A supervision model on one page: the page that a legal reviewer reads and signs.

Its headings are those under which such models are published (背景、法律依据、监督规则、数据要素), with the learned part
beside them: every feature with its formula and sentence, every parameter with its source and whether it was
checked, every number of the plans with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from jcml.dates import Period
from jcml.features.language import Parameter
from jcml.features.wording import Language, Wording, describe, template_subject
from jcml.query import Node, columns_read
from jcml.serving.watch import SIGNALS
from jcml.training.evaluate import METRICS
from jcml.workspace.workspace import Model, Workspace

_STATUS = {"checked": ("已核对", "checked"), "unchecked": ("未核对，使用前须由法律人员确认", "unchecked: to be confirmed by a lawyer"),
           "inferred": ("本系统推定，可由办案单位更改", "our own inference: an office may change it")}


def show(workspace: Workspace, model: Model, language: str) -> str:
    """The page as Markdown.

    >>> from jcml.workspace.scaffold import shipped
    >>> workspace = Workspace(shipped())
    >>> show(workspace, workspace.model("reverse_penalty_link"), "zh").splitlines()[0]
    '# 行刑反向衔接 · reverse_penalty_link'
    """
    at = 0 if language == "zh" else 1
    definition = model.definition
    named = Wording(definition).repeated()
    lines = [
        f"# {definition.title[at]} · {model.name}",
        "",
        definition.asks[at],
        "",
        *_section(("背景", "Background")[at], [definition.background[at]] if definition.background[at] else []),
        *_section(("监督对象", "What is scored")[at], _unit(model, at)),
        *_section(("法律依据", "Legal basis")[at], [f"- {b}" for b in definition.legal_basis]),
        *_section(("监督规则（现行做法）", "Practitioners' rules")[at], _rules(model, named, at)),
        *_section(("算式中的共同部分", "Parts that formulas share")[at], _parts(model, named, at)),
        *_section(("数据要素", "Data")[at], _data(model, at)),
        *_section(("特征", "Features")[at], _features(model, named, at)),
        *_section(("参数", "Parameters")[at], _parameters(workspace, model, at)),
        *_section(("标签：什么算查实", "Label: what counts as confirmed")[at], _label(model, at)),
        *_section(("须先排除的合法解释", "Lawful explanations to rule out first")[at], [f"- {t[at]}" for t in definition.lawful_explanations]),
        *_section(("看不到什么", "Limits")[at], [f"- {t[at]}" for t in definition.limits]),
        *_section(("准入门槛", "Gates")[at], _gates(model, at)),
        *_section(("使用", "Use")[at], _use(model, at)),
        *_section(("伦理边界", "Ethical limits")[at], _ethics(at)),
        *_section(("审查与签字", "Review and signature")[at], _signature(at)),
        f"`{definition.fingerprint}`",
        "",
    ]
    page = "\n".join(lines)
    for name in sorted(model.parameters, key=len, reverse=True):  # in formulas a parameter goes by its title
        found = workspace.parameters.numbers[name]
        page = re.sub(rf"(?<![`\w.]){re.escape(name)}(?![`\w])", f"〔{(found.zh, found.en)[at]}〕", page)
    return page


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""] if lines else []


def _period(period: Period, at: int) -> str:
    return (period.zh.removeprefix("近"), period.en.removeprefix("in the last "))[at]


def _unit(model: Model, at: int) -> list[str]:
    definition = model.definition
    table = definition.unit_table
    keys = "、".join((table.columns[k].zh, table.columns[k].en)[at] for k in definition.keys)
    every = _period(model.serving.every, at)
    if definition.scored is None:
        said = (f"每个{table.title[0]}（{keys}），每 {every}评分一次", f"each entry of {table.title[1]} ({keys}), scored every {every}")[at]
    else:
        later = definition.scored.days
        said = (
            f"每一条{table.title[0]}（{keys}），获知之后{f'、且发生满 {later} 天后' if later else ''}，只评分一次",
            f"each row of {table.title[1]} ({keys}), once, after it became known{f' and {later} days after it happened' if later else ''}",
        )[at]
    lines = [f"- {said}"]
    if definition.cohort is not None:
        node = definition.resolver.resolve(definition.cohort.node)
        lines.append(f"- {('范围：', 'cohort: ')[at]}{describe(node, definition.resolver.tables, 'zh' if at == 0 else 'en')}")
    return lines


def _rules(model: Model, named: Mapping[Node, str], at: int) -> list[str]:
    wording = Wording(model.definition)
    language: Language = "zh" if at == 0 else "en"
    lines = []
    for name, rule in model.definition.rules.items():
        said = (rule.zh, rule.en)[at] or name
        source = f"（{rule.source}）" if rule.source else ""
        lines.append(f"- **{said}**{source}：{wording.formula(f'rule:{name}', language, named)}")
    return lines


def _parts(model: Model, named: Mapping[Node, str], at: int) -> list[str]:
    tables = model.definition.resolver.tables
    return [f"- **{name}** = {describe(node, tables, 'zh' if at == 0 else 'en', named)}" for node, name in named.items()]


def _data(model: Model, at: int) -> list[str]:
    used: dict[str, set[str]] = {}
    definition = model.definition
    for _, node in definition.full_question.values:
        for read, names in columns_read(node, definition.unit_table.name).items():
            used.setdefault(read, set()).update(names)
    lines = [("| 数据源 | 提供单位 | 使用的列 |", "| source | agency | columns used |")[at], "|---|---|---|"]
    for name, table in sorted(definition.tables.items()):
        columns = [
            (table.columns[c].zh, table.columns[c].en)[at] + (("（假名）", " (pseudonym)")[at] if table.columns[c].entity else "")
            for c in sorted(used.get(name, set())) if c in table.columns
        ]
        lines.append(f"| {table.title[at]} `{name}` | {table.agency[at]} | {'、'.join(columns)} |")
    return lines


def _features(model: Model, named: Mapping[Node, str], at: int) -> list[str]:
    language: Language = "zh" if at == 0 else "en"
    definition = model.definition
    wording = Wording(definition)
    lines = [("| 特征 | 说法 | 算法 | 依据 |", "| feature | sentence | formula | basis |")[at], "|---|---|---|---|"]
    for name, feature in definition.named_features.items():
        sentence = (feature.zh, feature.en)[at] or wording.formula(name, language)
        direction = {"": "", "increasing": (" ↑", " ↑")[at], "decreasing": (" ↓", " ↓")[at]}[feature.monotone]
        lines.append(f"| `{name}`{direction} | {template_subject(sentence)} | {wording.formula(name, language, named)} | {'、'.join(feature.legal_basis)} |")
    return lines


def _parameters(workspace: Workspace, model: Model, at: int) -> list[str]:
    if not model.parameters:
        return []
    lines = [("| 参数 | 取值（自该日起） | 出处 | 状态 |", "| parameter | values (from that day on) | source | status |")[at], "|---|---|---|---|"]
    for name in sorted(model.parameters):
        found: Parameter = workspace.parameters.numbers[name]
        values = "；".join(f"{day}: {number / 10**found.scale:g}{found.unit}" for day, number in found.values)
        lines.append(f"| {(found.zh, found.en)[at]} `{name}` | {values} | {found.basis} | {_STATUS[found.status][at]} |")
    return lines


def _label(model: Model, at: int) -> list[str]:
    definition = model.definition
    _, outcome = definition.label_question
    language: Language = "zh" if at == 0 else "en"
    tables = definition.resolver.tables
    return [
        f"- {('查实：', 'confirmed: ')[at]}{describe(outcome.confirmed, tables, language)}",
        f"- {('未查实：', 'not confirmed: ')[at]}{describe(outcome.not_confirmed, tables, language)}",
        (f"- 观察日起 {_period(outcome.within, at)}内作出；其余一律为未知，不作否定", f"- within {_period(outcome.within, at)} from the as-of date; everything else is unknown, never negative")[at],
    ]


def _gates(model: Model, at: int) -> list[str]:
    lines = []
    for gate in model.training.gates:
        bound = f"≥ {gate.at_least:g}" if gate.at_least is not None else f"≤ {gate.at_most:g}"
        lines.append(f"- {METRICS[gate.metric][at]} `{gate.metric}` {bound}{('：', ': ')[at]}{gate.because}")
    return lines


def _use(model: Model, at: int) -> list[str]:
    plan = model.serving
    lines = [
        (f"- 每 {_period(plan.every, at)}一次，每次 {plan.capacity} 条线索，其中 {plan.audits} 条随机抽取", f"- every {_period(plan.every, at)}, {plan.capacity} clues, {plan.audits} of them drawn at random")[at],
    ]
    if plan.cool_off is not None:
        lines.append((f"- {_period(plan.cool_off, at)}内已核查或已推送的对象不再列入", f"- units checked or listed within {_period(plan.cool_off, at)} are left out")[at])
    for watch in plan.watch:
        bound = f"≤ {watch.at_most:g}" if watch.at_most is not None else f"≥ {watch.at_least:g}"
        then = {"warn": ("则提示", "or say so"), "stop": ("则停止发布", "or publish nothing")}[watch.then][at]
        outside = f"> {watch.at_most:g}" if watch.at_most is not None else f"< {watch.at_least:g}"
        lines.append(f"- {SIGNALS[watch.signal][at]} {outside if at == 0 else bound}{('，', ', ')[at]}{then}")
    return lines


def _ethics(at: int) -> list[str]:
    return [
        ("- 分值只决定核查的先后；每一步由人决定，任何状态不因分值而改变", "- the score orders a queue; people decide every step, no state changes by a score")[at],
        ("- 评价的是事项如何办理，不评价任何人的危险性", "- what is scored is how a matter was handled, never how dangerous a person is")[at],
        ("- 民族、性别、籍贯等受保护属性不得进入特征；身份号码、电话、车牌只作关联，先换成假名", "- protected attributes reach no feature; numbers of persons, phones and plates serve as join keys only, as pseudonyms")[at],
    ]


def _signature(at: int) -> list[str]:
    names = (("业务负责人", "技术负责人", "法律审查"), ("business owner", "technical owner", "legal review"))[at]
    return [f"- {name}：______________　{('日期', 'date')[at]}：____________" for name in names]
