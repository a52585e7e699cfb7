"""From what a definition writes to what a question means.

A definition names columns; this module decides what each name stands for: a column of the unit itself, a column of
another entity that the unit refers to, or a column of the row that a windowed quantity is looking at. References
are followed by the kind of thing that a join key names (`entity="station"`), never by the spelling of a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from jcml.errors import ConfigurationError, nearest
from jcml.query import Aggregate, AsOf, Attribute, Constant, Field, Near, Node, Own, Peers, Presence, Shared, walk
from jcml.tables.table import Table

Match = tuple[tuple[str, Node], ...]


class Resolver:
    """Resolves the nodes of one supervision model.

    Parameters
    ----------
    unit : type of Table
        The table whose rows are scored.
    keys : tuple of str
        Its columns that name the unit.
    tables : mapping of name to Table
        Every contract that the model refers to.

    Examples
    --------
    `SupervisionModel` uses it when it is made.

    >>> from jcml.workspace.example import example
    >>> definition = example()[0].definition
    >>> Resolver(definition.unit_table, definition.keys, definition.tables).resolve(definition.unit_table.district.node).name
    'district'
    """

    def __init__(self, unit: type[Table], keys: tuple[str, ...], tables: Mapping[str, type[Table]]) -> None:
        self.unit = unit
        self.keys = keys
        self.tables = tables

    def resolve(self, node: Any, row: str = "") -> Any:
        """The node with every column settled; `row` is the table whose rows are being looked at, if any."""
        if isinstance(node, Field):
            return self._field(node, row)
        if isinstance(node, Own) and node.name.startswith("@"):
            return self._marked(node)
        if isinstance(node, Attribute):
            return replace(node, match=self._match(node.match, row))
        if isinstance(node, Aggregate):
            return self._aggregate(node, row)
        if isinstance(node, Presence):
            return self._presence(node, row)
        if isinstance(node, Shared):
            return self._shared(node)
        if isinstance(node, Constant):
            return replace(node, on=self.resolve(node.on, row))
        if isinstance(node, Node):
            return replace(node, **{f.name: self._inside(getattr(node, f.name), row) for f in fields(node)})
        return node

    def _inside(self, value: Any, row: str) -> Any:
        if isinstance(value, Node):
            return self.resolve(value, row)
        if isinstance(value, tuple):
            return tuple(self._inside(v, row) for v in value)
        return value

    def _match(self, match: Match, row: str) -> Match:
        return tuple((column, self.resolve(node, row)) for column, node in match)

    def _field(self, node: Field, row: str) -> Node:
        if node.table == row:
            return node
        if node.table == self.unit.name:
            return Own(node.type, node.name)
        table = self._table(node.table)
        if not table.having("key"):
            raise ConfigurationError("JC3011", table=table.__name__, column=node.name)
        return Attribute(node.type, node.table, node.name, self._default(table, by_key=True))

    def _marked(self, node: Own) -> Node:
        """What `near` and `this` left to be settled: the unit's coordinates, or a column of its own row."""
        if "." in node.name:
            table, name = node.name.removeprefix("@").split(".", 1)
            if table != self.unit.name:
                raise ConfigurationError("JC3035", table=table, unit=self.unit.__name__)
            return Own(node.type, name)
        column = self.unit.coordinates()[0 if node.name == "@latitude" else 1]
        return Own(self.unit.columns[column].type.value, column)

    def _table(self, name: str) -> type[Table]:
        table = self.tables.get(name)
        if table is None:
            raise ConfigurationError("JC3012", table=name, nearest=nearest(name, self.tables))
        return table

    def _aggregate(self, node: Aggregate, row: str) -> Node:
        if row:
            raise ConfigurationError("JC3013", table=node.table, inside=row)
        table = self._table(node.table)
        if not table.happens and (not node.over.unbounded or node.function in ("since", "trend", "last", "first")):
            raise ConfigurationError("JC3014", table=table.__name__, function=node.function)
        near = node.near
        if near is not None:
            other = self.tables[self.unit.name]
            if table.crs and other.crs and table.crs != other.crs:
                raise ConfigurationError("JC3015", table=table.__name__, crs=table.crs, other=other.crs)
            near = Near(near.metres, near.at, self.resolve(near.latitude), self.resolve(near.longitude))
        alike = node.alike
        if alike is not None:
            alike = replace(alike, signature=self.resolve(alike.signature))
        match = self._match(node.match, "") if node.match else ()
        if not match and near is None and alike is None:
            match = self._default(table)
        value, where = self.resolve(node.value, node.table), self.resolve(node.where, node.table)
        for part in (value, where):
            for inner in walk(part) if part is not None else ():
                if isinstance(inner, Attribute) and any(isinstance(n, Field) for _, v in inner.match for n in walk(v)):
                    raise ConfigurationError("JC3021", table=inner.table, inside=node.table)
        return replace(node, value=value, where=where, match=match, near=near, alike=alike)

    def _presence(self, node: Presence, row: str) -> Node:
        table = self._table(node.table)
        of_row = bool(row) and any(
            isinstance(n, Field) and n.table == row for _, value in node.match for n in walk(value)
        )
        if not of_row:
            match = self._match(node.match, "") or self._default(table)
            where = self.resolve(node.where, node.table)
            return replace(node, match=match, where=where)
        if row == node.table:
            raise ConfigurationError("JC3016", table=table.__name__)
        match = self._match(node.match, row)
        where = self._two_rows(node.where, node.table, row) if node.where is not None else None
        for value in (*(v for _, v in match), where):
            for inner in walk(value) if value is not None else ():
                if isinstance(inner, AsOf | Own | Attribute | Aggregate | Presence | Shared | Peers):
                    raise ConfigurationError("JC3017", table=table.__name__)
        return replace(node, match=match, where=where)

    def _two_rows(self, node: Any, inner: str, outer: str) -> Any:
        if isinstance(node, Field):
            return node if node.table in (inner, outer) else self.resolve(node)
        if isinstance(node, Node):
            changes: dict[str, Any] = {}
            for f in fields(node):
                value = getattr(node, f.name)
                if isinstance(value, tuple):
                    changes[f.name] = tuple(self._two_rows(v, inner, outer) if isinstance(v, Node) else v for v in value)
                else:
                    changes[f.name] = self._two_rows(value, inner, outer)
            return replace(node, **changes)
        return node

    def _shared(self, node: Shared) -> Node:
        table = self._table(node.table)
        if table.happens:
            raise ConfigurationError("JC3018", table=table.__name__)
        match = self._match(node.match, "") or self._default(table, by_key=True)
        return replace(node, match=match, where=self.resolve(node.where, node.table))

    # -- following references -----------------------------------------------------------------------------------

    def _default(self, table: type[Table], *, by_key: bool = False) -> Match:
        """How the rows of a table belong to the unit when the definition does not say.

        By the unit's key, where the table has one column for the same kind of thing; otherwise by the one
        reference of the unit's own row for which it has.
        """
        candidates = [c for c in table.columns.values() if c.entity and (not by_key or "key" in c.roles)]
        found: Match = ()
        for key in self.keys:
            entity = self.unit.columns[key].entity
            same = [c for c in candidates if entity and c.entity == entity]
            if len(same) > 1:
                same = [c for c in same if "key" in c.roles] or same
            if len(same) > 1:
                raise self._ambiguous(table, [c.name for c in same])
            if same:
                found = (*found, (same[0].name, Own(same[0].type.value, key)))
        if found:
            return found
        references = [
            (theirs.name, Own(ours.type.value, ours.name))
            for ours in self.unit.columns.values()
            if ours.entity and ours.name not in self.keys
            for theirs in candidates
            if theirs.entity == ours.entity
        ]
        if len(references) != 1:
            raise self._ambiguous(table, [f"{a} = {self.unit.__name__}.{b.name}" for a, b in references])
        return tuple(references)

    def _ambiguous(self, table: type[Table], options: list[str]) -> ConfigurationError:
        code = "JC3020" if options else "JC3019"
        return ConfigurationError(code, table=table.__name__, unit=self.unit.__name__, options=", ".join(options))
