"""Numbers in words: the sentence of a feature, and what a formula says, in Chinese and English.

A sentence comes from the definition, with `{value}` in it; where the definition gives none, it is made from the
contract's titles. A sentence states a number and its period. It never says that anything is illegal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from jcml.features.definition import Feature, SupervisionModel
from jcml.query import (
    Aggregate,
    AsOf,
    Attribute,
    Call,
    Constant,
    Field,
    Fixed,
    Node,
    Own,
    Peers,
    Presence,
    Shared,
    children,
    walk,
)
from jcml.tables.table import Column, Table

Language = Literal["zh", "en"]

_FUNCTIONS: dict[str, tuple[str, str]] = {
    "count": ("笔数", "number"), "sum": ("合计", "sum"), "mean": ("平均", "mean"), "min": ("最小值", "least"),
    "max": ("最大值", "greatest"), "std": ("标准差", "standard deviation"), "distinct": ("不同值个数", "different values"),
    "last": ("最近一次", "latest"), "first": ("最早一次", "earliest"), "since": ("距最近一次天数", "days since the latest"),
    "trend": ("每日变化趋势", "slope per day"), "rise": ("累计增加", "total rise"), "changes": ("变动次数", "changes"),
}
_SIGNS = {"+": " + ", "-": " − ", "*": " × ", "/": " ÷ ", "==": " = ", "!=": " ≠ ", "<": " < ", "<=": " ≤ ", ">": " > ", ">=": " ≥ "}
_WORDS: dict[str, tuple[str, str]] = {
    "and": ("且", "and"), "or": ("或", "or"), "not": ("非", "not"), "is_null": ("未知", "unknown"), "in": ("属于", "in"),
    "mentions": ("提到", "mentions"), "days_between": ("相隔天数", "days between"),
    "working_days_between": ("相隔工作日", "working days between"), "abs": ("绝对值", "absolute"),
    "coalesce": ("首个已知值", "first known"), "if": ("如果", "if"), "round": ("取整", "rounded"), "code": ("代码", "code"),
    "least": ("最小", "least"), "greatest": ("最大", "greatest"), "year": ("年", "year"), "month": ("月", "month"),
    "weekday": ("星期", "weekday"), "add_days": ("若干天后", "days later"), "multiple_of": ("整数倍", "multiple of"),
}
_PEERS = {"robust_z": ("同类稳健偏离", "robust deviation among peers"), "percentile": ("同类百分位", "percentile among peers"),
          "median": ("同类中位数", "median of peers"), "mad": ("同类离差", "deviation of peers"), "count": ("同类个数", "peers")}


class Number(float):
    """A number that knows two more formats: `money` (元, 万元, 亿元) and `days`.

    >>> f"{Number(32000):money}", f"{Number(3):.1f}", f"{Number(41.0):days}"
    ('3.20 万元', '3.0', '41')
    """

    def __format__(self, spec: str) -> str:
        if spec == "money":
            return money_zh(float(self))
        if spec == "money_en":
            return f"CNY {float(self):,.2f}"
        if spec == "days":
            return f"{float(self):.0f}"
        return format(float(self), spec)


def money_zh(yuan: float) -> str:
    """An amount as a Chinese reader expects it.

    >>> money_zh(123.4), money_zh(32000.0), money_zh(230_000_000.0)
    ('123.40 元', '3.20 万元', '2.30 亿元')
    """
    for unit, size in (("亿元", 100_000_000.0), ("万元", 10_000.0)):
        if abs(yuan) >= size:
            return f"{yuan / size:,.2f} {unit}"
    return f"{yuan:,.2f} 元"


class Wording:
    """The sentences of one supervision model.

    >>> from jcml.workspace.example import example
    >>> Wording(example()[0].definition).sentence("unrecovered", 32000.0, "zh")
    '尚有 3.20 万元 未追缴'
    """

    def __init__(self, definition: SupervisionModel) -> None:
        self.definition = definition
        self.tables: Mapping[str, type[Table]] = definition.resolver.tables
        self.nodes = dict(definition.full_question.values)

    def sentence(self, name: str, value: float | None, language: Language) -> str:
        """What a feature says of a unit whose value is `value` (None for unknown)."""
        return self._sentence(self.definition.named_features[name], self.nodes[name], value, language)

    def fact(self, name: str, value: float | str | None, language: Language) -> str:
        """What a fact says."""
        if isinstance(value, str):
            feature = self.definition.named_facts[name]
            template = (feature.zh if language == "zh" else feature.en) or self.formula(f"fact:{name}", language) + "：{value}"
            return template.replace("{value}", value)
        return self._sentence(self.definition.named_facts[name], self.nodes[f"fact:{name}"], value, language)

    def _sentence(self, feature: Feature, node: Node, value: float | None, language: Language) -> str:
        template = (feature.zh if language == "zh" else feature.en) or ""
        if not template:
            return self._default(node, value, language)
        if value is None:
            shown = template_subject(template)
            return f"{shown}：未知（没有记录，或数据未交付）" if language == "zh" else f"{shown}: unknown (no record, or not delivered)"
        if isinstance(node, Call) and node.op == "code":
            return template_filled(template, self.code_title(feature, node, value, language))
        if node.type.kind == "boolean":
            if value:
                return template
            return f"不符合：{template}" if language == "zh" else f"not so: {template}"
        return template.format(value=Number(value))

    def code_title(self, feature: Feature, node: Call, value: float, language: Language) -> str:
        """What a categorical value means, from the contract's list of codes."""
        code = str(node.extra[int(value)])
        column = next((e for t in feature.value.tables.values() for e in t.columns.values() if tuple(e.type.codes) == node.extra), None)
        return column.type.codes[code][0 if language == "zh" else 1] if column is not None else code

    def _default(self, node: Node, value: float | None, language: Language) -> str:
        says = describe(node, self.tables, language)
        if value is None:
            return f"{says}：未知" if language == "zh" else f"{says}: unknown"
        if node.type.kind == "boolean":
            word = ("是" if value else "否") if language == "zh" else ("yes" if value else "no")
            return f"{says}：{word}" if language == "zh" else f"{says}: {word}"
        shown = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
        return f"{says}：{shown}" if language == "zh" else f"{says}: {shown}"

    def formula(self, name: str, language: Language, named: Mapping[Node, str] | None = None) -> str:
        """How a value is computed, in words; parts that have a name go by it."""
        return describe(self.nodes[name], self.tables, language, named)

    def repeated(self, least: int = 3, size: int = 6) -> dict[Node, str]:
        """Parts that several formulas share, named A, B, C …, so that a reader meets each of them once.

        >>> from jcml.workspace.example import example
        >>> Wording(example()[0].definition).repeated(least=99)
        {}
        """
        found: dict[Node, str] = {}
        formulas = [node for name, node in self.nodes.items() if not name.startswith(("fact:", "group:", "same"))]
        sizes = {n: len(list(walk(n))) for f in formulas for n in walk(f) if isinstance(n, Call | Aggregate)}
        for candidate in sorted((n for n, s in sizes.items() if s >= size), key=lambda n: -sizes[n]):
            seen = [n for f in (*formulas, *found) for n in _outside(f, found)]
            if seen.count(candidate) >= least and len(found) < 26:
                found[candidate] = chr(ord("A") + len(found))
        return found

    def spec(self, name: str) -> str:
        """The number format of a feature's Chinese sentence, to show a peer's value in the same way."""
        template = self.definition.named_features[name].zh
        start = template.find("{value")
        return template[start + 6 : template.index("}", start)].lstrip(":") if start >= 0 else ",.2f"


def template_filled(template: str, text: str) -> str:
    """A sentence with a text where its number would stand.

    >>> template_filled("风险等级：{value:.0f}", "高风险")
    '风险等级：高风险'
    """
    start = template.find("{value")
    return template if start < 0 else template[:start] + text + template[template.index("}", start) + 1 :]


def template_subject(template: str) -> str:
    """What a sentence is about: its text with the number left out.

    >>> template_subject("近12个月计量销量是申报销量的 {value:.1f} 倍")
    '近12个月计量销量是申报销量的 … 倍'
    """
    return template_filled(template, "…")


def _outside(formula: Node, named: Mapping[Node, str]) -> Iterator[Node]:
    """The nodes of a formula, not entering those that have a name; a named formula is entered itself."""
    yield formula
    for child in children(formula):
        if child in named:
            yield child
        else:
            yield from _outside(child, named)


def describe(node: Node, tables: Mapping[str, type[Table]], language: Language, named: Mapping[Node, str] | None = None) -> str:
    """A formula in words, from the titles of the contracts; parts in `named` go by their name, but never the whole.

    >>> from jcml.query import call, literal
    >>> describe(call("/", literal(1), literal(2)), {}, "zh")
    '1 ÷ 2'
    """
    at = 0 if language == "zh" else 1
    names = set((named or {}).values())

    def title(table: str) -> str:
        return tables[table].title[at] or table if table in tables else table

    def contract(n: Node) -> Column | None:
        """The column that a node reads, if it reads one."""
        if isinstance(n, Own):
            return next((t.columns[n.name] for t in tables.values() if n.name in t.columns), None)
        if isinstance(n, Field | Attribute) and n.table in tables:
            return tables[n.table].columns.get(n.name.split("__")[0])
        return None

    def column(table: str, name: str) -> str:
        base = name.split("__")[0]
        found = tables[table].columns.get(base) if table in tables else None
        return (found.zh if language == "zh" else found.en) if found is not None else name

    def coded(n: Node, beside: Node) -> str:
        """A code by its title, when it stands beside the column that it is a code of."""
        found = contract(beside)
        if isinstance(n, Fixed) and found is not None and n.value in found.type.codes:
            return found.type.codes[str(n.value)][at]
        return go(n)

    def condition(n: Node, holds: bool = True) -> str:
        """A yes-no column as a condition."""
        if isinstance(n, Field | Own | Attribute) and n.type.kind == "boolean":
            return f"{go(n)}{('为', ': ')[at]}{(('是', 'yes') if holds else ('否', 'no'))[at]}"
        return go(n) if holds else f"{_WORDS['not'][at]}({go(n)})"

    def go(n: Node) -> str:
        if named and n in named and n is not node:
            return named[n]
        if isinstance(n, Fixed):
            if n.type.kind == "exact" and isinstance(n.value, int):
                return f"{n.value / 10**n.type.scale:g}"
            return str(n.value)
        if isinstance(n, AsOf):
            return ("观察日", "as-of date")[at]
        if isinstance(n, Constant):
            return n.name
        if isinstance(n, Field):
            return column(n.table, n.name)
        if isinstance(n, Own):
            return _own(n.name)
        if isinstance(n, Attribute):
            return f"{title(n.table)}·{column(n.table, n.name)}"
        if isinstance(n, Presence):
            return f"{('在', 'found in ')[at]}{title(n.table)}{('中有记录', '')[at]}"
        if isinstance(n, Shared):
            return f"{title(n.table)}{('中共用', ' sharing ')[at]}{column(n.table, n.column)}{('的其他主体', '')[at]}"
        if isinstance(n, Peers):
            return f"{_PEERS[n.measure][at]}（{go(n.value)}）" if at == 0 else f"{_PEERS[n.measure][at]} ({go(n.value)})"
        if isinstance(n, Aggregate):
            return aggregate(n)
        assert isinstance(n, Call), n
        return operation(n)

    def _own(name: str) -> str:
        for table in tables.values():
            if name in table.columns:
                return f"本对象的{table.columns[name].zh}" if language == "zh" else f"its {table.columns[name].en.lower()}"
        return name

    def aggregate(n: Aggregate) -> str:
        what = f"·{go(n.value)}" if n.value is not None else ""
        period = n.over.zh if language == "zh" else n.over.en
        if n.lag is not None:
            before = n.lag.zh.removeprefix("近") if language == "zh" else n.lag.en.removeprefix("in the last ")
            period = f"截至{before}前的{period}" if language == "zh" else f"{period} until {before} before"
        where = condition(n.where) if n.where is not None else ""
        if language == "en":
            of = title(n.table) + (f": {go(n.value)}" if n.value is not None else "")
            near = f", within {n.near.metres:,} m" if n.near is not None else ""
            return f"{_FUNCTIONS[n.function][1]} of {of} ({period}{near}{', where ' + where if where else ''})"
        near = f"{n.near.metres}米内" if n.near is not None else ""
        return f"{near}{title(n.table)}{what}{_FUNCTIONS[n.function][0]}（{period}{'，' + where if where else ''}）"

    def operation(n: Call) -> str:
        parts = [go(a) for a in n.args]
        if n.op in ("==", "!="):
            one, other = n.args
            return f"{coded(one, other)}{_SIGNS[n.op]}{coded(other, one)}"
        if n.op == "not":
            return condition(n.args[0], holds=False)
        if n.op == "multiple_of":
            whole = n.extra[0] // 10**n.args[0].type.scale
            return f"{parts[0]}为{whole:,}的整数倍" if language == "zh" else f"{parts[0]} a multiple of {whole:,}"
        if n.op in _SIGNS:
            inner = [f"({p})" if isinstance(a, Call) and a.op in _SIGNS and p not in names else p for p, a in zip(parts, n.args, strict=True)]
            return _SIGNS[n.op].join(inner)
        word = _WORDS[n.op][at]
        if n.op in ("and", "or"):
            return f" {word} ".join(condition(a) for a in n.args)
        found = contract(n.args[0]) if n.op == "in" else None
        shown = [found.type.codes[str(e)][at] if found is not None and e in found.type.codes else str(e) for e in n.extra]
        extra = ("、", ", ")[at].join(shown)
        if n.op in ("in", "mentions"):
            return f"{parts[0]} {word} {extra}"
        return f"{word}({', '.join(parts)})"

    return go(node)
