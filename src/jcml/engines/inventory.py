"""What a question is made of, listed once: both engines start from this reading of it.

A presence asked of the unit itself becomes a count; equal nodes are found once, so a quantity that ten features
share is computed once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from jcml.dates import ever
from jcml.engines.engine import SourceFacts
from jcml.query import (
    EXACT,
    Aggregate,
    Attribute,
    Field,
    Node,
    Own,
    Peers,
    Presence,
    Question,
    Shared,
    call,
    children,
    literal,
    walk,
)


def settle(node: Any, row_of: str = "") -> Any:
    """The node with every presence asked of the unit written as a count of rows above 0.

    >>> from jcml.query import BOOLEAN, TEXT
    >>> asked = Presence(BOOLEAN, "penalties", (("station", Own(TEXT, "station")),))
    >>> settle(asked).op
    '>'
    """
    if isinstance(node, Aggregate):
        return _rebuilt(node, node.table)
    if isinstance(node, Shared):
        return _rebuilt(node, node.table)
    if isinstance(node, Presence):
        inner = _rebuilt(node, row_of)
        if row_of and any(isinstance(n, Field) and n.table == row_of for n in walk(node)):
            return inner
        count = Aggregate(EXACT, node.table, "count", None, ever, where=inner.where, match=inner.match)
        return call(">", count, literal(0))
    return _rebuilt(node, row_of) if isinstance(node, Node) else node


def _rebuilt(node: Node, row_of: str) -> Any:
    changes = {f.name: _inside(getattr(node, f.name), row_of) for f in fields(node)}
    return replace(node, **changes)


def _inside(value: Any, row_of: str) -> Any:
    if isinstance(value, Node):
        return settle(value, row_of)
    if isinstance(value, tuple):
        return tuple(_inside(v, row_of) for v in value)
    return value


def settle_question(question: Question) -> Question:
    """The question with every node settled; settling again changes nothing.

    >>> settle_question(Question(unit=None, cohort=None, values=(), relations=())).values
    ()
    """
    cohort = settle(question.cohort) if question.cohort is not None else None
    return replace(question, cohort=cohort, values=tuple((name, settle(node)) for name, node in question.values))


@dataclass
class Inventory:
    """The distinct parts of a question, in the order in which they can be computed.

    >>> Inventory.of(Question(unit=None, cohort=None, values=(), relations=())).aggregates
    []
    """

    question: Question
    own: list[str] = field(default_factory=list)
    lookups: list[tuple[str, tuple[tuple[str, Node], ...]]] = field(default_factory=list)
    looked_up: dict[tuple[str, tuple[tuple[str, Node], ...]], list[str]] = field(default_factory=dict)
    aggregates: list[Aggregate] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)
    peers: list[Peers] = field(default_factory=list)

    @classmethod
    def of(cls, question: Question) -> Inventory:
        """Read a question."""
        settled = settle_question(question)
        inventory = cls(settled)
        roots = [node for _, node in settled.values]
        if settled.cohort is not None:
            roots.append(settled.cohort)
        seen: set[Node] = set()
        for root in roots:
            for node in _innermost_first(root):
                if node in seen:
                    continue
                seen.add(node)
                inventory._add(node)
        return inventory

    def _add(self, node: Node) -> None:
        if isinstance(node, Own) and node.name not in self.own:
            self.own.append(node.name)
        elif isinstance(node, Attribute):
            key = (node.table, node.match)
            if key not in self.looked_up:
                self.lookups.append(key)
                self.looked_up[key] = []
            if node.name not in self.looked_up[key]:
                self.looked_up[key].append(node.name)
        elif isinstance(node, Aggregate):
            self.aggregates.append(node)
        elif isinstance(node, Shared):
            self.shared.append(node)
        elif isinstance(node, Peers):
            self.peers.append(node)


def _innermost_first(node: Node) -> Iterator[Node]:
    for child in children(node):
        yield from _innermost_first(child)
    yield node


def tables_read(node: Node) -> set[str]:
    """Every table whose rows decide the value of an aggregate: its own and those its conditions look into.

    >>> from jcml.query import BOOLEAN
    >>> sorted(tables_read(Aggregate(EXACT, "a", "count", None, ever, where=Presence(BOOLEAN, "b", ()))))
    ['a', 'b']
    """
    return {n.table for n in walk(node) if isinstance(n, Aggregate | Presence | Shared)}


def columns_of_rows(node: Node, table: str) -> set[str]:
    """The columns of one table on whose values an aggregate depends.

    >>> from jcml.query import TEXT
    >>> columns_of_rows(Aggregate(EXACT, "a", "distinct", Field(TEXT, "a", "x"), ever), "a")
    {'x'}
    """
    found = {n.name for n in walk(node) if isinstance(n, Field) and n.table == table}
    for n in walk(node):
        if isinstance(n, Aggregate | Presence | Shared) and n.table == table:
            found |= {column for column, _ in n.match}
        if isinstance(n, Aggregate) and n.table == table:
            found |= set(n.per)
            if n.near is not None:
                found |= set(n.near.at)
            if n.alike is not None:
                found.add(n.alike.column + "__signature")
        if isinstance(n, Shared) and n.table == table:
            found.add(n.column)
    return found


def available(node: Node, facts: Mapping[str, SourceFacts]) -> bool:
    """False when an aggregate needs a table or a column that this office never delivered.

    >>> available(Aggregate(EXACT, "a", "count", None, ever), {})
    False
    """
    for table in tables_read(node):
        source = facts.get(table)
        if source is None or not source.delivered:
            return False
        if not columns_of_rows(node, table) <= source.columns:
            return False
    return True
