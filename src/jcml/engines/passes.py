"""One pass per source: every window and every condition of a source in a single range join, or in sums per day.

Three shapes of the same meaning:

- *flat*: each aggregate filters the joined rows by its own window;
- *ladder*: where windows end together, rows fall into the steps between one window and the next; sums, counts and
  extremes are made once per step and then added up, so ten windows cost little more than one;
- *buckets*: rows are added up per day, and a window is the difference of two running sums (see `buckets.py`).

A condition across sources (`Presence`) is worked out once per row, not once per as-of date: `matches_n` holds from
when until when a matching row was known, and the pass only asks whether the as-of date lies in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jcml.dates import day_number
from jcml.engines.buckets import (
    SHORTEST_MONTH,
    Buckets,
    Parts,
    added,
    bucketable,
    days_late,
    fits,
    is_regular,
    soon_enough,
)
from jcml.engines.choosing import COSTS, Counted
from jcml.engines.dialect import quote
from jcml.engines.engine import END_OF_TIME, Choice, SourceFacts, Step
from jcml.engines.expressions import Scalars, rescale, sql_type
from jcml.query import AGGREGATES, EXACT, Aggregate, Alike, Field, Near, Node, Presence, Shared, walk

if TYPE_CHECKING:
    from jcml.engines.compile import Compiler

METRES_PER_MICRODEGREE = 0.11132
LADDER_FROM = 24
_RADIANS = 0.017453292519943295
_MERGED = {
    "count": ("n",), "sum": ("s",), "mean": ("s", "nv"), "min": ("lo",), "max": ("hi",), "since": ("day",),
    "std": ("nv", "s", "q"), "trend": ("nv", "s", "sd", "sdd", "sdx"),
}
_COMBINE = {"lo": "min", "hi": "max", "day": "max"}


@dataclass(frozen=True)
class Group:
    """Aggregates that read the same joined rows.

    >>> Group("a", (), None, None).table
    'a'
    """

    table: str
    match: tuple[tuple[str, Node], ...]
    near: Near | None
    alike: Alike | None


@dataclass
class Joined:
    """The FROM clause of a pass, and how a row's condition is written inside it.

    >>> Joined("FROM unit AS u", None).matches
    []
    """

    sql: str
    scalars: Scalars
    matches: list[str] = field(default_factory=list)


class Passes:
    """Adds the passes of a compiler's question to its steps; `values` then holds one expression per aggregate.

    >>> from zoneinfo import ZoneInfo
    >>> from jcml.dates import months
    >>> from jcml.engines.compile import Compiler
    >>> from jcml.engines.dialect import Dialect
    >>> from jcml.engines.engine import Calendar
    >>> from jcml.workspace.example import AS_OF, example
    >>> question = example()[0].definition.question
    >>> passes = Passes(Compiler(question, Calendar((AS_OF,), months(1), ZoneInfo("Asia/Shanghai")), {}, Dialect()))
    >>> passes.run()  # nothing was delivered, so nothing is joined and every aggregate is NULL
    []
    """

    made_of = _MERGED

    def __init__(self, compiler: Compiler) -> None:
        self.compiler = compiler
        self.dialect = compiler.dialect
        self.values: dict[str, str] = {}
        self.joined: list[str] = []
        self.presences: dict[Presence, str] = {}
        self.narrowed: dict[str, str] = {}
        self.groups: dict[Group, list[Aggregate]] = {}
        self.bucketed: dict[Group, list[Aggregate]] = {}
        self.why: dict[Group, str] = {}

    def choose(self) -> None:
        """Decide on the shape of every pass; done before the units are made, which carry what a shape needs."""
        for node in self.compiler.inventory.aggregates:
            if self.compiler.coverage(node) is not False:
                self.groups.setdefault(Group(node.table, node.match, node.near, node.alike), []).append(node)
        for group, nodes in self.groups.items():
            if chosen := self._worth_buckets(group, nodes):
                self.bucketed[group] = chosen
                for node in chosen:
                    if not node.over.unbounded:
                        self.compiler.first_day(node.over)

    def _worth_buckets(self, group: Group, nodes: list[Aggregate]) -> list[Aggregate]:
        """The aggregates that daily buckets make cheaper; those over the shortest windows may be better off without."""
        possible = bucketable(self, group, nodes) if self.compiler.shape != "range" else []
        if self.compiler.shape == "buckets" or not possible:
            return possible
        met = self.compiler.counted(group.table, [c for c, _ in group.match])
        if met is None:
            return []
        lengths = sorted({n.over.days + SHORTEST_MONTH * n.over.months for n in possible if not n.over.unbounded})
        plans = [[n for n in possible if n.over.unbounded or n.over.days + SHORTEST_MONTH * n.over.months >= least] for least in [0, *lengths[1:]]]
        estimates = [(self._estimate(met, nodes, plan), plan) for plan in plans if plan]
        ranged = self._estimate(met, nodes, [])
        cheapest, chosen = min(estimates, key=lambda e: e[0])
        self.why[group] = (
            f"{met.rows:,} rows, {met.rows / met.entity_days:,.1f} per entity-day, {met.units:,} unit-dates:"
            f" buckets {cheapest:,.1f} s, range join {ranged:,.1f} s (estimated CPU)"
        )
        return chosen if cheapest < ranged else []

    def _estimate(self, met: Counted, nodes: list[Aggregate], bucketed: list[Aggregate]) -> float:
        """CPU seconds of a group when some of its aggregates come from daily buckets."""
        costs = COSTS[self.dialect.name]
        found = 0.0
        if bucketed:
            windows = [self.compiler.length(n.over) for n in bucketed]
            found += met.daily(costs, windows, self._weights({(p, n.value, n.where): (p, n) for n in bucketed for p in _MERGED[n.function]}.values()))
            late = soon_enough([n.over for n in bucketed])
            irregular = 1 - met.statistics.known_within(days_late(late)) / met.rows
            found += self._estimate_ranged(met, bucketed, irregular)
        rest = [n for n in nodes if n not in bucketed]
        return found + self._estimate_ranged(met, rest, 1.0)

    def _estimate_ranged(self, met: Counted, nodes: list[Aggregate], of: float) -> float:
        ladder, flat = self._split(nodes)
        costs = COSTS[self.dialect.name]
        found = 0.0
        for part in (ladder, flat):
            if part:
                windows = [self.compiler.length(n.over) for n in part]
                quantities = {(p, n.value, n.where, n.over if part is flat else None): (p, n) for n in part for p in _MERGED.get(n.function, (n.function,))}
                found += met.range_join(costs, windows, self._weights(quantities.values()), of)
        return found

    def _weights(self, quantities: Iterable[tuple[str, Aggregate]]) -> float:
        """How many plain sums some different quantities cost together."""
        return sum(COSTS[self.dialect.name].weight(part, self._fits(part, node)) for part, node in quantities)

    def _fits(self, part: str, node: Aggregate) -> bool:
        return fits(part, node, self.compiler.facts.get(node.table, SourceFacts()), list(map(day_number, self.compiler.calendar.days)))

    def _split(self, nodes: list[Aggregate]) -> tuple[list[Aggregate], list[Aggregate]]:
        """Aggregates for a ladder, and those that filter rows by their own window."""
        merged = [n for n in nodes if n.function in _MERGED and n.lag is None]
        parts = sum(len(_MERGED[n.function]) for n in merged)
        ladder = merged if len({n.over for n in merged}) >= 3 and parts >= LADDER_FROM else []
        return ladder, [n for n in nodes if n not in ladder]

    def run(self) -> list[str]:
        """Add every step; returns the names of the tables to join to the units."""
        for index, node in enumerate(self.compiler.inventory.aggregates):
            name = quote(f"agg_{index}")
            self.compiler.names[node] = name
            if self.compiler.coverage(node) is False:
                self.values[name] = "CAST(NULL AS DOUBLE)" if node.type.kind == "number" else _null(node)
        for group, nodes in self.groups.items():
            self._group(group, nodes)
        for index, shared in enumerate(self.compiler.inventory.shared):
            self._shared(index, shared)
        return self.joined

    # -- joining -------------------------------------------------------------------------------------------------

    def join(self, group: Group, nodes: list[Aggregate], only: str = "") -> Joined:
        """The units joined with the rows they may know of (only some of them), no further back than the widest window needs."""
        compiler = self.compiler
        relation = compiler.question.relation(group.table)
        on = [f"e.{quote(c)} = {compiler.of_unit(n)}" for c, n in group.match]
        on += compiler.known(relation, "e", "u") + ([only] if only else [])
        if relation.happens:
            start, end = self._widest(nodes)
            if start:
                on.append(f"e._happened >= u.{quote(start)}")
            if end:
                on.append(f"e._happened < u.{quote(end)}")
        table = self.table(group.table)
        if group.near is not None:
            source, extra = self._near(group.near)
            on += extra
            sql = f"FROM {source} AS c JOIN unit AS u ON u._rid = c._rid JOIN {table} AS e ON {' AND '.join(on)}"
        elif group.alike is not None:
            source = self._alike(group.table, group.alike)
            sql = (
                f"FROM {source} AS c JOIN unit AS u ON u._rid = c._rid"
                f" JOIN {table} AS e ON e._version = c._version AND {' AND '.join(on)}"
            )
        else:
            sql = f"FROM unit AS u JOIN {table} AS e\n  ON {' AND '.join(on)}"
        joined = Joined(sql, Scalars(self.dialect, lambda n: self._row_leaf(n, joined)))
        return joined

    def _widest(self, nodes: list[Aggregate]) -> tuple[str, str]:
        bounds = [self.compiler.bound(n.over, n.lag) for n in nodes]
        start = "" if any(n.over.unbounded for n in nodes) else min(bounds, key=lambda b: self._first(b[0]))[0]
        end = max(bounds, key=lambda b: self._first(b[1]))[1]
        return start, "" if end == "_t" else end

    def _first(self, column: str) -> int:
        values = self.compiler.dates[column]
        return values[0] if values else 0

    def _row_leaf(self, node: Node, joined: Joined) -> str:
        if isinstance(node, Field):
            return f"e.{quote(node.name)}"
        if isinstance(node, Presence):
            name = self.presence(node)
            if name not in joined.matches:
                joined.matches.append(name)
            return f"({name}._outer IS NOT NULL)"
        return self.compiler.of_unit(node)

    def from_clause(self, joined: Joined) -> str:
        """The FROM clause with the conditions across sources that its expressions turned out to need."""
        return joined.sql + "".join(
            f"\nLEFT JOIN {m} ON {m}._outer = e._version AND {m}._from < u._t AND {m}._until >= u._t"
            for m in joined.matches
        )

    # -- conditions across sources ---------------------------------------------------------------------------------

    def table(self, name: str) -> str:
        """What a table's rows are read from: the table, or the step that holds those of its rows that matter here."""
        return self.narrowed.get(name) or quote(name)

    def pairs(self, node: Presence) -> str:
        """SELECT of (outer version, inner version, known from, known until) for every pair of rows that match."""
        outer_table = next(n.table for _, v in node.match for n in _fields(v) if n.table != node.table)
        relation = self.compiler.question.relation(node.table)
        facts = self.compiler.facts.get(node.table, SourceFacts())

        def leaf(n: Node) -> str:
            assert isinstance(n, Field), n
            return f"{'i' if n.table == node.table else 'o'}.{quote(n.name)}"

        scalars = Scalars(self.dialect, leaf)
        on = [f"i.{quote(c)} = {scalars.sql(v)}" for c, v in node.match]
        if node.where is not None:
            on.append(scalars.sql(node.where))
        known = "i._known"
        if relation.happens and not facts.known_after:
            known = "greatest(i._known, i._happened)"
        return (
            f"SELECT o._version AS _outer, i._version AS _inner, {known} AS _f, i._superseded AS _s\n"
            f"FROM {self.table(outer_table)} AS o JOIN {quote(node.table)} AS i\n  ON {' AND '.join(on)}"
        )

    def presence(self, node: Presence) -> str:
        """The name of the step that says from when until when a row had a match that was known."""
        if node in self.presences:
            return self.presences[node]
        name = f"matches_{len(self.presences)}"
        facts = self.compiler.facts.get(node.table, SourceFacts())
        pairs = f"SELECT * FROM ({self.pairs(node)}) WHERE _f < _s"
        if not facts.versioned:
            sql = f"SELECT _outer, min(_f) AS _from, {END_OF_TIME} AS _until\nFROM ({pairs}) GROUP BY _outer"
        else:
            order = "PARTITION BY _outer ORDER BY _f, _s"
            fresh = (
                "CASE WHEN _f <= max(_s) OVER (" + order + " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
                " THEN 0 ELSE 1 END"
            )
            sql = (
                f"SELECT _outer, min(_f) AS _from, max(_s) AS _until FROM (\n"
                f"  SELECT _outer, _f, _s, sum(_fresh) OVER ({order} ROWS UNBOUNDED PRECEDING) AS _island FROM (\n"
                f"    SELECT _outer, _f, _s, {fresh} AS _fresh FROM ({pairs})))\nGROUP BY _outer, _island"
            )
        self.compiler.steps.append(Step(name, sql, f"from when until when a matching row of {node.table} was known"))
        self.presences[node] = name
        return name

    # -- near and alike --------------------------------------------------------------------------------------------

    def _near(self, near: Near) -> tuple[str, list[str]]:
        compiler = self.compiler
        name = f"cells_{sum(s.name.startswith('cells_') for s in compiler.steps)}"
        tall = int(near.metres / METRES_PER_MICRODEGREE) + 1
        wide = 2 * tall  # enough up to 60 degrees of latitude, where a degree of longitude is half as long
        lat, lon = (compiler.of_unit(n) for n in (near.latitude, near.longitude))
        neighbours = self.dialect.each((-1, 0, 1), "dy", "y") + ", " + self.dialect.each((-1, 0, 1), "dx", "x")

        def cell(value: str, size: int) -> str:
            return self.dialect.floor(f"CAST({value} AS DOUBLE) / {size}")

        compiler.steps.append(
            Step(
                name,
                f"SELECT u._rid, {cell(lat, tall)} + dy.y AS _cy, {cell(lon, wide)} + dx.x AS _cx\n"
                f"FROM unit AS u, {neighbours}\nWHERE {lat} IS NOT NULL AND {lon} IS NOT NULL",
                f"the grid cells within reach of each unit ({near.metres} m)",
            )
        )
        row_lat, row_lon = (f"e.{quote(c)}" for c in near.at)
        dy = f"(CAST({row_lat} - {lat} AS DOUBLE) * {METRES_PER_MICRODEGREE})"
        narrow = f"cos((CAST({lat} AS DOUBLE) / 1000000) * {_RADIANS})"
        dx = f"(CAST({row_lon} - {lon} AS DOUBLE) * {METRES_PER_MICRODEGREE} * {narrow})"
        on = [
            f"{cell(row_lat, tall)} = c._cy",
            f"{cell(row_lon, wide)} = c._cx",
            f"({dy} * {dy} + {dx} * {dx}) <= {near.metres * near.metres}",
        ]
        return name, on

    def _alike(self, table: str, alike: Alike) -> str:
        compiler = self.compiler
        name = f"alike_{sum(s.name.startswith('alike_') for s in compiler.steps)}"
        theirs, ours = f"e.{quote(alike.column + '__signature')}", compiler.of_unit(alike.signature)
        bands = self.dialect.each((0, 1, 2, 3), "b", "n")

        def banded(source: str, row: str, signature: str) -> str:
            return (
                f"(SELECT {row}, {signature} AS _s, b.n AS _n, {self.dialect.band(signature, 'b.n')} AS _b"
                f" FROM {source}, {bands} WHERE {signature} IS NOT NULL)"
            )

        left = banded("unit AS u", "u._rid", ours)
        right = banded(f"{quote(table)} AS e", "e._version", theirs)
        compiler.steps.append(
            Step(
                name,
                f"SELECT DISTINCT l._rid, r._version FROM {left} AS l JOIN {right} AS r"
                f" ON r._n = l._n AND r._b = l._b\nWHERE {self.dialect.bits('l._s', 'r._s')} <= {alike.bits}",
                "rows whose text is nearly the same; 3 of 60 bits may differ, so one of 4 bands is equal",
            )
        )
        return name

    # -- aggregates --------------------------------------------------------------------------------------------------

    def _group(self, group: Group, nodes: list[Aggregate]) -> None:
        summed = self.bucketed.get(group, [])
        if summed:
            self._buckets(group, summed)
        nodes = [n for n in nodes if n not in summed]
        sequences = [n for n in nodes if n.function in ("rise", "changes")]
        self._finish_all(self._ranged(group, [n for n in nodes if n not in sequences]))
        for node in sequences:
            self._sequence(group, node)
            self._chose(group, "sequence", f"{node.function} compares each row with the one before")

    def _buckets(self, group: Group, nodes: list[Aggregate]) -> None:
        made = Buckets(self, group, nodes).parts()
        self._chose(group, "buckets", f"{len(nodes)} aggregates from sums per day")
        late = soon_enough([n.over for n in nodes])
        facts = self.compiler.facts[group.table]
        if facts.statistics is not None and facts.statistics.known_within(days_late(late)) == facts.rows:
            self._finish_all(made)  # every row is regular
        else:
            self._finish_all(added(made, self._ranged(group, nodes, f"NOT ({is_regular('e', late)})")))

    def _ranged(self, group: Group, nodes: list[Aggregate], only: str = "") -> Parts:
        """Parts of aggregates from a range join with the rows, or with only some of them."""
        made: Parts = {}
        apart: dict[Node | None, list[Aggregate]] = {}
        for node in nodes:
            if node.function == "distinct" and self.dialect.distinct_apart:
                apart.setdefault(node.value, []).append(node)
        for same in apart.values():
            made |= self._distinct(group, same, only)
        ladder, flat = self._split([n for n in nodes if n not in made])
        if ladder:
            made |= self._ladder(group, ladder, only)
            self._chose(group, "ladder", f"{len(ladder)} aggregates over {len({n.over for n in ladder})} windows that end together", only)
        if flat:
            made |= self._flat(group, flat, only)
            self._chose(group, "range join", f"{len(flat)} aggregates, each filtered by its own window", only)
        return made

    def _chose(self, group: Group, shape: str, why: str, only: str = "") -> None:
        if only:
            why += ", for rows that were corrected, or known later than the shortest window is long"
        elif group in self.why:
            why += f"; {self.why.pop(group)}"
        self.compiler.choices.append(Choice(group.table, shape, why))

    def conditions(self, node: Aggregate, joined: Joined, *, window: bool = True) -> list[str]:
        """The conditions a joined row must meet for one aggregate, beyond those of the join."""
        found = []
        relation = self.compiler.question.relation(node.table)
        if window and relation.happens:
            start, end = self.compiler.bound(node.over, node.lag)
            if not node.over.unbounded:
                found.append(f"e._happened >= u.{quote(start)}")
            if end != "_t":
                found.append(f"e._happened < u.{quote(end)}")
        if node.where is not None:
            found.append(joined.scalars.sql(node.where))
        return found

    def _flat(self, group: Group, nodes: list[Aggregate], only: str) -> Parts:
        joined = self.join(group, nodes, only)
        start, end = self._widest(nodes)
        name = self.new_name()
        found: Parts = {}
        columns: dict[str, str] = {}

        def column(sql: str) -> str:
            if sql not in columns:
                columns[sql] = f"p{len(columns)}"
            return f"{name}.{columns[sql]}"

        for node in nodes:
            same = self.compiler.bound(node.over, node.lag) == (start or "_none", end or "_t")
            where = self.conditions(node, joined, window=not (same or (node.over.unbounded and node.lag is None)))
            value = joined.scalars.sql(node.value) if node.value is not None else ""
            if node.function in _MERGED:
                found[node] = {p: column(self._part(p, node, value, where)) for p in _MERGED[node.function]}
            else:
                found[node] = {"": column(self._single(node.function, value, where))}
        select = ",\n  ".join(f"{sql} AS {alias}" for sql, alias in columns.items())
        self.compiler.steps.append(
            Step(name, f"SELECT u._rid,\n  {select}\n{self.from_clause(joined)}\nGROUP BY u._rid",
                 f"{group.table}: {len(nodes)} aggregates in one pass")
        )
        self.joined.append(name)
        return found

    def _distinct(self, group: Group, nodes: list[Aggregate], only: str) -> Parts:
        """Different values are made one row each before they are counted; all nodes ask about the same value."""
        joined = self.join(group, nodes, only)
        name, value = self.new_name(), joined.scalars.sql(nodes[0].value) if nodes[0].value is not None else ""
        conditions: dict[str, str] = {}
        found: Parts = {}
        for node in nodes:
            where = " AND ".join(self.conditions(node, joined)) or "TRUE"
            found[node] = {"": f"{name}.{conditions.setdefault(where, f'p{len(conditions)}')}"}
        met = ", ".join(f"bool_or({where}) AS {alias}" for where, alias in conditions.items())
        counted = ", ".join(f"count(*) FILTER (WHERE {alias}) AS {alias}" for alias in conditions.values())
        self.compiler.steps.append(
            Step(name, f"SELECT _rid, {counted}\nFROM (SELECT u._rid, {value} AS _v, {met}\n{self.from_clause(joined)}\n"
                       f"WHERE {value} IS NOT NULL GROUP BY u._rid, {value})\nGROUP BY _rid",
                 f"{group.table}: how many different values, of {len(nodes)} aggregates")
        )
        self.joined.append(name)
        return found

    def _ladder(self, group: Group, nodes: list[Aggregate], only: str) -> Parts:
        joined = self.join(group, nodes, only)
        name = self.new_name()
        found: Parts = {}
        order = sorted({n.over for n in nodes}, key=lambda p: -self._first(self.compiler.bound(p, None)[0]))
        rungs = " ".join(
            f"WHEN e._happened >= u.{quote(self.compiler.bound(p, None)[0])} THEN {i}"
            for i, p in enumerate(order[:-1])
        )
        inner: dict[tuple[str, str], str] = {}
        outer: dict[str, str] = {}
        for node in nodes:
            where = self.conditions(node, joined, window=False)
            value = joined.scalars.sql(node.value) if node.value is not None else ""
            rung = order.index(node.over)
            made = found[node] = {}
            for part in _MERGED[node.function]:
                sql = self._part(part, node, value, where)
                first = inner.setdefault((part, sql), f"i{len(inner)}")
                only = f" FILTER (WHERE _rung <= {rung})" if rung < len(order) - 1 else ""
                second = f"{_COMBINE.get(part, 'sum')}({first}){only}"
                made[part] = f"{name}.{outer.setdefault(second, f'p{len(outer)}')}"
        per_rung = ",\n    ".join(f"{sql} AS {alias}" for (_, sql), alias in inner.items())
        summed = ",\n  ".join(f"{sql} AS {alias}" for sql, alias in outer.items())
        self.compiler.steps.append(
            Step(
                name,
                f"SELECT _rid,\n  {summed}\nFROM (\n  SELECT u._rid, CASE {rungs} ELSE {len(order) - 1} END AS _rung,\n"
                f"    {per_rung}\n  {self.from_clause(joined)}\n  GROUP BY ALL\n)\nGROUP BY _rid",
                f"{group.table}: {len(nodes)} aggregates over {len(order)} windows in one pass, window by window",
            )
        )
        self.joined.append(name)
        return found

    def _sequence(self, group: Group, node: Aggregate) -> None:
        joined = self.join(group, [node])
        name = self.new_name()
        assert node.value is not None
        value = joined.scalars.sql(node.value)
        where = [*self.conditions(node, joined), f"{value} IS NOT NULL"]
        per = "".join(f", e.{quote(c)}" for c in node.per)
        before = f"lag({value}) OVER (PARTITION BY u._rid{per} ORDER BY e._happened, e._row)"
        made = "sum(CASE WHEN _v > _p THEN _v - _p ELSE 0 END)" if node.function == "rise" else "count(*) FILTER (WHERE _v <> _p)"
        extra = " WHERE _p IS NOT NULL" if node.function == "rise" else ""
        self.compiler.steps.append(
            Step(
                name,
                f"SELECT _rid, {made} AS p0 FROM (\n  SELECT u._rid, {value} AS _v, {before} AS _p\n"
                f"  {self.from_clause(joined)}\n  WHERE {' AND '.join(where)}\n){extra} GROUP BY _rid",
                f"{group.table}: {node.function}, each row against the one before",
            )
        )
        self.joined.append(name)
        sql = f"CAST({name}.p0 AS BIGINT)" if node.type.kind == "exact" else f"{name}.p0"
        self._finish(node, sql)

    def new_name(self) -> str:
        """What the next pass is called; it then stands in `joined`."""
        return f"pass_{len(self.joined)}"

    def _part(self, part: str, node: Aggregate, value: str, where: list[str]) -> str:
        wide = str if self._fits(part, node) else self.dialect.wide
        days = "CAST(e._day - u._asof AS BIGINT)"
        if part in ("sd", "sdd", "sdx"):
            where = [*where, f"{value} IS NOT NULL"]
        only = f" FILTER (WHERE {' AND '.join(where)})" if where else ""
        made = {
            "n": "count(*)", "nv": f"count({value})", "s": f"sum({value})", "lo": f"min({value})", "hi": f"max({value})",
            "q": f"sum({wide(value)} * {value})", "day": "max(e._day)",
            "sd": f"sum({days})", "sdd": f"sum({days} * {days})",
            "sdx": f"sum({wide(value)} * {days})",
        }
        return made[part] + only

    def _single(self, function: str, value: str, where: list[str]) -> str:
        if function == "distinct":
            only = f" FILTER (WHERE {' AND '.join(where)})" if where else ""
            return f"count(DISTINCT {value}){only}"
        only = f" FILTER (WHERE {' AND '.join([*where, f'{value} IS NOT NULL'])})"
        latest = self.dialect.latest if function == "last" else self.dialect.earliest
        return latest(value, "e._happened", "e._row") + only

    def _merge(self, node: Aggregate, p: dict[str, str]) -> str:
        wide, double = self.dialect.wide, self.dialect.of_wide
        scale = node.value.type.scale if node.value is not None else 0
        if node.function in ("count", "sum"):
            return f"CAST({p['n' if node.function == 'count' else 's']} AS BIGINT)"
        if node.function == "mean":
            below = rescale(f"CAST({p['nv']} AS BIGINT)", EXACT, scale)
            return f"(CAST({p['s']} AS DOUBLE) / NULLIF(CAST({below} AS DOUBLE), 0))"
        if node.function in ("min", "max"):
            return p["lo" if node.function == "min" else "hi"]
        if node.function == "since":
            return f"CAST(u._asof - {p['day']} AS BIGINT)"
        n, s = wide(p["nv"]), wide(p["s"])
        shift = f" / {10**scale}" if scale else ""
        if node.function == "std":
            above, below = double(f"({n} * {wide(p['q'])} - {s} * {s})"), double(f"({n} * ({n} - 1))")
            return f"(sqrt({above} / NULLIF({below}, 0)){shift})"
        above = double(f"({n} * {wide(p['sdx'])} - {wide(p['sd'])} * {s})")
        below = double(f"({n} * {wide(p['sdd'])} - {wide(p['sd'])} * {wide(p['sd'])})")
        return f"({above} / NULLIF({below}, 0){shift})"

    def _finish_all(self, made: Parts) -> None:
        for node, parts in made.items():
            self._finish(node, parts[""] if "" in parts else self._merge(node, parts))

    def _finish(self, node: Aggregate, sql: str) -> None:
        if (empty := AGGREGATES[node.function].empty) is not None:
            sql = f"coalesce({sql}, {empty})"
        covered = self.compiler.coverage(node)
        if isinstance(covered, str):
            sql = f"CASE WHEN u.{quote(covered)} THEN {sql} END"
        self.values[self.compiler.names[node]] = sql

    # -- shared values -----------------------------------------------------------------------------------------------

    def _shared(self, index: int, node: Shared) -> None:
        compiler = self.compiler
        name, target = f"shared_{index}", quote(f"shared_value_{index}")
        compiler.names[node] = target
        covered = compiler.coverage(node)
        if covered is False:
            self.values[target] = _null(node)
            return
        entries = f"register_{index}"
        compiler.steps.append(Step(entries, self.register(node), f"the entries of {node.table} on each as-of date"))
        compiler.steps.append(Step(name, self.holders(node, entries), f"who else holds the same {node.column} in {node.table}"))
        self.joined.append(name)
        if node.measure == "count":
            sql = f"{name}._others"
        else:
            sql = f"(CAST({name}._flagged AS DOUBLE) / NULLIF(CAST({name}._others AS DOUBLE), 0))"
        self.values[target] = f"CASE WHEN u.{quote(covered)} THEN {sql} END" if isinstance(covered, str) else sql

    def register(self, node: Shared) -> str:
        """SELECT of the valid and known entries of a register on every as-of date, with the condition's truth."""
        compiler = self.compiler
        relation = compiler.question.relation(node.table)
        joined = Joined("", Scalars(self.dialect, lambda n: self._row_leaf(n, joined)))
        flag = joined.scalars.sql(node.where) if node.where is not None else "FALSE"
        matches = "".join(
            f"\nLEFT JOIN {m} ON {m}._outer = e._version AND {m}._from < u._t AND {m}._until >= u._t"
            for m in joined.matches
        )
        keys = ", ".join(f"e.{quote(k)}" for k in relation.keys)
        named = ", ".join(f"e.{quote(k)} AS {quote('_k_' + k)}" for k in relation.keys)
        matched = "".join(f", e.{quote(c)} AS {quote('_m_' + c)}" for c, _ in node.match)
        return (
            f"SELECT * FROM (\n  SELECT u._asof, {named}{matched}, e.{quote(node.column)} AS _held, e._version AS _entry,\n"
            f"    coalesce({flag}, FALSE) AS _flag,\n"
            f"    row_number() OVER (PARTITION BY u._asof, {keys} ORDER BY {compiler.newest(relation, 'e')}) AS _nth\n"
            f"  FROM _dates AS u JOIN {quote(node.table)} AS e ON {' AND '.join(compiler.known(relation, 'e', 'u'))}{matches}\n"
            f") WHERE _nth = 1 AND _held IS NOT NULL"
        )

    def holders(self, node: Shared, entries: str) -> str:
        """SELECT of how many others hold the unit's value, and for how many the condition is true.

        Values are counted by themselves first, so that one which very many hold is one row and not a heap of rows.
        """
        on = " AND ".join(f"h.{quote('_m_' + c)} = {self.compiler.of_unit(n)}" for c, n in node.match)
        counted = (
            f"SELECT _asof, _held, count(*) AS _n, CAST(sum(CAST(_flag AS BIGINT)) AS BIGINT) AS _f\nFROM {entries} GROUP BY _asof, _held"
        )
        return (
            f"SELECT u._rid, max(c._n - 1) AS _others, max(c._f - CAST(h._flag AS BIGINT)) AS _flagged\n"
            f"FROM unit AS u JOIN {entries} AS h ON h._asof = u._asof AND {on}\n"
            f"JOIN ({counted}) AS c ON c._asof = h._asof AND c._held = h._held\nGROUP BY u._rid"
        )


def _fields(node: Node) -> list[Field]:
    return [n for n in walk(node) if isinstance(n, Field)]


def _null(node: Node) -> str:
    return f"CAST(NULL AS {sql_type(node.type.kind)})"
