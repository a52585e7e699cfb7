"""How clues hang together: clues and what their evidence names, with the records behind every line between them.

Only clues that a person may read are in it, and counts count only those. A record that one clue alone shows is no relation:
it stands among the records of a line, not as a node of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from jcml.review import policy
from jcml.review.models import Clue, Link, User
from jcml.review.named import Named, kind_title, named

MOST_NODES = 200
MOST_THINGS = 90  # of the nodes, so that there is room for the clues that name them
TOO_COMMON = 50  # what more clues name says nothing about any two of them
MOST_RECORDS = 8


@dataclass
class Thing:
    """What evidence names; `clues` is how many clues name it that the person may read."""

    kind: str
    value: str
    shown: str
    clues: int

    @property
    def common(self) -> bool:
        """Named by so many clues that it is not followed."""
        return self.clues > TOO_COMMON


@dataclass
class Edge:
    """A clue names a thing, in these records of `total`."""

    clue: Clue
    thing: Thing
    records: list[Named]
    total: int


@dataclass
class Graph:
    """What is drawn and listed; `left_out` counts clues that found no room."""

    centres: list[Clue]
    clues: list[Clue]
    things: list[Thing]
    edges: list[Edge]
    left_out: int = 0
    kinds: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)


def graph(user: User, centres: Sequence[Clue]) -> Graph:
    """The centres, what they name, and the other clues of the person's that name it too."""
    ids = [c.pk for c in centres]
    visible = policy.clues(user, "details")
    things = _things(centres, visible.filter(~Q(state="superseded") | Q(pk__in=ids)))
    followed = {(t.kind, t.value): t for t in things if not t.common}
    others = visible.exclude(state="superseded").exclude(pk__in=ids)
    naming: dict[str, list[tuple[str, str]]] = {}
    pairs = Link.objects.filter(Exists(others.filter(pk=OuterRef("clue_id"))), kind__in={k for k, _ in followed}, value__in={v for _, v in followed}).values_list("clue_id", "kind", "value")
    for clue_id, kind, value in pairs:
        if (kind, value) in followed:
            naming.setdefault(clue_id, []).append((kind, value))
    room = MOST_NODES - len(centres) - len(things)
    chosen = sorted(naming, key=lambda pk: (-len(naming[pk]), pk))[:room]
    clues = list(Clue.objects.filter(pk__in=chosen).select_related("scenario", "unit").order_by("-as_of", "number"))
    edges = list(_edges([*centres, *clues], {(t.kind, t.value): t for t in things}))
    kinds = list(dict.fromkeys(t.kind for t in things))
    days = sorted({str(c.as_of) for c in (*centres, *clues)})
    return Graph(list(centres), clues, things, edges, len(naming) - len(chosen), kinds, days)


def _things(centres: Sequence[Clue], inside: QuerySet[Clue]) -> list[Thing]:
    """What the centres name: things that others name too first, then persons and firms, then records."""
    shown: dict[tuple[str, str], str] = {}
    for kind, value, text in Link.objects.filter(clue__in=[c.pk for c in centres]).order_by("-rows", "id").values_list("kind", "value", "shown"):
        shown.setdefault((kind, value), text)
    wanted = sorted(shown, key=lambda one: one[0].startswith("row:"))[:600]
    counts: dict[tuple[str, str], int] = {}
    found = Link.objects.filter(Exists(inside.filter(pk=OuterRef("clue_id"))), kind__in={k for k, _ in wanted}, value__in={v for _, v in wanted}).order_by().values("kind", "value").annotate(n=Count("clue", distinct=True))
    for one in found:
        counts[one["kind"], one["value"]] = one["n"]
    things = [Thing(kind, value, shown[kind, value], counts.get((kind, value), 1)) for kind, value in wanted]
    kept = [t for t in things if t.clues > 1 or not t.kind.startswith("row:")]
    return sorted(kept, key=lambda t: (t.clues < 2, t.common, t.kind.startswith("row:")))[:MOST_THINGS]


def _edges(clues: Iterable[Clue], things: dict[tuple[str, str], Thing]) -> Iterable[Edge]:
    for clue in clues:
        records: dict[tuple[str, str], dict[str, Named]] = {}
        for row in named(clue.content):
            for key in {(f"row:{row.table}"[:60], row.digest), *row.names.values()}:
                if key in things:
                    records.setdefault(key, {})[row.digest] = row
        for key, rows in records.items():
            yield Edge(clue, things[key], sorted(rows.values(), key=lambda r: (r.day, r.row))[:MOST_RECORDS], len(rows))


def title_of_record(row: Named, english: bool) -> str:
    """A record in words: table, id and day."""
    return " ".join(part for part in (row.en if english else row.zh, row.row, row.day) if part)


def drawn(found: Graph, english: bool) -> dict[str, Any]:
    """The graph as data for the picture: no pseudonym leaves, nodes are numbered."""
    things = {id(t): f"t{n}" for n, t in enumerate(found.things)}
    clues = {c.pk: f"c{n}" for n, c in enumerate((*found.centres, *found.clues))}
    centres = {c.pk for c in found.centres}
    nodes: list[dict[str, Any]] = [
        {
            "id": clues[c.pk], "clue": c.pk, "kind": "clue", "label": c.number, "says": f"{c.number} {c.scenario.en if english else c.scenario.zh} {c.subject_shown}",
            "day": str(c.as_of), "centre": c.pk in centres,
        }
        for c in (*found.centres, *found.clues)
    ]
    nodes += [{"id": things[id(t)], "kind": t.kind, "label": t.shown, "says": f"{kind_title(t.kind, english)} {t.shown} ({t.clues})", "centre": False} for t in found.things]
    edges = [
        {"from": clues[e.clue.pk], "to": things[id(e.thing)], "total": e.total, "records": [title_of_record(r, english) for r in e.records]} for e in found.edges
    ]
    return {
        "nodes": nodes, "edges": edges, "kinds": [{"kind": k, "title": kind_title(k, english)} for k in found.kinds], "days": found.days, "left_out": found.left_out,
    }


def readable_together(user: User, clue: Clue, more: Sequence[str], most: int = 20) -> list[Clue]:
    """A clue and those that are drawn beside it, of which only readable ones count."""
    wanted = [pk for pk in dict.fromkeys(more) if pk != clue.pk][:most]
    found = policy.clues(user, "details").filter(pk__in=wanted).select_related("scenario", "unit")
    return [clue, *sorted(found, key=lambda c: wanted.index(c.pk))]
