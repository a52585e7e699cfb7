"""One line of JSON per figure: name, value, unit, what it is compared with. CPU seconds count children and all threads."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Spent:
    """Wall and CPU seconds of a block; filled when it ends."""

    wall: float = 0.0
    cpu: float = 0.0


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@contextmanager
def spent() -> Iterator[Spent]:
    """Measure a block."""
    found = Spent()
    wall, cpu = time.perf_counter(), _cpu()
    yield found
    found.wall, found.cpu = time.perf_counter() - wall, _cpu() - cpu


def show(
    name: str, value: float, unit: str, compared_with: str, *, limit: float | None = None, at_least: bool = False
) -> None:
    """Print a figure; a limit is the most it may be, or with `at_least` the least."""
    line: dict[str, object] = {"name": name, "value": round(value, 10), "unit": unit, "compared_with": compared_with}
    if limit is not None:
        line |= {"limit": limit, "at_least": at_least}
    print(json.dumps(line, ensure_ascii=False), flush=True)
