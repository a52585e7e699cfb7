"""From selected units to clues: reasons as sentences, comparisons with peers, facts, rules, and every source row.

Before a clue is written, each number that it shows is computed once more, in plain Python, from its evidence rows
alone, and must equal the number that was scored; and the contributions must add up to the margin. A clue that
fails either is not published, and neither is the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from jcml.engines.engine import Calendar
from jcml.engines.evidence import Evidence
from jcml.engines.inventory import settle_question
from jcml.engines.plain import PlainEngine, Summary
from jcml.engines.sql import SqlEngine
from jcml.errors import JcmlError
from jcml.explanation.reasons import Comparison, Explanation, Push, explain
from jcml.features.wording import Wording, describe
from jcml.query import Aggregate, Attribute, Peers, Question, Shared, columns_read, walk
from jcml.records import Clue, Part, Reason, SourceRow, Statement
from jcml.serving.select import Key, Selected, Selection
from jcml.serving.shown import Shown
from jcml.serving.standing import standings

if TYPE_CHECKING:
    from jcml.serving.score import ScoringRun


ROLES: tuple[Literal["row", "condition", "other"], ...] = ("row", "condition", "other")


class ClueWriter:
    """Writes the clues of one scoring run.

    >>> from jcml.records import read_clues
    >>> from jcml.workspace.example import example, example_list
    >>> _, store = example()
    >>> clues = list(read_clues(store.root / example_list().publication.file))  # this class wrote them
    >>> all(clue.reasons_for or clue.reasons_against for clue in clues)
    True
    """

    def __init__(self, run: ScoringRun, selection: Selection, engine: SqlEngine) -> None:
        self.engine = engine
        self.run = run
        self.definition = run.definition
        self.chosen = selection.chosen
        self.question = run.definition.full_question
        self.wording = Wording(run.definition)
        self.shown = Shown(run.store.tables, run.store.vault)
        self.names = run.trained.fitted.features
        self.groups = ["" if n.startswith("rule:") else run.definition.named_features[n].group for n in self.names]
        self.index: list[tuple[str, str, str, str, str, int]] = []

    def clues(self) -> list[Clue]:
        """The clues, ranked ones first."""
        if not self.chosen:
            return []
        self.table = self.run.rows_of(self.engine, self.chosen)
        self.rows = self.table.to_pylist()
        values = np.column_stack([np.asarray(self.table[n].to_numpy(zero_copy_only=False), dtype=float) for n in self.names])
        contributions = self.run.trained.fitted.contributions(values, threads=self.run.threads)
        plan = self.run.plan.reasons
        explanations = [
            explain(contributions[i], s.scored.margin, self.groups, most=plan.most, against=plan.against, least=plan.least_contribution)
            for i, s in enumerate(self.chosen)
        ]
        ranks = self.run.ranks(self.engine, self.chosen)
        self._gather(explanations)
        return [self._clue(i, s, explanations[i], ranks[s.scored.unit]) for i, s in enumerate(self.chosen)]

    # -- gathering ---------------------------------------------------------------------------------------------

    def _told(self, explanation: Explanation) -> list[str]:
        """Every feature that a clue names."""
        pushes = (*explanation.reasons_for, *explanation.reasons_against)
        return [self.names[i] for push in pushes for i, _ in push.members]

    def _gather(self, explanations: Sequence[Explanation]) -> None:
        as_of = self.run.as_of
        self.units = [(s.scored.unit, as_of) for s in self.chosen]
        told = sorted({n for e in explanations for n in self._told(e)})
        facts = [f"fact:{n}" for n in self.definition.named_facts]
        rules = [f"rule:{n}" for n in self.definition.rules]
        wanted = {*told, *facts, *rules}
        chosen = Question(
            self.question.unit, None, tuple((n, v) for n, v in self.question.values if n in wanted), self.question.relations
        )
        self.narrow = settle_question(chosen)
        self.evidence: Evidence = self.engine.evidence(chosen, self.run.calendar, self.units)
        versions: dict[str, set[int]] = {}
        for parts in self.evidence.rows.values():
            for found in parts.values():
                for _, table, version in found:
                    versions.setdefault(table, set()).add(version)
        self.source: dict[str, dict[int, dict[str, Any]]] = {
            t: {r["_version"]: r for r in self.engine.rows(t, v)} for t, v in sorted(versions.items())
        }
        self.facts = self.engine.facts()
        self.summaries = peer_summaries(self.engine, self.question, self.narrow, self.run.calendar, self.units)
        self.comparisons = self._compare(told)

    def _compare(self, told: list[str]) -> dict[tuple[Key, str], Comparison]:
        """Each told value against the units of its group on this date; at least 8 with a value."""
        group = next(iter(self.definition.groups), "")
        own = {i: str(row[f"group:{group}"] or "") if group else "" for i, row in enumerate(self.rows)}
        asked: dict[tuple[str, str], list[float]] = {}
        for i, row in enumerate(self.rows):
            for name in told:
                if row[name] is not None:
                    asked.setdefault((own[i], name), []).append(row[name])
        found = standings(self.engine, self.run.folder / "matrix.parquet", f"group:{group}" if group else "", asked)
        return {
            (unit, name): Comparison(own[i], standing.n, standing.median, standing.below[self.rows[i][name]] / standing.n)
            for i, (unit, _) in enumerate(self.units)
            for name in told
            if self.rows[i][name] is not None and (standing := found[own[i], name]).n >= 8
        }

    # -- one clue ----------------------------------------------------------------------------------------------

    def _clue(self, index: int, selected: Selected, explanation: Explanation, rank: int) -> Clue:
        unit = selected.scored.unit
        row = self.rows[index]
        trained = self.run.trained
        title = self._title(unit)
        return Clue(
            id=clue_id(self.run.key, unit), run=self.run.key, model=self.run.name, version=trained.version, as_of=str(self.run.as_of),
            unit=dict(zip(self.definition.keys, unit, strict=True)), title_zh=f"{self.definition.title[0]}·{title}",
            title_en=f"{self.definition.title[1]} · {title}", selected=selected.by, chance=selected.chance, rank=rank, scored=self.run.scored,
            margin=selected.scored.margin, base=explanation.base, rest=explanation.rest,
            probability=None if trained.cold else selected.scored.probability,
            band=trained.band(selected.scored.margin, selected.scored.probability),
            reasons_for=tuple(self._reason(unit, row, p) for p in explanation.reasons_for),
            reasons_against=tuple(self._reason(unit, row, p) for p in explanation.reasons_against),
            facts=tuple(self._fact(unit, row, n) for n in self.definition.named_facts),
            rules=tuple(self._rule(unit, row, n) for n in self.definition.rules if row[f"rule:{n}"] == 1.0),
            missing=self._missing(), legal_basis=self.definition.legal_basis, lawful_explanations=self.definition.lawful_explanations,
            limits=self.definition.limits, promise=promise(trained), queue=self.run.plan.queue, fingerprint=self.definition.fingerprint,
            data_digest=self.run.data_digest,
        )

    def _title(self, unit: Key) -> str:
        contract = self.definition.unit_table
        version = next((v for _, _, v in self.evidence.rows[(unit, self.run.as_of)].get("unit", [])), None)
        row = self.source.get(contract.name, {}).get(version) if version is not None else None
        label = contract.one("name")
        if row is not None and label is not None and row.get(label.name):
            return self.shown.cell(label, row[label.name])
        shown = []
        for key, value in zip(self.definition.keys, unit, strict=True):
            column = contract.columns[key]
            self.shown.remember(column.entity, [value])
            shown.append(self.shown.cell(column, value))
        return " · ".join(shown)

    def _reason(self, unit: Key, row: dict[str, Any], push: Push) -> Reason:
        statements = [self._statement(unit, row, self.names[i], c, rows=not k) for k, (i, c) in enumerate(push.members)]
        return Reason(push.contribution, statements[0], tuple(statements[1:]))

    def _statement(self, unit: Key, row: dict[str, Any], name: str, contribution: float, *, rows: bool) -> Statement:
        value = row[name]
        self._recompute(unit, name, value)
        if name.startswith("rule:"):
            return replace(self._rule(unit, row, name.removeprefix("rule:")), contribution=contribution)
        comparison = self.comparisons.get((unit, name)) if name not in self.definition.categorical else None
        spec = self.wording.spec(name)
        return Statement(
            name, value, contribution, self.wording.sentence(name, value, "zh"), self.wording.sentence(name, value, "en"),
            comparison.zh(spec, self._group_titles(0)) if comparison else "", comparison.en(spec, self._group_titles(1)) if comparison else "",
            self.definition.named_features[name].legal_basis, self._parts(unit, name, rows=rows),
        )

    def _group_titles(self, language: int) -> dict[str, str]:
        name = next(iter(self.definition.groups), "")
        column = getattr(self.definition.groups[name], "column", None) if name else None
        return {c: t[language] for c, t in column.type.codes.items()} if column is not None else {}

    def _fact(self, unit: Key, row: dict[str, Any], name: str) -> Statement:
        value = row[f"fact:{name}"]
        column = getattr(self.definition.named_facts[name].value, "column", None)
        if isinstance(value, str) and column is not None:
            if column.entity:
                self.shown.remember(column.entity, [value])
            shown: float | str | None = self.shown.cell(column, value)
        elif column is not None and column.type.value.kind == "date" and value is not None:
            shown = self.shown.cell(column, int(value))
        else:
            shown = value
        number = value if isinstance(value, float) else None
        return Statement(
            name, number, 0.0, self.wording.fact(name, shown, "zh"), self.wording.fact(name, shown, "en"), parts=self._parts(unit, f"fact:{name}")
        )

    def _rule(self, unit: Key, row: dict[str, Any], name: str) -> Statement:
        rule = self.definition.rules[name]
        zh = rule.zh or self.wording.formula(f"rule:{name}", "zh")
        return Statement(name, row[f"rule:{name}"], 0.0, zh, rule.en or self.wording.formula(f"rule:{name}", "en"), parts=self._parts(unit, f"rule:{name}"))

    def _missing(self) -> tuple[str, ...]:
        return tuple(
            self.run.store.tables[name].title[0] or name for name in sorted(self.definition.tables) if name not in self.facts
        )

    # -- evidence ----------------------------------------------------------------------------------------------

    def _parts(self, unit: Key, name: str, *, rows: bool = True) -> tuple[Part, ...]:
        """The parts of a value; with `rows`, the first source rows of each (the evidence file has all of them)."""
        found: dict[str, list[tuple[str, str, int]]] = {}
        for part, role, table, version in self.evidence.of((unit, self.run.as_of), name):
            found.setdefault(part, []).append((role, table, version))
            self.index.append(("\x1f".join(unit), name, part, role, table, version))
        parts = [p for p in self.evidence.parts[name] if p != "unit"] or ["unit"]
        read = columns_read(dict(self.narrow.values)[name], self.definition.unit_table.name)
        return tuple(self._part(part, found.get(part, []), read if rows else None) for part in parts)

    def _part(self, part: str, rows: list[tuple[str, str, int]], read: dict[str, set[str]] | None) -> Part:
        shown: list[SourceRow] = []
        for role in ROLES if read is not None else ():
            for table in dict.fromkeys(t for r, t, _ in rows if r == role):
                chosen = [self.source[table][v] for r, t, v in rows if (r, t) == (role, table)]
                shown += self.shown.rows(table, role, chosen[: self.run.plan.evidence_rows], (read or {}).get(table, set()))
        node, tables = self.evidence.nodes[part], self.wording.tables
        if node is None:
            unit = self.definition.unit_table
            return Part(unit.title[0], unit.title[1], unit.name, len(rows), tuple(shown))
        assert isinstance(node, Aggregate | Attribute | Shared), part
        return Part(describe(node, tables, "zh"), describe(node, tables, "en"), node.table, len(rows), tuple(shown))

    def _recompute(self, unit: Key, name: str, value: float | None) -> None:
        """The value from its evidence rows alone, in plain Python, must be the value that was scored."""
        tables, behind = self.evidence.behind((unit, self.run.as_of), name, self.source)
        summaries = {node: found[unit, self.run.as_of] for node, found in self.summaries.items()}
        again = PlainEngine(tables, self.facts).recompute(self.narrow, self.run.calendar, (unit, self.run.as_of), name, summaries, behind)
        if again != value:
            raise JcmlError("JC6004", feature=name, again=again, value=value)

    def write_evidence(self, part: Path) -> None:
        """The index record → feature → unit: every source row behind every number of every clue."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = []
        for unit, name, piece, role, table, version in self.index:
            found = self.source[table][version]
            rows.append((unit, name, piece, role, table, found["_row"], version, found["_digest"]))
        names = ("unit", "value", "part", "role", "table", "row", "version", "digest")
        kinds = [pa.string()] * 6 + [pa.int64(), pa.string()]
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        table_ = pa.table({n: pa.array(c, k) for n, c, k in zip(names, columns, kinds, strict=True)})
        pq.write_table(table_, part, compression="zstd")


def clue_id(run: str, unit: Key) -> str:
    """The id of a clue: the same for the same run and unit.

    >>> len(clue_id("run", ("unit",)))
    16
    """
    import hashlib

    return hashlib.sha256(f"{run}\x00{chr(31).join(unit)}".encode()).hexdigest()[:16]


def promise(trained: Any) -> dict[str, Any]:
    """What may be said about lists of this model: measured on later time, with its interval and its limits.

    >>> from jcml.workspace.example import example_training
    >>> promise(example_training().model)["capacity"]
    10
    """
    figures = trained.figures
    kept = {k: figures.get("metrics", {}).get(k) for k in ("precision_at_capacity", "gain_over_best_rule", "auc")}
    return {
        "metrics": {k: v for k, v in kept.items() if v}, "capacity": figures.get("capacity"), "labelled": figures.get("labelled"),
        "confirmed": figures.get("confirmed"), "whole_list": figures.get("whole_list"), "audit": figures.get("audit"),
    }


def peer_summaries(
    engine: SqlEngine, question: Question, narrow: Question, calendar: Calendar, units: Sequence[tuple[Key, date]]
) -> dict[Peers, dict[tuple[Key, date], Summary]]:
    """What the peers of each unit contribute: how many, their median and deviation, how many lie below and equal.

    Parameters
    ----------
    question : Question
        The whole question, whose cohort the peers come from.
    narrow : Question
        A settled question whose values need the summaries.
    units : sequence of (keys, as-of date)

    >>> from jcml.workspace.example import AS_OF, example
    >>> model, store = example()
    >>> question = model.definition.question  # no feature of this model looks at peers
    >>> with store.engine(model.definition.tables) as engine:
    ...     peer_summaries(engine, question, question, Calendar((AS_OF,), model.serving.every, store.office.zone), [])
    {}
    """
    wanted: list[Peers] = []
    for _, node in narrow.values:
        wanted += [n for n in walk(node) if isinstance(n, Peers) and n not in wanted]
    if not wanted:
        return {}
    measures: tuple[Literal["count", "median", "mad", "below", "ties"], ...] = ("count", "median", "mad", "below", "ties")
    values = tuple((f"{i}:{m}", replace(n, measure=m)) for i, n in enumerate(wanted) for m in measures)
    table = engine.matrix(Question(question.unit, question.cohort, values, question.relations), calendar, sorted({u for u, _ in units}))
    keys = list(zip(*(table[k].to_pylist() for k in question.unit.keys), strict=True))
    at = {(u, d): i for i, (u, d) in enumerate(zip(keys, table["_asof"].to_pylist(), strict=True))}
    columns = {n: table[n].to_pylist() for n, _ in values}
    return {
        node: {
            unit: {
                key: columns[f"{i}:{name}"][at[unit]]
                for key, name in (("n", "count"), ("median", "median"), ("mad", "mad"), ("below", "below"), ("ties", "ties"))
            }
            for unit in units
        }
        for i, node in enumerate(wanted)
    }
