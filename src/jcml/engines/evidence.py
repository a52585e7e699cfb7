"""The source rows behind a value, found with the same join and the same conditions as the value itself.

Each distinct part of a question (an aggregate, a look-up, a shared value) has rows of its own; a value's evidence
is the union over its parts. For an extreme, a first, a last or a latest day the one deciding row is the evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from jcml.engines.compile import Compiler
from jcml.engines.dialect import quote
from jcml.engines.engine import Step
from jcml.engines.passes import Group, Passes
from jcml.query import Aggregate, Attribute, Node, Own, Presence, Shared, walk

if TYPE_CHECKING:
    from jcml.engines.plain import Row

UNIT_PART = "unit"
_DECIDING = {
    "min": "{value}, e._happened, e._row",
    "max": "{value} DESC, e._happened DESC, e._row DESC",
    "last": "e._happened DESC, e._row DESC",
    "first": "e._happened, e._row",
    "since": "e._day DESC, e._happened DESC, e._row DESC",
}


class EvidenceCompiler:
    """Adds to a compiler whose units are chosen the query that lists their evidence.

    The result has one row per (unit, part, source row): `_rid`, `part`, `role`, `source`, `version`. `role` is `row` for rows
    that are aggregated or looked up, `condition` for rows that made a condition across sources true, `other` for
    holders of the same value.

    >>> from zoneinfo import ZoneInfo
    >>> from jcml.dates import months
    >>> from jcml.engines.dialect import Dialect
    >>> from jcml.engines.engine import Calendar
    >>> from jcml.workspace.example import AS_OF, example
    >>> question = example()[0].definition.question
    >>> compiler = Compiler(question, Calendar((AS_OF,), months(1), ZoneInfo("Asia/Shanghai")), {}, Dialect(), chosen=True)
    >>> EvidenceCompiler(compiler).sql().splitlines()[0]
    "SELECT _rid, 'unit' AS part, 'row' AS role, 'non_prosecutions' AS source, _unit_version AS version FROM unit"
    """

    def __init__(self, compiler: Compiler) -> None:
        self.compiler = compiler
        self.passes = Passes(compiler)
        self.text = compiler.dialect.text

    def sql(self) -> str:
        """The query; the steps it needs are added to the compiler."""
        self.compiler.unit_steps()
        self._narrow()
        inventory = self.compiler.inventory
        own = self.text(self.compiler.question.unit.table)
        parts = [f"SELECT _rid, 'unit' AS part, 'row' AS role, {own} AS source, _unit_version AS version FROM unit"]
        for index, (table, _) in enumerate(inventory.lookups):
            parts.append(
                f"SELECT _rid, 'lookup_{index}', 'row', {self.text(table)}, _version_{index} FROM unit WHERE _version_{index} IS NOT NULL"
            )
        for index, node in enumerate(inventory.aggregates):
            parts += self._aggregate(f"agg_{index}", node)
        for index, shared in enumerate(inventory.shared):
            parts += self._shared(f"shared_{index}", shared)
        return "\nUNION ALL\n".join(parts)

    def _narrow(self) -> None:
        """Of each table that units find by its columns, keep the rows that the chosen ones find: every part reads only these."""
        inventory = self.compiler.inventory
        whole = {s.table for s in inventory.shared}
        matches: dict[str, list[tuple[tuple[str, Node], ...]]] = {}
        for node in inventory.aggregates:
            if self.compiler.coverage(node) is False:
                continue
            if node.near is not None or node.alike is not None or not node.match:
                whole.add(node.table)
            elif node.match not in matches.setdefault(node.table, []):
                matches[node.table].append(node.match)
        for index, (table, found) in enumerate((t, m) for t, m in matches.items() if t not in whole):
            same = (" AND ".join(f"e.{quote(c)} = {self.compiler.of_unit(n)}" for c, n in match) for match in found)
            sql = "\nUNION\n".join(f"SELECT e.* FROM {quote(table)} AS e WHERE EXISTS (SELECT 1 FROM unit AS u WHERE {on})" for on in same)
            self.compiler.steps.append(Step(f"seen_{index}", sql, f"the rows of {table} that the chosen units find"))
            self.passes.narrowed[table] = f"seen_{index}"

    def _aggregate(self, part: str, node: Aggregate) -> Iterator[str]:
        covered = self.compiler.coverage(node)
        if covered is False:
            return
        joined = self.passes.join(Group(node.table, node.match, node.near, node.alike), [node])
        conditions = self.passes.conditions(node, joined)
        value = joined.scalars.sql(node.value) if node.value is not None else ""
        if value:
            conditions.append(f"{value} IS NOT NULL")
        if isinstance(covered, str):
            conditions.append(f"u.{quote(covered)}")
        where = f"\nWHERE {' AND '.join(conditions)}" if conditions else ""
        source = self.passes.from_clause(joined)
        rows = f"SELECT u._rid AS _rid, e._version AS _version, u._t AS _t\n{source}{where}"
        if node.function in _DECIDING:
            order = _DECIDING[node.function].format(value=value)
            rows = (
                f"SELECT _rid, _version, _t FROM (SELECT u._rid AS _rid, e._version AS _version, u._t AS _t,\n"
                f"  row_number() OVER (PARTITION BY u._rid ORDER BY {order}) AS _nth\n{source}{where}) WHERE _nth = 1"
            )
        yield f"SELECT _rid, '{part}', 'row', {self.text(node.table)}, _version FROM ({rows})"
        yield from self._conditions(part, rows, [n for n in (node.where, node.value) if n is not None])

    def _conditions(self, part: str, rows: str, nodes: list[Node]) -> Iterator[str]:
        for node in nodes:
            for inner in walk(node):
                if isinstance(inner, Presence):
                    yield (
                        f"SELECT r._rid, '{part}', 'condition', {self.text(inner.table)}, p._inner FROM ({rows}) AS r\n"
                        f"JOIN ({self.passes.pairs(inner)}) AS p\n"
                        f"  ON p._outer = r._version AND p._f < r._t AND p._s >= r._t"
                    )

    def _shared(self, part: str, node: Shared) -> Iterator[str]:
        covered = self.compiler.coverage(node)
        if covered is False:
            return
        register = self.passes.register(node)
        on = " AND ".join(f"h.{quote('_m_' + c)} = {self.compiler.of_unit(n)}" for c, n in node.match)
        only = f" AND u.{quote(covered)}" if isinstance(covered, str) else ""
        rows = (
            f"SELECT u._rid AS _rid, o._entry AS _version, u._t AS _t,"
            f" CASE WHEN o._entry = h._entry THEN 'row' ELSE 'other' END AS _role\n"
            f"FROM unit AS u JOIN ({register}) AS h ON h._asof = u._asof AND {on}{only}\n"
            f"JOIN ({register}) AS o ON o._asof = h._asof AND o._held = h._held"
        )
        yield f"SELECT _rid, '{part}', _role, {self.text(node.table)}, _version FROM ({rows})"
        if node.where is not None:
            yield from self._conditions(part, rows, [node.where])


def parts_of(compiler: Compiler) -> tuple[dict[str, list[str]], dict[str, Node | None]]:
    """Which parts each value is made of, in the order in which its definition names them; and the node of each part.

    >>> from zoneinfo import ZoneInfo
    >>> from jcml.dates import months
    >>> from jcml.engines.dialect import Dialect
    >>> from jcml.engines.engine import Calendar
    >>> from jcml.workspace.example import AS_OF, example
    >>> question = example()[0].definition.question
    >>> parts, nodes = parts_of(Compiler(question, Calendar((AS_OF,), months(1), ZoneInfo("Asia/Shanghai")), {}, Dialect()))
    >>> set(parts) == set(question.names), nodes["unit"]
    (True, None)
    """
    inventory = compiler.inventory
    nodes: dict[str, Node | None] = {UNIT_PART: None}
    named: dict[Node, str] = {}
    lookups = {key: f"lookup_{i}" for i, key in enumerate(inventory.lookups)}
    for i, aggregate in enumerate(inventory.aggregates):
        nodes[f"agg_{i}"], named[aggregate] = aggregate, f"agg_{i}"
    for i, shared in enumerate(inventory.shared):
        nodes[f"shared_{i}"], named[shared] = shared, f"shared_{i}"
    found: dict[str, list[str]] = {}
    for name, root in compiler.question.values:
        parts: list[str] = []
        for node in walk(root):
            part = named.get(node, "")
            if isinstance(node, Attribute):
                part = lookups[node.table, node.match]
                nodes.setdefault(part, node)
            elif isinstance(node, Own):
                part = UNIT_PART
            if part and part not in parts:
                parts.append(part)
        found[name] = parts
    return found, nodes


@dataclass(frozen=True)
class Evidence:
    """Source rows behind values.

    Parameters
    ----------
    rows : mapping of unit to part to list of (role, table, version)
        A unit is (keys, as-of date).
    parts : mapping of value to parts
        What each value is made of.
    nodes : mapping of part to Node
        The meaning of each part; None for the unit's own row.

    >>> Evidence({}, {"a": ["agg_0"]}, {"agg_0": None}).of((("x",), date(2024, 1, 1)), "a")
    []
    """

    rows: dict[tuple[tuple[str, ...], date], dict[str, list[tuple[str, str, int]]]]
    parts: dict[str, list[str]]
    nodes: dict[str, Node | None]

    def of(self, unit: tuple[tuple[str, ...], date], value: str) -> list[tuple[str, str, str, int]]:
        """(part, role, table, version) of every source row behind one value of one unit, its own row first."""
        parts = self.rows.get(unit, {})
        names = ["unit", *(p for p in self.parts[value] if p != "unit")]
        return [(part, *row) for part in names for row in parts.get(part, [])]

    def behind(
        self, unit: tuple[tuple[str, ...], date], value: str, source: Mapping[str, Mapping[int, Row]]
    ) -> tuple[dict[str, list[Row]], dict[Node, dict[str, list[Row]]]]:
        """The rows of the unit and its look-ups by table, and those of each aggregate and shared value by itself.

        `source` holds the rows by table and version. What `PlainEngine.recompute` needs.
        """
        whole: dict[str, list[Row]] = {}
        behind: dict[Node, dict[str, list[Row]]] = {}
        for part in self.parts[value]:
            node = self.nodes[part]
            if isinstance(node, Aggregate | Shared):
                behind[node] = {}
        for node, table, version in sorted({(self.nodes[p], t, v) for p, _, t, v in self.of(unit, value)}, key=lambda r: r[1:]):
            tables = behind.get(node, whole) if node is not None else whole
            row = source[table][version]
            if not tables.get(table) or tables[table][-1] is not row:
                tables.setdefault(table, []).append(row)
        return whole, behind
