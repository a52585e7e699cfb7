"""What a process and everything it started used: CPU seconds of all, and the most memory they held at one time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
EVERY = 0.25


@dataclass
class Used:
    """Wall and CPU seconds and peak memory in MB; filled when the block ends.

    Memory is the sum of what each process holds, so pages that two of them share are counted twice.
    """

    wall: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0


def below(roots: Iterable[int]) -> set[int]:
    """Some processes and all their descendants."""
    parents: dict[int, int] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                parents[int(place.name)] = int(_stat(int(place.name))[1])
            except OSError:
                continue  # it ended while we looked
    found = set(roots)
    while more := {p for p, parent in parents.items() if parent in found and p not in found}:
        found |= more
    return found


def _stat(pid: int) -> list[str]:
    """The fields after the name of the program, which may hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def cpu_of(pids: Iterable[int]) -> float:
    """CPU seconds of processes and of their children that ended."""
    total = 0
    for pid in pids:
        try:
            total += sum(map(int, _stat(pid)[11:15]))
        except OSError:
            continue
    return total / TICK


def held_by(pids: Iterable[int]) -> float:
    """MB of memory that processes hold now."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return total * PAGE / 2**20


@contextmanager
def used(*others: int) -> Iterator[Used]:
    """Measure a block: this process, the given others, and the descendants of all; the measuring itself is not counted."""
    found, over = Used(), threading.Event()
    roots = (os.getpid(), *others)
    own = 0.0

    def watch() -> None:
        nonlocal own
        alive, looked = below(roots), time.monotonic()
        while not over.wait(EVERY):
            found.peak = max(found.peak, held_by(alive))
            if time.monotonic() - looked > 4 * EVERY:
                alive, looked = below(roots), time.monotonic()
        found.peak = max(found.peak, held_by(alive))
        own = time.thread_time()

    before, began = cpu_of(below(roots)), time.perf_counter()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        found.wall = time.perf_counter() - began
        over.set()
        watcher.join()
        found.cpu = cpu_of(below(roots)) - before - own
