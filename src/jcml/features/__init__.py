"""The feature language: what a definition file may say.

Windowed quantities are methods of columns and tables; this module adds the rest. Everything a definition needs is
imported from here and from `jcml.tables`.
"""

from jcml.dates import days, ever, months
from jcml.features.definition import SupervisionModel, once, outcome, reason, rule
from jcml.features.language import (
    bunching,
    category,
    days_later,
    difference,
    either,
    gap,
    greatest,
    least,
    parameter,
    peers,
    ratio,
    recomputed,
    shared,
    this,
)
from jcml.tables.expression import as_of

__all__ = [
    "SupervisionModel",
    "as_of",
    "bunching",
    "category",
    "days",
    "days_later",
    "difference",
    "either",
    "ever",
    "gap",
    "greatest",
    "least",
    "months",
    "once",
    "outcome",
    "parameter",
    "peers",
    "ratio",
    "reason",
    "recomputed",
    "rule",
    "shared",
    "this",
]
