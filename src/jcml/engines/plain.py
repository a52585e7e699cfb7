"""The meaning of a question in plain Python: slow, short, and the judge of every other engine.

It walks the nodes row by row, with no SQL and no index beyond a dictionary. Three things rest on it: the property
tests compare every engine with it, the spec tests run on it too, and the value of a feature is recomputed with it
from the evidence rows alone before a clue is shown to anybody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from jcml.dates import day_number, from_day_number
from jcml.engines.engine import Calendar, SourceFacts
from jcml.engines.inventory import available, settle_question, tables_read
from jcml.query import (
    AGGREGATES,
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
    Question,
    Relation,
    Shared,
    Type,
)

Row = Mapping[str, Any]
Summary = Mapping[str, float | None]


class PlainEngine:
    """Answers questions over rows held in memory.

    Parameters
    ----------
    tables : mapping of table to rows
        Canonical rows: the contract's columns (exact values as scaled whole numbers, dates as day numbers) and the
        system columns `_version`, `_row`, `_known`, `_superseded`, `_first_known_day`, and for events `_happened`,
        `_day`.
    facts : mapping of table to SourceFacts
        What was delivered.

    Examples
    --------
    >>> PlainEngine({}, {}).name
    'plain'
    """

    name = "plain"

    def __init__(self, tables: Mapping[str, Sequence[Row]], facts: Mapping[str, SourceFacts]) -> None:
        self.tables = tables
        self._facts = facts

    def answer(self, question: Question, calendar: Calendar) -> dict[tuple[tuple[str, ...], date], dict[str, float | str | None]]:
        """Every value of every unit of the cohort, by (keys, as-of date)."""
        return _Run(self, settle_question(question), calendar, None).everything()

    def recompute(
        self,
        question: Question,
        calendar: Calendar,
        unit: tuple[tuple[str, ...], date],
        value: str,
        summaries: Mapping[Peers, Summary],
        behind: Mapping[Node, Mapping[str, Sequence[Row]]],
    ) -> float | str | None:
        """One value of one unit from its evidence rows alone; what peers contribute comes from their summary.

        Parameters
        ----------
        question : Question
            A settled one (`jcml.engines.inventory.settle_question`).
        behind : mapping of node to tables
            The rows behind each aggregate and shared value: that part sees no others. Two parts of one value may
            count the same rows under different conditions, so rows of one are no evidence for the other.
        """
        run = _Run(self, question, calendar, summaries, behind)
        for keys, day, scope in run.units():
            if (keys, day) == unit:
                node = dict(run.question.values)[value]
                return run.output(scope, node)
        raise LookupError(f"no row describes the unit {unit}")


class _Scope:
    """One unit at one as-of date."""

    def __init__(self, day: date, at: int, row: Row) -> None:
        self.day = day
        self.number = day_number(day)
        self.at = at
        self.row = row
        self.memo: dict[int, Any] = {}


class _Run:
    def __init__(
        self,
        engine: PlainEngine,
        question: Question,
        calendar: Calendar,
        summaries: Mapping[Peers, Summary] | None,
        behind: Mapping[Node, Mapping[str, Sequence[Row]]] | None = None,
    ) -> None:
        self.tables = engine.tables
        self.facts = engine._facts
        self.whole = self
        self.parts: dict[Node, _Run] = {}
        for node, tables in (behind or {}).items():
            self.parts[node] = _Run(PlainEngine(tables, engine._facts), question, calendar, summaries)
            self.parts[node].whole = self
        self.calendar = calendar
        self.summaries = summaries
        self.question = question
        self.cohorts: dict[date, list[_Scope]] = {}
        self.index: dict[tuple[str, tuple[str, ...]], dict[tuple[Any, ...], list[Row]]] = {}

    # -- units -------------------------------------------------------------------------------------------------

    def everything(self) -> dict[tuple[tuple[str, ...], date], dict[str, float | str | None]]:
        chosen = []
        for keys, day, scope in self.units():
            if self.question.cohort is None or self.unit(scope, self.question.cohort) is True:
                chosen.append((keys, day, scope))
                self.cohorts.setdefault(day, []).append(scope)
        return {
            (keys, day): {name: self.output(scope, node) for name, node in self.question.values}
            for keys, day, scope in chosen
        }

    def units(self) -> Iterable[tuple[tuple[str, ...], date, _Scope]]:
        unit = self.question.unit
        relation = self.question.relation(unit.table)
        for day in self.calendar.days:
            at, asof, before = self.calendar.start(day), day_number(day), day_number(self.calendar.before(day))
            best: dict[tuple[str, ...], Row] = {}
            for row in self.tables.get(unit.table, ()):
                keys = tuple(row[k] for k in unit.keys)
                if None in keys or not self.known(relation, row, at, asof):
                    continue
                if unit.once:
                    due = max(row["_first_known_day"] + 1, row["_day"] + unit.scored_after)
                    if not before < due <= asof:
                        continue
                if keys not in best or self.order(relation, row) > self.order(relation, best[keys]):
                    best[keys] = row
            for keys, row in best.items():
                yield keys, day, _Scope(day, at, row)

    def known(self, relation: Relation, row: Row, at: int, asof: int) -> bool:
        if not row["_known"] < at <= row["_superseded"]:
            return False
        if relation.happens and not row["_happened"] < at:
            return False
        start = row.get(relation.valid_from) if relation.valid_from else None
        end = row.get(relation.valid_to) if relation.valid_to else None
        return (start is None or start <= asof - 1) and (end is None or end >= asof - 1)

    def order(self, relation: Relation, row: Row) -> tuple[Any, ...]:
        start = row.get(relation.valid_from) if relation.valid_from else None
        return (start is not None, start or 0, row["_known"], row["_row"])

    def matching(self, table: str, match: Sequence[tuple[str, Any]]) -> list[Row]:
        columns = tuple(c for c, _ in match)
        wanted = tuple(v for _, v in match)
        if None in wanted:
            return []
        if (table, columns) not in self.index:
            found: dict[tuple[Any, ...], list[Row]] = {}
            for row in self.tables.get(table, ()):
                found.setdefault(tuple(row.get(c) for c in columns), []).append(row)
            self.index[table, columns] = found
        return self.index[table, columns].get(wanted, [])

    # -- values of a unit --------------------------------------------------------------------------------------

    def output(self, scope: _Scope, node: Node) -> float | str | None:
        value = self.unit(scope, node)
        if value is None:
            return None
        if node.type.kind == "text":
            return str(value)
        return _number(value, node.type) if node.type.numeric else float(value)

    def unit(self, scope: _Scope, node: Node) -> Any:
        # by identity: hashing a tree at every step would cost more than it saves
        if id(node) not in scope.memo:
            scope.memo[id(node)] = self.whole._unit(scope, node)
        return scope.memo[id(node)]

    def _unit(self, scope: _Scope, node: Node) -> Any:
        if isinstance(node, AsOf):
            return scope.number
        if isinstance(node, Own):
            return scope.row.get(node.name)
        if isinstance(node, Attribute):
            return self._attribute(scope, node)
        if isinstance(node, Aggregate):
            return self.parts.get(node, self)._aggregate(scope, node)
        if isinstance(node, Shared):
            return self.parts.get(node, self)._shared(scope, node)
        if isinstance(node, Peers):
            return self._peers(scope, node)
        return _scalar(node, lambda n: self.unit(scope, n))

    def _attribute(self, scope: _Scope, node: Attribute) -> Any:
        relation = self.question.relation(node.table)
        match = [(c, self.unit(scope, n)) for c, n in node.match]
        rows = [r for r in self.matching(node.table, match) if self.known(relation, r, scope.at, scope.number)]
        return max(rows, key=lambda r: self.order(relation, r)).get(node.name) if rows else None

    def covered(self, scope: _Scope, node: Aggregate | Shared) -> bool:
        if not available(node, self.facts):
            return False
        start, end = scope.day, scope.day
        if isinstance(node, Aggregate):
            start, end = self.calendar.window(scope.day, node.over, node.lag)
        return all(
            self.facts[t].covers(
                scope.at, *((start, end) if self.question.relation(t).happens else (scope.day, scope.day))
            )
            for t in tables_read(node)
        )

    def row_value(self, scope: _Scope, table: str, row: Row, node: Node) -> Any:
        """A node inside a `where=` or as an aggregated value: fields are of the row, the rest is of the unit."""
        if isinstance(node, Field):
            return row.get(node.name)
        if isinstance(node, Presence):
            relation = self.question.relation(node.table)
            match = [(c, self.row_value(scope, table, row, n)) for c, n in node.match]
            for inner in self.matching(node.table, match):
                if not inner["_known"] < scope.at <= inner["_superseded"]:
                    continue
                if relation.happens and not inner["_happened"] < scope.at:
                    continue
                if node.where is None or _scalar(node.where, _two_rows(node.table, inner, row)) is True:
                    return True
            return False
        if isinstance(node, Call | Constant | Fixed):
            return _scalar(node, lambda n: self.row_value(scope, table, row, n))
        return self.unit(scope, node)

    def rows(self, scope: _Scope, node: Aggregate) -> list[Row]:
        relation = self.question.relation(node.table)
        match = [(c, self.unit(scope, n)) for c, n in node.match]
        start, end = (self.calendar.start(d) for d in self.calendar.window(scope.day, node.over, node.lag))
        found = []
        for row in self.matching(node.table, match):
            if not self.known(relation, row, scope.at, scope.number):
                continue
            if relation.happens and not start <= row["_happened"] < end:
                continue
            if node.near is not None and not self._is_near(scope, node, row):
                continue
            if node.alike is not None and not self._is_alike(scope, node, row):
                continue
            if node.where is not None and self.row_value(scope, node.table, row, node.where) is not True:
                continue
            found.append(row)
        return found

    def _is_near(self, scope: _Scope, node: Aggregate, row: Row) -> bool:
        near = node.near
        assert near is not None
        there = [row.get(c) for c in near.at]
        lat, lon = (self.unit(scope, n) for n in (near.latitude, near.longitude))
        if None in there or lat is None or lon is None:
            return False
        dy = float(there[0] - lat) * 0.11132
        dx = float(there[1] - lon) * 0.11132 * math.cos((float(lat) / 1_000_000) * 0.017453292519943295)
        return dy * dy + dx * dx <= near.metres * near.metres

    def _is_alike(self, scope: _Scope, node: Aggregate, row: Row) -> bool:
        assert node.alike is not None
        ours, theirs = self.unit(scope, node.alike.signature), row.get(node.alike.column + "__signature")
        return ours is not None and theirs is not None and (ours ^ theirs).bit_count() <= node.alike.bits

    def _aggregate(self, scope: _Scope, node: Aggregate) -> Any:
        if not self.covered(scope, node):
            return None
        rows = self.rows(scope, node)
        if node.function == "count":
            return len(rows)
        if node.function == "since":
            return scope.number - max(r["_day"] for r in rows) if rows else None
        assert node.value is not None
        pairs = [(r, self.row_value(scope, node.table, r, node.value)) for r in rows]
        pairs = [(r, v) for r, v in pairs if v is not None]
        if not pairs and (empty := AGGREGATES[node.function].empty) is not None:
            return empty
        values = [v for _, v in pairs]
        if node.function == "sum":
            return sum(values)
        if node.function == "distinct":
            return len(set(values))
        if not pairs:
            return None
        if node.function in ("min", "max"):
            return min(values) if node.function == "min" else max(values)
        if node.function in ("last", "first"):
            pick = max if node.function == "last" else min
            return pick(pairs, key=lambda p: (p[0]["_happened"], p[0]["_row"]))[1]
        if node.function in ("rise", "changes"):
            return _sequence(node, pairs)
        scale = node.value.type.scale
        if node.function == "mean":
            return float(sum(values)) / float(len(values) * 10**scale)
        if node.function == "std":
            n, s, q = len(values), sum(values), sum(v * v for v in values)
            made = math.sqrt(_wide(n * q - s * s) / _wide(n * (n - 1))) if n > 1 else None
        else:
            made = _slope([(r["_day"] - scope.number, v) for r, v in pairs])
        return made if made is None or not scale else made / 10**scale

    # -- others --------------------------------------------------------------------------------------------------

    def _shared(self, scope: _Scope, node: Shared) -> Any:
        if not self.covered(scope, node):
            return None
        relation = self.question.relation(node.table)
        best: dict[tuple[Any, ...], Row] = {}
        for row in self.tables.get(node.table, ()):
            if self.known(relation, row, scope.at, scope.number):
                key = tuple(row[k] for k in relation.keys)
                if key not in best or self.order(relation, row) > self.order(relation, best[key]):
                    best[key] = row
        match = [(c, self.unit(scope, n)) for c, n in node.match]
        own = [r for r in best.values() if all(v is not None and r.get(c) == v for c, v in match)]
        own = [r for r in own if r.get(node.column) is not None]
        if not own:
            return None
        counts = []
        for mine in own:
            others = [r for r in best.values() if r.get(node.column) == mine[node.column] and r is not mine]
            flagged = [
                r for r in others
                if node.where is not None and self.row_value(scope, node.table, r, node.where) is True
            ]
            counts.append((len(others), len(flagged)))
        others_, flagged_ = max(c[0] for c in counts), max(c[1] for c in counts)
        if node.measure == "count":
            return others_
        return float(flagged_) / float(others_) if others_ else None

    def _peers(self, scope: _Scope, node: Peers) -> Any:
        raw = self.unit(scope, node.value)
        value = None if raw is None else _number(raw, node.value.type)
        groups = [self.unit(scope, g) for g in node.groups]
        if value is None or None in groups:
            return None
        summary = self.summaries[node] if self.summaries is not None else self._summary(scope, node, value, groups)
        n = summary["n"]
        if node.measure == "count":
            return n
        if n is None or n < node.least:
            return None
        if node.measure == "percentile":
            return (2 * summary["below"] + summary["ties"]) / (2 * n)  # type: ignore[operator]
        if node.measure in ("median", "mad", "below", "ties"):
            return summary[node.measure]
        mad, median = summary["mad"], summary["median"]
        return (value - median) / (1.4826 * mad) if mad else None  # type: ignore[operator]

    def _summary(self, scope: _Scope, node: Peers, value: float, groups: list[Any]) -> Summary:
        values = []
        for other in self.cohorts[scope.day]:
            theirs = self.unit(other, node.value)
            if theirs is not None and [self.unit(other, g) for g in node.groups] == groups:
                values.append(_number(theirs, node.value.type))
        median = _median(values)
        return {
            "n": float(len(values)),
            "median": median,
            "mad": _median([abs(v - median) for v in values]),
            "below": float(sum(v < value for v in values)),
            "ties": float(sum(v == value for v in values)),
        }


def _two_rows(table: str, inner: Row, outer: Row) -> Any:
    def leaf(node: Node) -> Any:
        if isinstance(node, Field):
            return (inner if node.table == table else outer).get(node.name)
        return _scalar(node, leaf)

    return leaf


def _number(value: Any, source: Type) -> float:
    if source.kind == "exact" and source.scale:
        return float(value) / float(10**source.scale)
    return float(value)


def _wide(value: int) -> float:
    """A large whole number as a double the way SQL engines do it: high and low 64 bits added up."""
    if abs(value) < 2**63:
        return float(value)
    return float(value >> 64) * 18446744073709551616.0 + float(value & 0xFFFFFFFFFFFFFFFF)


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return low + (high - low) * 0.5 if low != high else low


def _slope(points: list[tuple[int, int]]) -> float | None:
    n = len(points)
    sd, sx = sum(d for d, _ in points), sum(x for _, x in points)
    sdd, sdx = sum(d * d for d, _ in points), sum(d * x for d, x in points)
    below = n * sdd - sd * sd
    return _wide(n * sdx - sd * sx) / _wide(below) if below else None


def _sequence(node: Aggregate, pairs: list[tuple[Row, Any]]) -> Any:
    chains: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row, value in pairs:
        chains.setdefault(tuple(row.get(c) for c in node.per), []).append((row["_happened"], row["_row"], value))
    steps: list[tuple[Any, Any]] = []
    for chain in chains.values():
        ordered = [v for _, _, v in sorted(chain, key=lambda c: c[:2])]
        steps += pairwise(ordered)
    if node.function == "changes":
        return sum(a != b for a, b in steps)
    return sum(max(b - a, 0) for a, b in steps) if steps else None


def _scalar(node: Node, leaf: Any) -> Any:
    if isinstance(node, Fixed):
        return node.value
    if isinstance(node, Constant):
        day = leaf(node.on)
        held = [value for start, value in node.values if day is not None and day >= start]
        return held[-1] if held else None
    if not isinstance(node, Call):
        return leaf(node)
    op, types = node.op, [a.type for a in node.args]
    values = [leaf(a) for a in node.args]
    if op in ("and", "or"):
        decisive = op == "or"
        if decisive in values:
            return decisive
        return None if None in values else not decisive
    if op == "is_null":
        return values[0] is None
    if op == "coalesce":
        return next((v for v in _aligned(values, types) if v is not None), None)
    if op == "if":
        if values[0] is None:
            return None
        return _aligned(values[1:], types[1:])[0 if values[0] else 1]
    if None in values:
        return None
    return _known_values(node, values, types)


def _aligned(values: list[Any], types: list[Type]) -> list[Any]:
    if all(t.kind == "exact" for t in types):
        scale = max(t.scale for t in types)
        return [None if v is None else v * 10 ** (scale - t.scale) for v, t in zip(values, types, strict=True)]
    if all(t.numeric for t in types):
        return [None if v is None else _number(v, t) for v, t in zip(values, types, strict=True)]
    return values


def _known_values(node: Call, values: list[Any], types: list[Type]) -> Any:
    op = node.op
    if op in ("+", "-"):
        left, right = _aligned(values, types)
        return left + right if op == "+" else left - right
    if op == "*":
        if node.type.kind == "number":
            values = [_number(v, t) for v, t in zip(values, types, strict=True)]
        return values[0] * values[1]
    if op == "/":
        above, below = (float(v) for v in _aligned(values, types))
        return above / below if below else None
    if op in ("==", "!=", "<", "<=", ">", ">="):
        left, right = _aligned(values, types)
        return {"==": left == right, "!=": left != right}.get(op) if op in ("==", "!=") else {
            "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right
        }[op]
    if op == "not":
        return not values[0]
    if op == "in":
        return values[0] in node.extra
    if op == "mentions":
        return any(word in values[0] for word in node.extra)
    if op == "abs":
        return abs(values[0])
    if op in ("least", "greatest"):
        return (min if op == "least" else max)(_aligned(values, types))
    if op == "days_between":
        return values[1] - values[0]
    if op == "working_days_between":
        return _working_days(values[1], node.extra) - _working_days(values[0], node.extra)
    if op == "add_days":
        return values[0] + values[1]
    if op in ("year", "month"):
        return getattr(from_day_number(values[0]), op)
    if op == "weekday":
        return from_day_number(values[0]).isoweekday()
    if op == "code":
        return node.extra.index(values[0]) if values[0] in node.extra else None
    if op == "round":
        return _round(_number(values[0], types[0]) * 10 ** int(node.extra[0]))
    assert op == "multiple_of", op
    return values[0] % int(node.extra[0]) == 0


def _round(value: float) -> int:
    whole = math.floor(abs(Fraction(value)) + Fraction(1, 2))
    return whole if value >= 0 else -whole


def _working_days(day: int, exceptions: tuple[tuple[int, ...], ...]) -> int:
    off, on = exceptions
    weeks, rest = divmod(day + 3 + 7 * 200_000, 7)
    return weeks * 5 + min(rest + 1, 5) - sum(d <= day for d in off) + sum(d <= day for d in on)
