"""Daily buckets: sums per day, added up once, so that a window costs two look-ups and not all of its rows.

Every as-of date and every window begins at a midnight of the office, so a row's day says on which side it lies. Of the
rows of one entity two running sums are made: *known*, by the day on which a row was both past and known, and *past*, by
the day on which it happened. For rows that become known soon after they happen

    sum over the window = known (before the as-of date) - past (before the window)

because whatever happened before the window was known by the as-of date. Such rows are called regular; the others
(corrected, withdrawn, known later than the shortest window is long) go through the range join and are added.

All sums are of whole numbers, so the result is the range join's to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jcml.dates import MICROSECONDS_PER_DAY, Period, day_number, from_day_number, midnight
from jcml.engines.dialect import Dialect, quote
from jcml.engines.engine import END_OF_TIME, Daily, SourceFacts, Step
from jcml.engines.expressions import Scalars
from jcml.query import Aggregate, AsOf, Attribute, Field, Own, Peers, Presence, Shared, walk

if TYPE_CHECKING:
    from jcml.engines.passes import Group, Passes

SUBTRACTED = {"count", "sum", "mean", "std", "trend"}
_ORIGIN = 18_262  # 1 January 2020: days are counted from here, so that their squares stay small
_EARLY = 1_000_000  # days added before dividing, so that no number is negative
SHORTEST_MONTH = 28
LATEST = ("day", "reach")
Parts = dict[Aggregate, dict[str, str]]


def bucketable(passes: Passes, group: Group, nodes: Sequence[Aggregate]) -> list[Aggregate]:
    """The aggregates that can be had from sums per day: of whole windows up to the as-of date, of the row alone.

    >>> "max" in SUBTRACTED, "count" in SUBTRACTED  # the extreme of a window is no difference of two others
    (False, True)
    """
    compiler = passes.compiler
    relation = compiler.question.relation(group.table)
    delivered = compiler.facts.get(group.table, SourceFacts()).columns
    valid = {relation.valid_from, relation.valid_to} & delivered
    if not relation.happens or not group.match or valid or group.near is not None or group.alike is not None:
        return []
    return [n for n in nodes if n.function in SUBTRACTED | {"since"} and n.lag is None and _of_the_row(n)]


def _of_the_row(node: Aggregate) -> bool:
    inner = [n for root in (node.value, node.where) if root is not None for n in walk(root)]
    return not any(isinstance(n, Own | Attribute | AsOf | Aggregate | Peers | Presence | Shared) for n in inner)


def soon_enough(windows: Sequence[Period]) -> int | None:
    """By how many microseconds a regular row may be late: never longer than the shortest window; None for any.

    A month counts as its shortest, and a day is taken off because a day may have 23 hours, or be left out by a zone.

    >>> from jcml.dates import ever, months
    >>> soon_enough([ever]), soon_enough([ever, months(1)]) // 86_400_000_000
    (None, 27)
    """
    lengths = [p.days + SHORTEST_MONTH * p.months for p in windows if not p.unbounded]
    return (min(lengths) - 1) * MICROSECONDS_PER_DAY if lengths else None


def days_late(late: int | None) -> int:
    """The same in whole days.

    >>> days_late(29 * MICROSECONDS_PER_DAY)
    29
    """
    return 10**7 if late is None else late // MICROSECONDS_PER_DAY


def fits(part: str, node: Aggregate, facts: SourceFacts, origins: Sequence[int]) -> bool:
    """Whether a sum over all rows of a source fits in 64 bits, by what was counted; days are counted from each of some days.

    >>> from jcml.dates import ever
    >>> from jcml.engines.engine import Statistics
    >>> from jcml.query import EXACT
    >>> sold = Aggregate(EXACT, "sales", "std", Field(EXACT, "sales", "litres"), ever)
    >>> facts = SourceFacts(rows=10**6, statistics=Statistics(0, 9, 12, largest=(("litres", 10**7),)))
    >>> fits("s", sold, facts, [0]), fits("q", sold, facts, [0])
    (True, False)
    """
    known = facts.statistics
    if part in ("n", "nv"):
        return True
    if known is None:
        return False
    days = max(abs(day - origin) for day in (known.first_day, known.last_day) for origin in origins)
    value = dict(known.largest).get(node.value.name) if isinstance(node.value, Field) else None
    if part in ("sd", "sdd"):
        return facts.rows * (days if part == "sd" else days * days) < 2**63
    return value is not None and facts.rows * value * (value if part == "q" else days if part == "sdx" else 1) < 2**63


def is_regular(row: str, late: int | None) -> str:
    """The condition under which a row goes through buckets.

    >>> is_regular("e", 0)
    'e._superseded >= 4611686018427387904 AND e._known - e._happened <= 0'
    """
    current = f"{row}._superseded >= {END_OF_TIME}"
    return current if late is None else f"{current} AND {row}._known - {row}._happened <= {late}"


@lru_cache(maxsize=64)
def spells(first: date, last: date, zone: ZoneInfo) -> tuple[tuple[int, int, int], ...]:
    """Stretches of days that begin at the same hour UTC: when each begins, what to add to a moment, its last day.

    >>> len(spells(date(2024, 1, 1), date(2025, 1, 1), ZoneInfo("Asia/Shanghai")))
    1
    >>> len(spells(date(2024, 1, 1), date(2025, 1, 1), ZoneInfo("Europe/Berlin")))
    3
    """
    made: list[tuple[int, int, int]] = []
    day = first
    while day <= last:
        number, begins = day_number(day), midnight(day, zone)
        shift = number * MICROSECONDS_PER_DAY - begins
        if made and made[-1][1] == shift:
            made[-1] = (made[-1][0], shift, number)
        else:
            made.append((begins, shift, number))
        if day == date.max:
            break
        day += timedelta(days=1)
    return tuple(made)


def day_of(moment: str, days: Sequence[date], zone: ZoneInfo, dialect: Dialect) -> str:
    """The last of the days from the first to the last listed one that had begun at a moment, exactly in every time zone.

    >>> day_of("m", [date(2024, 1, 1)], ZoneInfo("UTC"), Dialect())
    '((m + 86400000000000000) // 86400000000) - 1000000'
    """

    def whole(shift: int) -> str:
        return f"({dialect.floor_divide(f'({moment} + {shift + _EARLY * MICROSECONDS_PER_DAY})', MICROSECONDS_PER_DAY)} - {_EARLY})"

    found = spells(max(min(days), date(2, 1, 1)), max(days), zone)
    if len(found) == 1:
        return whole(found[0][1])[1:-1]
    *earlier, (begins, shift, _) = found
    cases = [f"WHEN {moment} >= {begins} THEN {whole(shift)}"]
    cases += [f"WHEN {moment} >= {b} THEN least({whole(s)}, {last})" for b, s, last in reversed(earlier[1:])]
    return f"CASE {' '.join(cases)} ELSE least({whole(earlier[0][1])}, {earlier[0][2]}) END"


class Buckets:
    """The steps that answer some aggregates of a group from sums per day.

    >>> Buckets.__name__  # made by `Passes`, which knows the steps so far
    'Buckets'
    """

    def __init__(self, passes: Passes, group: Group, nodes: Sequence[Aggregate]) -> None:
        self.passes = passes
        self.compiler = passes.compiler
        self.dialect = passes.dialect
        self.group = group
        self.nodes = list(nodes)
        self.late = soon_enough([n.over for n in nodes])
        self.scalars = Scalars(self.dialect, lambda n: f"e.{quote(n.name)}" if isinstance(n, Field) else "")
        self.columns: dict[tuple[str, str], str] = {}
        self.narrow: set[str] = set()
        self.bounded = list(dict.fromkeys(n.over for n in nodes if not n.over.unbounded))
        self.windows = list(dict.fromkeys(n.over for n in nodes if not n.over.unbounded and n.function != "since"))

    def parts(self) -> Parts:
        """Add the steps; returns for each aggregate what it is put together from."""
        wanted = {n: self._wanted(n) for n in self.nodes}
        number = sum(s.name.startswith("buckets_") for s in self.compiler.steps)
        self._daily(f"buckets_{number}")
        name = self.passes.new_name()
        read = self._by_look_up(number) if self.dialect.looks_up else self._by_sorting(number)
        self.compiler.steps.append(Step(name, read, f"{self.group.table}: {len(self.nodes)} aggregates from running sums, as of the day and before each window"))
        self.passes.joined.append(name)
        return {n: {p: self._part(n, p, name, columns) for p, columns in parts.items()} for n, parts in wanted.items()}

    # -- what is summed ------------------------------------------------------------------------------------------------

    def _wanted(self, node: Aggregate) -> dict[str, dict[str, str]]:
        """For each part of an aggregate, the columns of the daily table it is made from."""
        needs = {"sd": ("nv",), "sdd": ("nv", "sd"), "sdx": ("s",), "day": ("reach",)}
        return {
            part: {p: self._column(p, node) for p in (part, *needs.get(part, ()))} for part in self.passes.made_of[node.function]
        }

    def _column(self, part: str, node: Aggregate) -> str:
        value = self.scalars.sql(node.value) if node.value is not None else ""
        where = [self.scalars.sql(node.where)] if node.where is not None else []
        narrow = part in LATEST or fits(part, node, self._facts(), [_ORIGIN])
        if part in ("sd", "sdd", "sdx"):
            where = [*where, f"{value} IS NOT NULL"]
        only = f" FILTER (WHERE {' AND '.join(where)})" if where else ""
        days = f"CAST(e._day - {_ORIGIN} AS BIGINT)"
        wide = str if narrow else self.dialect.wide
        sql = {
            "n": "count(*)", "nv": f"count({value})", "s": f"sum({value})", "q": f"sum({wide(value)} * {value})", "day": "max(e._day)",
            "reach": "max(e._t)", "sd": f"sum({days})", "sdd": f"sum({days} * {days})", "sdx": f"sum({wide(value)} * {days})",
        }[part] + only
        alias = self.columns.setdefault((part, sql), f"{part}{len(self.columns)}")
        if narrow:
            self.narrow.add(alias)
        return alias

    # -- the steps -----------------------------------------------------------------------------------------------------

    def _daily(self, name: str) -> None:
        calendar = self.compiler.calendar
        starts = [p.before(d) for p in self.bounded for d in calendar.days]
        regular = [is_regular("e", self.late), *(f"e.{quote(c)} IS NOT NULL" for c, _ in self.group.match)]
        needed = [f"e._known < {calendar.start(max(calendar.days))}"]
        wanted = [f"_a < {day_number(max(calendar.days))}"]
        if all(not n.over.unbounded for n in self.nodes):
            needed.append(f"e._happened >= {calendar.start(min(starts))}")
            wanted.append(f"_t >= {day_number(min(starts))}")
        keys = ", ".join(f"e.{quote(c)} AS _m{i}" for i, (c, _) in enumerate(self.group.match))
        daily = None
        if (known := self._facts().statistics) is not None:
            # whole decades, so that the statement, and with it the name of what is kept, stays the same for long
            decades = [date(from_day_number(known.first_day).year // 10 * 10, 1, 1), date(from_day_number(known.known_until).year // 10 * 10 + 10, 1, 1)]
            daily = Daily(self.group.table, self._rows(decades, regular), f"{keys}, e._a, e._t, {self._summed(kept=True)}", " AND ".join(wanted))
        self.compiler.steps.append(
            Step(name, f"SELECT {keys}, e._a, e._t,\n  {self._summed()}\nFROM (\n  {self._rows([*calendar.days, *starts], [*regular, *needed])}\n) AS e\nGROUP BY ALL",
                 f"{self.group.table}: what happened on a day and was known from a day on, added up", daily)
        )

    def _rows(self, days: Sequence[date], where: Sequence[str]) -> str:
        zone = self.compiler.calendar.zone
        known, happened = (day_of(m, days, zone, self.dialect) for m in ("greatest(e._known, e._happened)", "e._happened"))
        return f"SELECT e.*, {known} AS _a, {happened} AS _t\n  FROM {quote(self.group.table)} AS e\n  WHERE {' AND '.join(where)}"

    def _summed(self, *, kept: bool = False) -> str:
        made = []
        for (part, sql), alias in self.columns.items():
            kind = "" if part in LATEST else "BIGINT" if alias in self.narrow else "DECIMAL(38, 0)" if kept else ""
            made.append(f"CAST({sql} AS {kind}) AS {alias}" if kind else f"{sql} AS {alias}")
        return ",\n  ".join(made)

    def _facts(self) -> SourceFacts:
        return self.compiler.facts.get(self.group.table, SourceFacts())

    def _pairs(self) -> list[tuple[str, str]]:
        return [(f"_m{i}", self.compiler.of_unit(n)) for i, (_, n) in enumerate(self.group.match)]

    def _per_day(self, daily: str, past: bool) -> str:
        """SELECT of the quantities of a day: the day on which rows happened (past), or the one from which they were known."""
        day = "_t" if past else "_a"
        return f"SELECT {', '.join(c for c, _ in self._pairs())}, {day}, {', '.join(f'{self._total(c)} AS {c}' for c in self._read(past))} FROM {daily} GROUP BY ALL"

    def _read(self, past: bool) -> list[str]:
        return [c for (part, _), c in self.columns.items() if not past or part not in LATEST]

    def _total(self, column: str, over: str = "") -> str:
        part = next(p for (p, _), c in self.columns.items() if c == column)
        if part in LATEST:
            return f"max({column}){over}"
        return f"CAST(sum({column}){over} AS BIGINT)" if column in self.narrow else f"sum({self.dialect.wide(column)}){over}"

    def _by_look_up(self, number: int) -> str:
        """SELECT that joins to each unit the last running sum before its as-of date, and before each window."""
        joins, select = [], []
        keys = ", ".join(c for c, _ in self._pairs())
        for past in (False, True)[: 1 + bool(self.windows)]:
            table, day = f"{'past' if past else 'known'}_{number}", "_t" if past else "_a"
            over = f" OVER (PARTITION BY {keys} ORDER BY {day} ROWS UNBOUNDED PRECEDING)"
            running = ", ".join(f"{self._total(c, over)} AS {c}" for c in self._read(past))
            self.compiler.steps.append(
                Step(table, f"SELECT {keys}, {day} AS _day,\n  {running}\nFROM ({self._per_day(f'buckets_{number}', past)})",
                     f"{self.group.table}: running sums of what {'happened' if past else 'was known'} by a day")
            )
            for alias, before in [(f"b{i}", self.compiler.first_day(w)) for i, w in enumerate(self.windows)] if past else [("a", "_asof")]:
                joins.append(self.dialect.as_of(table, alias, self._pairs(), f"u.{quote(before)}"))
                select += [f"{alias}.{c} AS {alias}_{c}" for c in self._read(past)]
        return f"SELECT u._rid,\n  {', '.join(select)}\nFROM unit AS u" + "".join(f"\n{j}" for j in joins)

    def _by_sorting(self, number: int) -> str:
        """SELECT that sorts the questions of the units among the days, and reads the running sums off there."""
        pairs = self._pairs()
        keys, values = ", ".join(c for c, _ in pairs), ", ".join(f"{v} AS {c}" for c, v in pairs)
        there = " AND ".join(f"{v} IS NOT NULL" for _, v in pairs)
        columns = self._read(past=False)
        nothing = "".join(f", NULL AS {c}" for c in columns)

        def asked(past: int, day: str, window: int) -> str:
            return f"SELECT {values}, {past} AS _past, u.{quote(day)} AS _day, 0 AS _after, u._rid, {window} AS _w{nothing} FROM unit AS u WHERE {there}"

        def days(past: int) -> str:
            found = ", ".join(c if not past or c in self._read(past=True) else f"NULL AS {c}" for c in columns)
            day = "_t" if past else "_a"
            return f"SELECT {keys}, {past} AS _past, {day} AS _day, 1 AS _after, NULL AS _rid, NULL AS _w, {found} FROM ({self._per_day(f'buckets_{number}', bool(past))})"

        parts = [days(0), asked(0, "_asof", -1)]
        if self.windows:
            parts += [days(1), *(asked(1, self.compiler.first_day(w), i) for i, w in enumerate(self.windows))]
        order = f" OVER (PARTITION BY {keys}, _past ORDER BY _day, _after ROWS UNBOUNDED PRECEDING)"
        running = ", ".join(f"{self._total(c, order)} AS {c}" for c in columns)
        select = [f"max({c}) FILTER (WHERE _w = {i}) AS {'a' if i < 0 else f'b{i}'}_{c}" for i in range(-1, len(self.windows)) for c in self._read(i >= 0)]
        union = "\n    UNION ALL ".join(parts)
        return (
            f"SELECT _rid,\n  {', '.join(select)}\nFROM (\n  SELECT _rid, _w, {running}\n  FROM (\n    {union}\n  )\n)"
            "\nWHERE _rid IS NOT NULL GROUP BY _rid"
        )

    # -- putting together ----------------------------------------------------------------------------------------------

    def _part(self, node: Aggregate, part: str, name: str, columns: dict[str, str]) -> str:
        if part == "day":
            latest = f"{name}.a_{columns['day']}"
            if node.over.unbounded:
                return latest
            return f"CASE WHEN {name}.a_{columns['reach']} >= u.{quote(self.compiler.first_day(node.over))} THEN {latest} END"
        sums = {p: self._difference(node, name, c) for p, c in columns.items()}
        back = f"CAST(u._asof - {_ORIGIN} AS BIGINT)"  # days were counted from a fixed day, not from the as-of date
        if part == "sd":
            return f"({sums['sd']} - {back} * {sums['nv']})"
        if part == "sdd":
            n, d, far = self.dialect.wide(sums["nv"]), self.dialect.wide(sums["sd"]), self.dialect.wide(back)
            return f"({sums['sdd']} - 2 * {far} * {d} + {far} * {far} * {n})"
        if part == "sdx":
            return f"({sums['sdx']} - {self.dialect.wide(back)} * {sums['s']})"
        return sums[part]

    def _difference(self, node: Aggregate, name: str, column: str) -> str:
        known = f"coalesce({name}.a_{column}, 0)"
        if node.over.unbounded:
            return known
        return f"({known} - coalesce({name}.b{self.windows.index(node.over)}_{column}, 0))"


def added(regular: Parts, others: Parts) -> Parts:
    """The parts of regular and of other rows put together.

    >>> added({"x": {"n": "a", "day": "b"}}, {"x": {"n": "c", "day": "d"}})["x"]
    {'n': '(a + coalesce(c, 0))', 'day': 'greatest(b, d)'}
    """
    return {
        n: {p: f"greatest({sql}, {others[n][p]})" if p == "day" else f"({sql} + coalesce({others[n][p]}, 0))" for p, sql in parts.items()}
        for n, parts in regular.items()
    }
