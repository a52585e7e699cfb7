"""A supervision model (监督模型): what is scored, for whom, by which features, under which law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from string import Formatter
from typing import Any, Literal

from jcml.dates import Period
from jcml.errors import ConfigurationError
from jcml.features.resolve import Resolver
from jcml.query import BOOLEAN, EXACT, Aggregate, Call, Field, Node, Outcome, Question, Unit, call, walk
from jcml.tables.expression import ColumnExpression, Expression
from jcml.tables.table import Table

Text = tuple[str, str]
"""The same text in Chinese and in English."""


@dataclass(frozen=True, eq=False)
class Feature:
    """A number known at the as-of date, and the sentence that tells a prosecutor what it says.

    Parameters
    ----------
    value : Expression
        What is computed.
    zh, en : str
        The sentence, with `{value}` in it; formats as in Python, and `{value:money}`, `{value:days}`. Empty: made
        from the contract's titles.
    monotone : {"", "increasing", "decreasing"}
        Whether the score may only rise, or only fall, with the value.
    legal_basis : tuple of str
        Articles that make the number matter.
    group : str
        Features of one group say the same thing; their reasons are told together.

    Examples
    --------
    `reason(...)` makes one.

    >>> from jcml.tables.expression import value
    >>> Feature(value(1) / 2, "是申报销量的 {value:.1f} 倍").monotone
    ''
    """

    value: Expression
    zh: str = ""
    en: str = ""
    monotone: Literal["", "increasing", "decreasing"] = ""
    legal_basis: tuple[str, ...] = ()
    group: str = ""

    def __post_init__(self) -> None:
        for sentence in (self.zh, self.en):
            _check_sentence(sentence)


def _check_sentence(sentence: str) -> None:
    """Refuse a sentence (JC3042) that could not be filled in: it may hold `{value}` with a number's format, no more."""
    from jcml.features.wording import Number

    try:
        for _, name, spec, conversion in Formatter().parse(sentence):
            if name is not None and (name != "value" or conversion):
                raise ValueError("{" + name + "}")
            format(Number(1.5), spec or "")
    except ValueError as error:
        raise ConfigurationError("JC3042", sentence=sentence, problem=str(error)) from None


def reason(
    value: Expression,
    zh: str = "",
    en: str = "",
    *,
    monotone: Literal["", "increasing", "decreasing"] = "",
    legal_basis: tuple[str, ...] = (),
    group: str = "",
) -> Feature:
    """A feature with the sentence that a prosecutor reads.

    >>> from jcml.tables.expression import value
    >>> reason(value(1) / 2, "是申报销量的 {value:.1f} 倍").zh
    '是申报销量的 {value:.1f} 倍'
    """
    return Feature(value, zh, en, monotone, legal_basis, group)


@dataclass(frozen=True, eq=False)
class Rule:
    """A practitioner's yes/no condition: the way it is done today, and the baseline to beat.

    `source` says where it is published.

    >>> from jcml.tables.expression import value
    >>> Rule(value(2) > 1, "差异超过 30%", source="S30").source
    'S30'
    """

    condition: Expression
    zh: str = ""
    en: str = ""
    source: str = ""


def rule(condition: Expression, zh: str = "", en: str = "", *, source: str = "") -> Rule:
    """A practitioner's condition with its name and source.

    Raises
    ------
    ConfigurationError
        JC3040, if it is not a condition.

    >>> from jcml.tables.expression import value
    >>> rule(value(2) > 1, "差异超过 30%").zh
    '差异超过 30%'
    """
    if condition.node.type != BOOLEAN:
        raise ConfigurationError("JC3040", kind=condition.node.type.kind)
    return Rule(condition, zh, en, source)


@dataclass(frozen=True, eq=False)
class Label:
    """What counts as confirmed and not confirmed, and within which time it must be decided; see `outcome`.

    >>> from jcml.dates import months
    >>> from jcml.tables.expression import value
    >>> Label(value(1) > 0, value(1) > 1, months(6)).within.name
    '6m'
    """

    confirmed: Expression
    not_confirmed: Expression
    within: Period
    about: Expression | None = None
    channel: Expression | None = None
    match: Mapping[str, Any] = field(default_factory=dict)


def outcome(
    *,
    confirmed: Expression,
    not_confirmed: Expression,
    within: Period,
    about: Expression | None = None,
    channel: Expression | None = None,
    **match: Expression,
) -> Label:
    """The label of a unit: 1 confirmed, 0 not confirmed, unknown otherwise; never negative for want of a look.

    Parameters
    ----------
    confirmed, not_confirmed : Expression
        Conditions on the rows of one table: a verdict, or an authority's finding.
    within : Period
        The finding must happen from the as-of date on, for so long; also the time a label needs to mature.
    about : Expression or None
        A date column of the same table that names the as-of date that was reviewed; if given, it decides.
    channel : Expression or None
        A code column that says why the unit was looked at (`ranked`, `audit`, `complaint` …).
    **match : Expression
        Columns of that table and the unit's values they equal; by default the unit's key.

    >>> from jcml.dates import months
    >>> from jcml.workspace.example import example
    >>> verdicts = example()[1].tables["non_prosecution_verdicts"]
    >>> label = outcome(confirmed=verdicts.outcome == "confirmed", not_confirmed=verdicts.outcome == "not_confirmed", within=months(6))
    >>> label.confirmed.node.op, label.within.name
    ('==', '6m')
    """
    return Label(confirmed, not_confirmed, within, about, channel, match)


@dataclass(frozen=True)
class Once:
    """An event is scored once, when it became known and at least `days` days after it happened.

    >>> Once(30).days
    30
    """

    days: int = 0


def once(*, after_days: int = 0) -> Once:
    """Score each event once; see `Once`.

    >>> once(after_days=90).days
    90
    """
    return Once(after_days)


@dataclass(frozen=True, eq=False)
class SupervisionModel:
    """What a supervision model is: the one object a definition file gives, under the name `supervision_model`.

    Parameters
    ----------
    title : (Chinese, English)
        What it is called.
    asks : (Chinese, English)
        The question that a reader wants answered, in one sentence.
    unit : Expression or tuple of Expression
        The key column, or columns, of the table whose rows are scored.
    scored : Once or None
        None for entities, scored on every as-of date; `once(...)` for events.
    cohort : Expression or None
        Which units are scored.
    label : Label
        What counts as confirmed; see `outcome`.
    features : mapping of name to Feature or Expression
        What the score rests on; `reason(...)` gives a feature its sentence.
    rules : mapping of name to Rule
        What practitioners do today, and what a trained model has to beat.
    facts : mapping of name to Feature or Expression
        Shown on a clue, never scored.
    same : Expression or None
        For events: the column that names the real thing behind them (the establishment of an inspection). Figures
        count its events as one when they are resampled, and "never seen" means that it was never seen.
    groups : mapping of name to Expression
        Columns by which metrics are told apart (district, size); also the peers a reason compares with.
    legal_basis : tuple of str
        The articles that let the office look at such records; at least one.
    background : (Chinese, English)
        What a reader should know of the field; may be left out.
    lawful_explanations : tuple of (Chinese, English)
        What a reader must rule out first.
    limits : tuple of (Chinese, English)
        What the model cannot see.

    Raises
    ------
    ConfigurationError
        JC30xx, when a part has no meaning; the error names the line of the definition.

    Examples
    --------
    See `features/` in the repository; `jcml model new NAME` writes the smallest complete one.

    >>> from jcml.workspace.example import example
    >>> model, _ = example()
    >>> model.definition.keys, model.definition.unit_table.name
    (('case_person',), 'non_prosecutions')
    """

    title: Text
    asks: Text
    unit: Expression | tuple[Expression, ...]
    label: Label
    features: Mapping[str, Feature | Expression]
    rules: Mapping[str, Rule]
    scored: Once | None = None
    cohort: Expression | None = None
    same: Expression | None = None
    facts: Mapping[str, Feature | Expression] = field(default_factory=dict)
    groups: Mapping[str, Expression] = field(default_factory=dict)
    legal_basis: tuple[str, ...] = ()
    background: Text = ("", "")
    lawful_explanations: tuple[Text, ...] = ()
    limits: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        for name in [*self.features, *self.rules, *self.facts, *self.groups]:
            if not name.isidentifier() or name.startswith("_"):
                raise ConfigurationError("JC3041", name=name)
        parts = [(n, f.value, Expression) for n, f in [*self.named_features.items(), *self.named_facts.items()]]
        parts += [(n, e, Expression) for n, e in self.groups.items()]
        for name, part, wanted in [*parts, *((n, r, Rule) for n, r in self.rules.items())]:
            if not isinstance(part, wanted):
                raise ConfigurationError("JC3036", name=name, kind=type(part).__name__, wanted="rule(…)" if wanted is Rule else "reason(…)")
        for name, feature in self.named_features.items():
            kind = feature.value.node.type.kind
            if kind not in ("exact", "number", "boolean"):
                raise ConfigurationError("JC3043", name=name, kind=kind)
        for condition in (self.cohort, self.label.confirmed, self.label.not_confirmed):
            if condition is not None and condition.node.type != BOOLEAN:
                raise ConfigurationError("JC3040", kind=condition.node.type.kind)
        if not self.features:
            raise ConfigurationError("JC3044")
        if not self.legal_basis:
            raise ConfigurationError("JC3045")
        _ = self.full_question, self.label_question  # resolves every column, so that a wrong one is found at once

    @cached_property
    def named_features(self) -> dict[str, Feature]:
        """The features by name; a bare expression becomes a feature without a sentence of its own."""
        return {k: v if isinstance(v, Feature) else Feature(v) for k, v in self.features.items()}

    @cached_property
    def named_facts(self) -> dict[str, Feature]:
        """The facts by name."""
        return {k: v if isinstance(v, Feature) else Feature(v) for k, v in self.facts.items()}

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The names of the key columns."""
        return tuple(self._key_columns()[1])

    @cached_property
    def unit_table(self) -> type[Table]:
        """The table whose rows are scored."""
        return self._key_columns()[0]

    def _key_columns(self) -> tuple[type[Table], list[str]]:
        parts = self.unit if isinstance(self.unit, tuple) else (self.unit,)
        names, tables = [], []
        for part in parts:
            if not isinstance(part, ColumnExpression) or not isinstance(part.node, Field):
                raise ConfigurationError("JC3046")
            names.append(part.node.name)
            tables.append(part.tables[part.node.table])
        if len(set(tables)) != 1:
            raise ConfigurationError("JC3046")
        table = tables[0]
        if self.scored is None and table.happens:
            raise ConfigurationError("JC3047", table=table.__name__)
        if self.scored is not None and not table.happens:
            raise ConfigurationError("JC3048", table=table.__name__)
        if missing := [n for n in names if not table.columns[n].entity]:
            raise ConfigurationError("JC3049", table=table.__name__, column=missing[0])
        return table, names

    @cached_property
    def tables(self) -> dict[str, type[Table]]:
        """Every contract it reads, by name."""
        found: dict[str, type[Table]] = {self.unit_table.name: self.unit_table}
        parts: list[Expression] = [f.value for f in (*self.named_features.values(), *self.named_facts.values())]
        parts += [r.condition for r in self.rules.values()]
        parts += [*self.groups.values(), *(e for e in (self.cohort, self.same) if e is not None)]
        for part in parts:
            for name, table in part.tables.items():
                if found.setdefault(name, table) is not table:
                    raise ConfigurationError("JC3050", table=name)
        return found

    @cached_property
    def label_tables(self) -> dict[str, type[Table]]:
        """The contracts that the label alone reads."""
        label = self.label
        parts = [label.confirmed, label.not_confirmed, *label.match.values(), *(e for e in (label.about, label.channel) if e is not None)]
        return {name: table for part in parts for name, table in part.tables.items()}

    @cached_property
    def resolver(self) -> Resolver:
        """Settles what the columns of this model stand for."""
        return Resolver(self.unit_table, self.keys, {**self.tables, **self.label_tables})

    @cached_property
    def _unit(self) -> Unit:
        return Unit(self.unit_table.name, self.keys, self.scored.days if self.scored is not None else None)

    @cached_property
    def question(self) -> Question:
        """The question a score rests on: its columns are the features, in the order of the definition."""
        return self._question({name: feature.value for name, feature in self.named_features.items()})

    @cached_property
    def full_question(self) -> Question:
        """The question with what is shown and measured beside the features: rules, facts and groups.

        Their columns are called `rule:NAME`, `fact:NAME`, `group:NAME` and `same`.
        """
        values = {name: feature.value for name, feature in self.named_features.items()}
        values |= {f"rule:{name}": r.condition for name, r in self.rules.items()}
        values |= {f"fact:{name}": f.value for name, f in self.named_facts.items()}
        values |= {f"group:{name}": e for name, e in self.groups.items()}
        if self.same is not None:
            values["same"] = self.same
        return self._question(values)

    def _question(self, values: Mapping[str, Expression]) -> Question:
        resolve = self.resolver.resolve
        nodes: list[tuple[str, Node]] = []
        for name, expression in values.items():
            try:
                nodes.append((name, resolve(expression.node)))
            except ConfigurationError as error:
                raise ConfigurationError(error.code, error.where, **{**error.facts, "feature": name}) from None
        cohort = resolve(self.cohort.node) if self.cohort is not None else None
        read = {n.table for _, node in nodes for n in walk(node) if hasattr(n, "table")} | {self.unit_table.name}
        if cohort is not None:
            read |= {n.table for n in walk(cohort) if hasattr(n, "table")}
        relations = tuple(self.tables[name].relation() for name in sorted(read))
        return Question(self._unit, cohort, tuple(nodes), relations)

    @cached_property
    def label_question(self) -> tuple[Question, Outcome]:
        """The question after the units alone, and the outcome that is looked up for them."""
        label = self.label
        names = set(label.confirmed.tables) & set(label.not_confirmed.tables)
        fields_ = {n.table for n in walk(label.confirmed.node) if isinstance(n, Field)} & names
        if len(fields_) != 1:
            raise ConfigurationError("JC3051")
        name = next(iter(fields_))
        table = self.label_tables[name]
        if not table.happens:
            raise ConfigurationError("JC3052", table=table.__name__)
        probe = Aggregate(
            EXACT, name, "count", None, label.within,
            match=tuple((column, e.node) for column, e in label.match.items()),
        )
        match = self.resolver.resolve(probe).match
        for column in label.match:
            if column not in table.columns:
                raise ConfigurationError("JC3005", table=table.__name__, column=column, nearest="")

        def of_row(expression: Expression | None) -> Node | None:
            return self.resolver.resolve(expression.node, name) if expression is not None else None

        confirmed, not_confirmed = of_row(label.confirmed), of_row(label.not_confirmed)
        assert confirmed is not None and not_confirmed is not None
        found = Outcome(name, confirmed, not_confirmed, label.within, match, of_row(label.about), of_row(label.channel))
        question = self._question({})
        values = tuple((f"match:{column}", node) for column, node in match)
        relations = {r.name: r for r in question.relations} | {name: table.relation()}
        for _, node in match:
            for n in walk(node):
                if hasattr(n, "table"):
                    relations[n.table] = self.resolver.tables[n.table].relation()
        return Question(self._unit, question.cohort, values, tuple(relations[k] for k in sorted(relations))), found

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the features' meaning; a trained model is refused when it no longer fits."""
        return self.question.fingerprint

    @cached_property
    def categorical(self) -> tuple[str, ...]:
        """The names of the categorical features."""
        return tuple(
            name for name, node in self.question.values if isinstance(node, Call) and node.op == "code"
        )


def reviewed_question(definition: SupervisionModel, over: Period) -> Question:
    """How many findings about each unit became known to the office in a period before the as-of date.

    Its one column is called `reviewed`; it is used for cool-off and never for a score.

    >>> from jcml.dates import months
    >>> from jcml.workspace.example import example
    >>> reviewed_question(example()[0].definition, months(12)).names
    ('reviewed',)
    """
    question, outcome = definition.label_question
    either = call("or", outcome.confirmed, outcome.not_confirmed)
    count = Aggregate(EXACT, outcome.table, "count", None, over, where=either, match=outcome.match)
    return Question(question.unit, question.cohort, (("reviewed", count),), question.relations)
