"""Classes of clues (类案): those with the same first two reasons, and those whose evidence names the same thing.

Only clues that a person may read make up a class and its counts. A class has no row of its own: its key is a keyed digest of
what its clues share, and whoever may read fewer than two of them finds no class.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils.crypto import salted_hmac

from jcml.review import policy
from jcml.review.models import Clue, Link, User
from jcml.review.statistics import share

LEAST = 2
SIZES: dict[str, Any] = {
    "closed": Q(state="closed"), "confirmed": Q(state="closed", outcome="confirmed"), "ruled_out": Q(state="closed", outcome="not_confirmed"),
}


@dataclass(frozen=True)
class Shared:
    """What the clues of a class share: a model and the pattern of their first two reasons, or a kind and a value.

    >>> len(Shared("things", "person", "p1").key)
    24
    """

    by: str
    one: str
    two: str

    @property
    def key(self) -> str:
        """What stands in the address: nothing can be read from it."""
        return salted_hmac("jcml.class", "\0".join((self.by, self.one, self.two)), algorithm="sha256").hexdigest()[:24]


def members(user: User) -> QuerySet[Clue]:
    """The clues that count for a person."""
    return policy.clues(user, "details").exclude(state="superseded")


def classes(user: User, by: str, scenario: str = "") -> QuerySet[Any, dict[str, Any]]:
    """Classes by `reasons` or `things`, the largest first: what they share, how many clues, and what became of them."""
    inside = members(user)
    if scenario:
        inside = inside.filter(scenario=scenario)
    if by == "reasons":
        counts = {name: Count("pk", filter=where) for name, where in SIZES.items()}
        found: Any = inside.exclude(pattern="").order_by().values("scenario_id", "pattern").annotate(size=Count("pk"), example=Min("pk"), **counts)
        order: tuple[str, ...] = ("scenario_id", "pattern")
    else:
        counts = {name: Count("clue", filter=Q(**{f"clue__{k}": v for k, v in where.children}), distinct=True) for name, where in SIZES.items()}
        links = Link.objects.filter(common=True, clue__in=inside).order_by()
        found = links.values("kind", "value").annotate(size=Count("clue", distinct=True), example=Min("clue"), shown=Min("shown"), **counts)
        order = ("kind", "value")
    largest_first: QuerySet[Any, dict[str, Any]] = found.filter(size__gte=LEAST).order_by("-size", *order)
    return largest_first


def shared_by(by: str, row: dict[str, Any]) -> Shared:
    """What the clues of one row of `classes` share."""
    return Shared(by, row["scenario_id"], row["pattern"]) if by == "reasons" else Shared(by, row["kind"], row["value"])


def found_by(user: User, key: str) -> tuple[Shared, dict[str, Any]] | None:
    """The class of a key with its counts; None if the person may not read two of its clues, or nobody's is."""
    for by in ("reasons", "things"):
        for row in classes(user, by).iterator(chunk_size=2000):
            shared = shared_by(by, row)
            if shared.key == key:
                return shared, row
    return None


def clues_of(user: User, shared: Shared) -> QuerySet[Clue]:
    """The clues of a class that the person may read."""
    inside = members(user)
    if shared.by == "things":
        return inside.filter(pk__in=Link.objects.filter(kind=shared.one, value=shared.two).values("clue"))
    return inside.filter(scenario=shared.one, pattern=shared.two)


def reasons_in_words(clue: Clue, language: str) -> list[str]:
    """The first two reasons for of a clue, as sentences."""
    return [r["statement"][language] for r in clue.content["reasons_for"][:2]]


def rate(row: dict[str, Any]) -> dict[str, Any]:
    """The share of confirmed clues among those that ended confirmed or ruled out."""
    return share(row["confirmed"], row["confirmed"] + row["ruled_out"])


def by_month(days: list[tuple[date, int, int]]) -> list[tuple[str, int, int]]:
    """Counts and confirmed ones per day, added up per month, in order.

    >>> by_month([(date(2026, 1, 3), 2, 1), (date(2026, 1, 9), 1, 0), (date(2025, 12, 1), 4, 2)])
    [('2025-12', 4, 2), ('2026-01', 3, 1)]
    """
    found: dict[str, tuple[int, int]] = {}
    for day, n, confirmed in days:
        before = found.get(f"{day:%Y-%m}", (0, 0))
        found[f"{day:%Y-%m}"] = (before[0] + n, before[1] + confirmed)
    return [(month, *found[month]) for month in sorted(found)]
