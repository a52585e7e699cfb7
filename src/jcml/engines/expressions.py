"""Scalar nodes to SQL: one rule per operation, with the same order of rounding on every engine.

An `exact` value is a BIGINT; adding or comparing two of different scale first brings both to the larger one.
A `number` is a DOUBLE; an exact value becomes one by a single cast and a single division by a power of ten.
"""

from __future__ import annotations

from collections.abc import Callable

from jcml.engines.dialect import Dialect
from jcml.query import Call, Constant, Fixed, Node, Type

Leaf = Callable[[Node], str]

_COMPARE = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_EPOCH_SHIFT = 3 + 7 * 200_000  # 1970-01-01 was a Thursday; the multiple of 7 keeps day numbers positive


def fixed(node: Fixed, dialect: Dialect) -> str:
    """A literal.

    >>> from jcml.query import literal
    >>> fixed(literal("a'b"), Dialect()), fixed(literal(True), Dialect()), fixed(literal(0.5), Dialect())
    ("'a''b'", 'TRUE', '5')
    """
    value = node.value
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return dialect.text(value)
    return f"CAST({value} AS BIGINT)" if isinstance(value, int) and abs(value) >= 2**31 else repr(value)


def rescale(sql: str, source: Type, scale: int) -> str:
    """An exact value brought to a larger scale.

    >>> rescale("x", Type("exact", 0), 2)
    '(x * 100)'
    """
    return f"({sql} * {10 ** (scale - source.scale)})" if scale > source.scale else sql


def number(sql: str, source: Type) -> str:
    """Any numeric value as a DOUBLE.

    >>> number("x", Type("exact", 2))
    '(CAST(x AS DOUBLE) / 100)'
    """
    if source.kind == "number":
        return sql
    if source.scale:
        return f"(CAST({sql} AS DOUBLE) / {10**source.scale})"
    return f"CAST({sql} AS DOUBLE)"


def output(sql: str, source: Type) -> str:
    """A value as it stands in the matrix: a DOUBLE; true is 1, false is 0, a date its day number; a text stays a text.

    >>> from jcml.query import BOOLEAN
    >>> output("c", BOOLEAN)
    'CAST(c AS DOUBLE)'
    """
    if source.numeric:
        return number(sql, source)
    return sql if source.kind == "text" else f"CAST({sql} AS DOUBLE)"


def sql_type(kind: str) -> str:
    """The SQL type that holds values of a kind.

    >>> sql_type("date")
    'INTEGER'
    """
    return {"exact": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "INTEGER", "moment": "BIGINT"}.get(
        kind, "STRING"
    )


class Scalars:
    """Compiles scalar nodes; `leaf` says what the nodes that are not scalar are called in this place.

    >>> from jcml.query import call, literal
    >>> Scalars(Dialect(), lambda node: "x").sql(call(">", literal(2), literal(1.5)))
    '((2 * 10) > 15)'
    """

    def __init__(self, dialect: Dialect, leaf: Leaf) -> None:
        self.dialect = dialect
        self.leaf = leaf

    def sql(self, node: Node) -> str:
        """The SQL of a node."""
        if isinstance(node, Fixed):
            return fixed(node, self.dialect)
        if isinstance(node, Constant):
            return self._constant(node)
        if isinstance(node, Call):
            return self._call(node)
        return self.leaf(node)

    def _constant(self, node: Constant) -> str:
        day = self.sql(node.on)
        cases = " ".join(f"WHEN {day} >= {start} THEN {value}" for start, value in reversed(node.values))
        return f"(CASE {cases} END)" if cases else "NULL"

    def _call(self, node: Call) -> str:
        op, args = node.op, node.args
        parts = [self.sql(a) for a in args]
        types = [a.type for a in args]
        if op in ("+", "-", "*"):
            return self._arithmetic(op, node.type, parts, types)
        if op == "/":
            return self._quotient(parts, types)
        if op in _COMPARE:
            left, right = self._aligned(parts, types)
            return f"({left} {_COMPARE[op]} {right})"
        if op in ("and", "or"):
            return "(" + f" {op.upper()} ".join(parts) + ")"
        if op == "not":
            return f"(NOT {parts[0]})"
        if op == "is_null":
            return f"({parts[0]} IS NULL)"
        if op in ("coalesce", "least", "greatest"):
            aligned = self._aligned(parts, types)
            if op != "coalesce":
                # unknown among the values makes the result unknown, where SQL would skip it
                unknown = " OR ".join(f"{p} IS NULL" for p in parts)
                return f"(CASE WHEN {unknown} THEN NULL ELSE {op}({', '.join(aligned)}) END)"
            return f"coalesce({', '.join(aligned)})"
        if op == "if":
            yes, no = self._aligned(parts[1:], types[1:])
            return f"(CASE WHEN {parts[0]} THEN {yes} WHEN NOT {parts[0]} THEN {no} END)"
        if op == "in":
            return f"({parts[0]} IN ({', '.join(self.dialect.text(v) for v in node.extra)}))"
        if op == "mentions":
            return "(" + " OR ".join(self.dialect.contains(parts[0], word) for word in node.extra) + ")"
        if op == "abs":
            return f"abs({parts[0]})"
        if op == "days_between":
            return f"(CAST({parts[1]} AS BIGINT) - CAST({parts[0]} AS BIGINT))"
        if op == "working_days_between":
            return f"({self._working_days(parts[1], node.extra)} - {self._working_days(parts[0], node.extra)})"
        if op == "add_days":
            return f"({parts[0]} + {parts[1]})"
        if op in ("year", "month"):
            return str(getattr(self.dialect, op)(parts[0]))
        if op == "weekday":
            return f"((CAST({parts[0]} AS BIGINT) + {_EPOCH_SHIFT}) % 7 + 1)"
        if op == "code":
            cases = " ".join(f"WHEN {self.dialect.text(code)} THEN {i}" for i, code in enumerate(node.extra))
            return f"(CASE {parts[0]} {cases} END)"
        if op == "round":
            value = number(parts[0], types[0])
            return f"CAST(round({value} * {10 ** int(node.extra[0])}) AS BIGINT)"
        assert op == "multiple_of", op
        return f"({parts[0]} % {int(node.extra[0])} = 0)"

    def _aligned(self, parts: list[str], types: list[Type]) -> list[str]:
        if all(t.kind == "exact" for t in types):
            scale = max(t.scale for t in types)
            return [rescale(p, t, scale) for p, t in zip(parts, types, strict=True)]
        if all(t.numeric for t in types):
            return [number(p, t) for p, t in zip(parts, types, strict=True)]
        return parts

    def _arithmetic(self, op: str, result: Type, parts: list[str], types: list[Type]) -> str:
        if op == "*":
            if result.kind == "number":
                parts = [number(p, t) for p, t in zip(parts, types, strict=True)]
            return f"({parts[0]} * {parts[1]})"
        left, right = self._aligned(parts, types)
        return f"({left} {op} {right})"

    def _quotient(self, parts: list[str], types: list[Type]) -> str:
        if all(t.kind == "exact" for t in types):
            above, below = (f"CAST({p} AS DOUBLE)" for p in self._aligned(parts, types))
        else:
            above, below = (number(p, t) for p, t in zip(parts, types, strict=True))
        return f"({above} / NULLIF({below}, 0))"

    def _working_days(self, day: str, exceptions: tuple[tuple[int, ...], ...]) -> str:
        off, on = exceptions
        shifted = f"(CAST({day} AS BIGINT) + {_EPOCH_SHIFT})"
        count = f"({self.dialect.floor_divide(shifted, 7)} * 5 + least({shifted} % 7 + 1, 5)"
        if off:
            count += f" - {self.dialect.count_up_to(off, day)}"
        if on:
            count += f" + {self.dialect.count_up_to(on, day)}"
        return count + ")"
