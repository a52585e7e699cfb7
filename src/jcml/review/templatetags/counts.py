"""Counts and shares as pages show them: thousands separated, a share with its interval and n, what is withheld in words."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()


@register.filter
def grouped(number: int | None) -> str:
    """A count with thousands separated; `--` where there is none.

    >>> grouped(123220), grouped(None)
    ('123,220', '--')
    """
    return "--" if number is None else f"{number:,}"


@register.filter
def interval(found: dict[str, Any] | None) -> str:
    """A share with its 95 % interval; `--` where nothing was counted.

    >>> interval({"k": 96, "n": 412, "percent": 23, "low": 19, "high": 28}), interval({"percent": None})
    ('23 % (19–28 %)', '--')
    """
    return "--" if not found or found["percent"] is None else f"{found['percent']} % ({found['low']}–{found['high']} %)"
