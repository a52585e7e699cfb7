"""A question, the as-of dates and the facts about the data → a plan in SQL.

The shape, one step per line:

1. `spine`: every unit of every as-of date, in the version of its row that was valid and known then.
2. `lookup_n`: columns of other entities that the unit refers to.
3. `matches_n`: for each condition across sources, when it was known to hold for a row (see `presence.py`).
4. `pass_n`: one range join per source, all its windows and conditions in one go (see `passes.py`).
5. `base`: the aggregates beside their units; the cohort's condition is applied here.
6. `peers_n`: comparisons with the units of the same group and date.
7. the result: one double per value.
"""

from __future__ import annotations

from collections.abc import Mapping

from jcml.dates import Period, day_number
from jcml.engines.choosing import Counted
from jcml.engines.dialect import Dialect, quote
from jcml.engines.engine import END_OF_TIME, Calendar, Choice, Plan, SourceFacts, Step
from jcml.engines.expressions import Scalars, number, output, sql_type
from jcml.engines.inventory import Inventory, available, tables_read
from jcml.engines.passes import Passes
from jcml.query import (
    Aggregate,
    AsOf,
    Attribute,
    Field,
    Node,
    Outcome,
    Own,
    Peers,
    Question,
    Relation,
    Shared,
)


class Compiler:
    """Compiles one question for one engine; `plan()` gives the whole matrix, `unit_steps()` its units alone.

    Parameters
    ----------
    question : Question
        What is asked.
    calendar : Calendar
        The as-of dates.
    facts : mapping of table to SourceFacts
        What this office delivered.
    dialect : Dialect
        The engine's SQL.
    chosen : bool
        True when a table `_chosen` (keys, `_asof`) restricts the units; used for evidence.
    shape : str
        `range` or `buckets` forces a shape wherever it is possible, for tests and measurements; empty: what costs less.

    Examples
    --------
    `jcml features sql MODEL` prints what this makes.

    >>> from zoneinfo import ZoneInfo
    >>> from jcml.workspace.example import AS_OF, example
    >>> from jcml.dates import months
    >>> question = example()[0].definition.question
    >>> plan = Compiler(question, Calendar((AS_OF,), months(1), ZoneInfo("Asia/Shanghai")), {}, Dialect()).plan()
    >>> plan.steps[0].name
    'spine'
    """

    def __init__(
        self,
        question: Question,
        calendar: Calendar,
        facts: Mapping[str, SourceFacts],
        dialect: Dialect,
        *,
        chosen: bool = False,
        shape: str = "",
    ) -> None:
        self.inventory = Inventory.of(question)
        self.question = self.inventory.question
        self.calendar = calendar
        self.facts = facts
        self.dialect = dialect
        self.chosen = chosen
        self.shape = shape
        self.dates: dict[str, list[int] | list[bool]] = dict(calendar.columns())
        self.steps: list[Step] = []
        self.choices: list[Choice] = []
        self.names: dict[Node, str] = {}
        self.covered: dict[Node, str | bool] = {}
        self.scalars = Scalars(dialect, self._leaf)

    # -- dates, windows and coverage -------------------------------------------------------------------------

    def bound(self, over: Period, lag: Period | None) -> tuple[str, str]:
        """The columns of the unit that hold the first microsecond of a window and the one after its last."""
        start, end = f"_from_{over.name}", "_t"
        if lag is not None:
            start, end = f"_from_{over.name}_lag_{lag.name}", f"_until_{lag.name}"
        if start not in self.dates:
            windows = [self.calendar.window(d, over, lag) for d in self.calendar.days]
            self.dates[start] = [self.calendar.start(first) for first, _ in windows]
            if lag is not None:
                self.dates[end] = [self.calendar.start(last) for _, last in windows]
        return start, end

    def first_day(self, over: Period) -> str:
        """The column of the unit that holds the first day of a window, as a day number."""
        name = f"_first_{over.name}"
        if name not in self.dates:
            self.dates[name] = [day_number(over.before(d)) for d in self.calendar.days]
        return name

    def length(self, over: Period) -> int | None:
        """The days of a window before the last as-of date; None for all time."""
        last = self.calendar.days[-1]
        return None if over.unbounded else (last - over.before(last)).days

    def counted(self, table: str, columns: list[str]) -> Counted | None:
        """Counts of a source for a match by some columns, with about how many units ask; None where nobody has counted."""
        unit = self.question.unit
        facts = self.facts.get(unit.table, SourceFacts())
        known = facts.statistics
        units = facts.rows if unit.once else facts.rows * len(self.calendar.days)
        if unit.once and known is not None:  # an event is asked about once, if it happened within the dates
            days = (self.calendar.days[-1] - self.calendar.before(self.calendar.days[0])).days
            units = int(units * min(1.0, days / (known.last_day + 1 - known.first_day)))
        return Counted.of(self.facts.get(table, SourceFacts()), columns, self.calendar, units)

    def coverage(self, node: Aggregate | Shared) -> str | bool:
        """Whether the sources of an aggregate cover its window: always, never, or a column that says when."""
        if node not in self.covered:
            self.covered[node] = self._coverage(node)
        return self.covered[node]

    def _coverage(self, node: Aggregate | Shared) -> str | bool:
        if not available(node, self.facts):
            return False
        tables = tables_read(node)
        covered = [self._covers(node, tables, i) for i in range(len(self.calendar.days))]
        if all(covered) or not any(covered):
            return bool(covered and covered[0])
        for name, known in self.dates.items():
            if name.startswith("_covered_") and known == covered:
                return name
        name = f"_covered_{sum(n.startswith('_covered_') for n in self.dates)}"
        self.dates[name] = covered
        return name

    def _covers(self, node: Aggregate | Shared, tables: set[str], index: int) -> bool:
        day = self.calendar.days[index]
        at = self.calendar.start(day)
        start, end = day, day
        if isinstance(node, Aggregate):
            start, end = self.calendar.window(day, node.over, node.lag)
        return all(
            self.facts[table].covers(at, *((start, end) if self.question.relation(table).happens else (day, day)))
            for table in tables
        )

    # -- the steps ---------------------------------------------------------------------------------------------

    def unit_steps(self) -> None:
        """Steps for the spine and the look-ups; afterwards `unit` holds one row per unit and as-of date."""
        # every window is registered first, so that the spine can carry its bounds
        for aggregate in self.inventory.aggregates:
            self.bound(aggregate.over, aggregate.lag)
            self.coverage(aggregate)
        for shared in self.inventory.shared:
            self.coverage(shared)
        self._spine()
        for table, match in self.inventory.lookups:
            self._lookup(table, match)
        last = self.steps.pop()
        self.steps.append(Step("unit", last.sql, last.why))
        self.current = "unit"

    def _spine(self) -> None:
        unit = self.question.unit
        relation = self.question.relation(unit.table)
        keys = ", ".join(f"r.{quote(k)} AS {quote('_key_' + k)}" for k in unit.keys)
        delivered = self._delivered(relation, self.inventory.own)
        own = "".join(
            f", r.{quote(n)} AS {quote('own_' + n)}" if n in delivered
            else f", CAST(NULL AS {sql_type(relation.type_of(n).kind)}) AS {quote('own_' + n)}"
            for n in self.inventory.own
        )
        for name in self.inventory.own:
            self.names[Own(relation.type_of(name), name)] = quote("own_" + name)
        when = " AND ".join(self.known(relation, "r", "d"))
        if unit.once:
            when += (
                f" AND greatest(r._first_known_day + 1, r._day + {unit.scored_after}) <= d._asof"
                f" AND greatest(r._first_known_day + 1, r._day + {unit.scored_after}) > d._prev"
            )
        for key in unit.keys:
            when += f" AND r.{quote(key)} IS NOT NULL"
        partition = ", ".join(f"r.{quote(k)}" for k in unit.keys)
        nth = f"row_number() OVER (PARTITION BY d._asof, {partition} ORDER BY {self.newest(relation, 'r')})"
        if self.facts.get(relation.name, SourceFacts()).one_row_per_key:
            nth = "1"
        only = ""
        if self.chosen:
            same = " AND ".join(f"c.{quote('_key_' + k)} = v.{quote('_key_' + k)}" for k in unit.keys)
            only = f" AND EXISTS (SELECT 1 FROM _chosen AS c WHERE {same} AND c._asof = v._asof)"
        rid = self.dialect.numbered(["v._asof", *(f"v.{quote('_key_' + k)}" for k in unit.keys)])
        date_columns = ", ".join(f"d.{quote(c)}" for c in self.dates)
        self.steps.append(
            Step(
                "spine",
                f"SELECT {rid} AS _rid, v.* FROM (\n"
                f"  SELECT {date_columns}, {keys}{own}, r._version AS _unit_version,\n"
                f"    {nth} AS _nth\n"
                f"  FROM _dates AS d JOIN {quote(relation.name)} AS r ON {when}\n"
                f") AS v WHERE v._nth = 1{only}",
                "the units of each as-of date, in the version valid and known then",
            )
        )
        self.current = "spine"

    def _delivered(self, relation: Relation, names: list[str]) -> list[str]:
        facts = self.facts.get(relation.name, SourceFacts())
        return [n for n in names if n in facts.columns]

    def known(self, relation: Relation, row: str, unit: str) -> list[str]:
        """Conditions under which a version was known, and valid, at the as-of date."""
        facts = self.facts.get(relation.name, SourceFacts())
        parts = [f"{row}._known < {unit}._t"]
        if facts.versioned:
            parts.append(f"{row}._superseded >= {unit}._t")
        if relation.happens and not facts.known_after:
            parts.append(f"{row}._happened < {unit}._t")
        eve = f"{unit}._asof - 1"
        if relation.valid_from and relation.valid_from in facts.columns:
            column = f"{row}.{quote(relation.valid_from)}"
            parts.append(f"({column} IS NULL OR {column} <= {eve})")
        if relation.valid_to and relation.valid_to in facts.columns:
            column = f"{row}.{quote(relation.valid_to)}"
            parts.append(f"({column} IS NULL OR {column} >= {eve})")
        return parts

    def newest(self, relation: Relation, row: str) -> str:
        """The order in which the first of several valid versions is the one that counts."""
        facts = self.facts.get(relation.name, SourceFacts())
        first = ""
        if relation.valid_from and relation.valid_from in facts.columns:
            first = f"{row}.{quote(relation.valid_from)} DESC NULLS LAST, "
        return first + f"{row}._known DESC, {row}._row DESC"

    def _lookup(self, table: str, match: tuple[tuple[str, Node], ...]) -> None:
        number_ = sum(s.name.startswith("lookup_") for s in self.steps)
        relation = self.question.relation(table)
        names = self.inventory.looked_up[table, match]
        for name in names:
            self.names[Attribute(relation.type_of(name), table, name, match)] = quote(f"of{number_}_{name}")
        facts = self.facts.get(table, SourceFacts())
        delivered = self._delivered(relation, names)
        if not facts.delivered or not {c for c, _ in match} <= facts.columns:
            delivered = []
        columns = "".join(
            f", a.{quote(n)} AS {quote(f'of{number_}_{n}')}" if n in delivered
            else f", CAST(NULL AS {sql_type(relation.type_of(n).kind)}) AS {quote(f'of{number_}_{n}')}"
            for n in names
        )
        source = self.current
        if not delivered:
            self.steps.append(
                Step(f"lookup_{number_}", f"SELECT u.*, CAST(NULL AS BIGINT) AS _version_{number_}{columns} FROM {source} AS u",
                     f"{table} was not delivered")
            )
        else:
            on = " AND ".join(
                [f"r.{quote(c)} = {self.of_unit(node)}" for c, node in match] + self.known(relation, "r", "u")
            )
            chosen = ", ".join(f"r.{quote(n)}" for n in delivered)
            self.steps.append(
                Step(
                    f"lookup_{number_}",
                    f"SELECT u.*, a._version AS _version_{number_}{columns} FROM {source} AS u LEFT JOIN (\n"
                    f"  SELECT u._rid, r._version, {chosen},\n"
                    f"    row_number() OVER (PARTITION BY u._rid ORDER BY {self.newest(relation, 'r')}) AS _nth\n"
                    f"  FROM {source} AS u JOIN {quote(table)} AS r ON {on}\n"
                    f") AS a ON a._rid = u._rid AND a._nth = 1",
                    f"what {table} said of the unit at the as-of date",
                )
            )
        self.current = f"lookup_{number_}"

    def plan(self) -> Plan:
        """The plan for the whole matrix."""
        passes = Passes(self)
        passes.choose()
        self.unit_steps()
        joined = passes.run()
        base_columns = ", ".join(f"{sql} AS {name}" for name, sql in passes.values.items())
        joins = "".join(f"\nLEFT JOIN {name} ON {name}._rid = u._rid" for name in joined)
        measured = f"SELECT u.*{', ' if base_columns else ''}{base_columns}\nFROM unit AS u{joins}"
        if self.question.cohort is not None:
            measured = f"SELECT * FROM (\n{measured}\n) WHERE {self.scalars.sql(self.question.cohort)}"
        self.current = f"(\n{measured}\n)"
        if self.inventory.peers:
            self.steps.append(Step("cohort", measured, "every aggregate beside its unit, for the cohort that peers come from"))
            self.current = "cohort"
        for peers in self.inventory.peers:
            self._peers(peers)
        keys = [quote("_key_" + k) for k in self.question.unit.keys]
        values = "".join(
            f",\n  {output(self.scalars.sql(node), node.type)} AS {quote(name)}" for name, node in self.question.values
        )
        named = ", ".join(f"{k} AS {quote(n)}" for k, n in zip(keys, self.question.unit.keys, strict=True))
        result = f"SELECT {named}, _asof{values}\nFROM {self.current}\nORDER BY _asof, {', '.join(keys)}"
        return Plan(self.dates, self.steps, result, self.choices)

    def _peers(self, node: Peers) -> None:
        index = len([s for s in self.steps if s.name.startswith("peers_")])
        value = number(self.scalars.sql(node.value), node.value.type)
        groups = [self.scalars.sql(g) for g in node.groups]
        partition = ", ".join(["_asof", *groups])
        known = " AND ".join(["_x IS NOT NULL", *(f"{g} IS NOT NULL" for g in groups)])
        enough = f"{known} AND _n >= {node.least}"
        inner = f"SELECT *, {value} AS _x FROM {self.current}"
        counted = f"SELECT *, count(_x) OVER (PARTITION BY {partition}) AS _n"
        name = quote(f"peers_{index}")
        self.names[node] = name
        drop = ("_x", "_n")
        if node.measure == "count":
            sql = f"SELECT {self.dialect.without(drop)}, CASE WHEN {known} THEN _n END AS {name} FROM ({counted} FROM ({inner}))"
        elif node.measure in ("percentile", "below", "ties"):
            ranked = (
                f"{counted}, rank() OVER (PARTITION BY {partition}, _x IS NULL ORDER BY _x) - 1 AS _below,"
                f" count(*) OVER (PARTITION BY {partition}, _x) AS _ties"
            )
            share = {
                "percentile": "(CAST(2 * _below + _ties AS DOUBLE) / CAST(2 * _n AS DOUBLE))", "below": "CAST(_below AS DOUBLE)",
                "ties": "CAST(_ties AS DOUBLE)",
            }[node.measure]
            sql = (
                f"SELECT {self.dialect.without([*drop, '_below', '_ties'])}, CASE WHEN {enough} THEN {share} END AS {name}\n"
                f"FROM ({ranked} FROM ({inner}))"
            )
        else:
            centred = f"{counted}, {self.dialect.median('_x', partition)} AS _middle"
            if node.measure == "median":
                sql = f"SELECT {self.dialect.without([*drop, '_middle'])}, CASE WHEN {enough} THEN _middle END AS {name} FROM ({centred} FROM ({inner}))"
            else:
                spread = self.dialect.median("abs(_x - _middle)", partition)
                measured = (
                    "_spread" if node.measure == "mad" else "((_x - _middle) / NULLIF(1.4826 * _spread, 0))"
                )
                sql = (
                    f"SELECT {self.dialect.without([*drop, '_middle', '_spread'])}, CASE WHEN {enough} THEN {measured} END AS {name}\n"
                    f"FROM (SELECT *, {spread} AS _spread FROM ({centred} FROM ({inner})))"
                )
        self.steps.append(Step(f"peers_{index}_step", sql, f"{node.measure} among at least {node.least} peers"))
        self.current = f"peers_{index}_step"

    def outcomes(self, outcome: Outcome) -> Plan:
        """The plan for what was found about each unit after its as-of date: when, which, and why one looked."""
        ends = [self.calendar.start(outcome.within.after(d)) for d in self.calendar.days]
        self.dates["_found_until"] = ends
        self.unit_steps()
        relation = self.question.relation(outcome.table)
        facts = self.facts.get(outcome.table, SourceFacts())
        keys = [quote("_key_" + k) for k in self.question.unit.keys]
        named = ", ".join(f"u.{k} AS {quote(n)}" for k, n in zip(keys, self.question.unit.keys, strict=True))
        grouped = ", ".join(f"u.{k}" for k in keys)
        if not facts.delivered:
            nothing = "CAST(NULL AS BIGINT) AS _confirmed_known, CAST(NULL AS BIGINT) AS _not_confirmed_known"
            return Plan(
                self.dates, self.steps,
                f"SELECT {named}, u._asof, {nothing}, CAST(NULL AS STRING) AS _channel FROM unit AS u ORDER BY u._asof, {grouped}",
            )

        def leaf(node: Node) -> str:
            return f"e.{quote(node.name)}" if isinstance(node, Field) else self.of_unit(node)

        row = Scalars(self.dialect, leaf)
        on = [f"e.{quote(c)} = {self.of_unit(n)}" for c, n in outcome.match]
        on += ["e._happened >= u._t", "e._happened < u._found_until", f"e._superseded >= {END_OF_TIME}"]
        if outcome.about is not None:
            on.append(f"{row.sql(outcome.about)} = u._asof")
        yes, no = row.sql(outcome.confirmed), row.sql(outcome.not_confirmed)
        channel = row.sql(outcome.channel) if outcome.channel is not None else "CAST(NULL AS STRING)"
        first = self.dialect.earliest(channel, "e._known", "e._row")
        result = (
            f"SELECT {named}, u._asof,\n"
            f"  min(e._known) FILTER (WHERE {yes}) AS _confirmed_known,\n"
            f"  min(e._known) FILTER (WHERE {no}) AS _not_confirmed_known,\n"
            f"  {first} FILTER (WHERE e._row IS NOT NULL) AS _channel\n"
            f"FROM unit AS u LEFT JOIN {quote(relation.name)} AS e\n  ON {' AND '.join(on)}\n"
            f"GROUP BY u._asof, {grouped}\nORDER BY u._asof, {grouped}"
        )
        return Plan(self.dates, self.steps, result)

    # -- names -------------------------------------------------------------------------------------------------

    def _leaf(self, node: Node) -> str:
        if isinstance(node, AsOf):
            return "_asof"
        return self.names[node]

    def of_unit(self, node: Node, alias: str = "u") -> str:
        """A unit-level node read from a table alias."""
        return Scalars(self.dialect, lambda leaf: f"{alias}.{self._leaf(leaf)}").sql(node)
