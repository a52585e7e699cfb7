"""Daily buckets that are kept over runs: only the days whose rows changed are added up again.

```
state/buckets/SOURCE/KEY/days.json      which day lies in which file, and a digest of the day's rows
state/buckets/SOURCE/KEY/days-….parquet    sums of some days; never changed afterwards
```

The key stands for everything that decides what is added up but the rows: quantities, match, zone, and how late a regular
row may be. A day is the one from which rows were known, so a new delivery mostly adds days at the end. The list of days
is written last and at once: a process that is killed leaves the old list, which knows only whole files.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcml.durable import held, remove, sweep, undamaged, write_file, write_text
from jcml.engines.engine import Daily

if TYPE_CHECKING:
    from jcml.engines.sql import SqlEngine

FILES = 8
"""More files than these are written together into one."""
TABLES = 12
"""Of one source so many tables of buckets are kept; the one that was not asked for longest makes room."""


def key_of(daily: Daily, engine: str) -> str:
    """What a kept table is called: a digest of what is added up and how.

    >>> len(key_of(Daily("sales", "SELECT 1 AS _a", "_a"), "duckdb"))
    16
    """
    from jcml import __version__

    return hashlib.sha256(json.dumps([__version__, engine, daily.rows, daily.summed]).encode()).hexdigest()[:16]


class Kept:
    """The kept buckets of one source for one key.

    >>> import tempfile
    >>> Kept(Path(tempfile.mkdtemp()), Daily("sales", "SELECT 1 AS _a", "_a")).days
    {}
    """

    def __init__(self, folder: Path, daily: Daily) -> None:
        self.folder = folder
        self.daily = daily
        self.list = folder / "days.json"
        self.made_of = ""
        self.days: dict[str, list[str]] = {}
        self.files: dict[str, int] = {}
        self.written: list[str] = []
        if self.list.exists():
            with undamaged(self.list):
                found = json.loads(self.list.read_text(encoding="utf-8"))
                self.made_of, self.days, self.files = found["made_of"], found["days"], found["files"]

    def select(self, engine: SqlEngine) -> str:
        """The statement that reads the buckets."""
        parts = []
        for file, inside in sorted(self.files.items()):
            days = [d for d, (_, f) in self.days.items() if f == file]
            parts.append(f"SELECT * FROM {engine.parquet(self.folder / file)}" + (f" WHERE _a IN ({', '.join(days)})" if len(days) < inside else ""))
        return "\nUNION ALL ".join(parts) or f"SELECT {self.daily.summed} FROM ({self.daily.rows}) AS e WHERE FALSE GROUP BY ALL"

    def refresh(self, engine: SqlEngine, made_of: str) -> None:
        """Bring the buckets up to date with the rows of a merged table."""
        if self.made_of == made_of and all((self.folder / f).exists() for f in self.files):
            return
        hashed = engine.dialect.hashed(("e._row", "e._digest", "e._known", "e._superseded"))
        counted = engine.query(
            f"SELECT _a, count(*) AS n, bit_xor(_h) AS x, CAST(sum(_h % 2147483647) AS BIGINT) AS s\nFROM (SELECT e._a, {hashed} AS _h FROM ({self.daily.rows}) AS e) GROUP BY _a"
        ).to_pylist()
        digests = {str(r["_a"]): f"{r['n']}-{r['x']}-{r['s']}" for r in counted}
        changed = [d for d, digest in digests.items() if self.days.get(d, [""])[0] != digest or not (self.folder / self.days[d][1]).exists()]
        fresh = set(digests) - set(changed)
        self._live({d: kept for d, kept in self.days.items() if d in fresh})
        if changed:
            only = "" if len(changed) == len(digests) else f" WHERE e._a IN ({', '.join(changed)})"
            self._write(engine, f"SELECT {self.daily.summed} FROM ({self.daily.rows}) AS e{only} GROUP BY ALL", {d: digests[d] for d in changed})
        if len(self.files) > FILES:
            self._write(engine, self.select(engine), {d: digest for d, (digest, _) in self.days.items()})
        self.made_of, self.written = made_of, changed
        write_text(self.list, json.dumps({"made_of": made_of, "days": self.days, "files": self.files}), "buckets.listed")
        self._tidy()

    def _write(self, engine: SqlEngine, sql: str, digests: Mapping[str, str]) -> None:
        name = f"days-{hashlib.sha256(json.dumps(sorted(digests.items())).encode()).hexdigest()[:16]}.parquet"
        write_file(self.folder / name, lambda part: engine.ordered_to(sql, ["_a"], len(digests), part), "buckets.written")
        self.files[name] = len(digests)
        self._live(self.days | {d: [digest, name] for d, digest in digests.items()})

    def _live(self, days: dict[str, list[str]]) -> None:
        self.days = days
        used = {file for _, file in days.values()}
        self.files = {file: inside for file, inside in self.files.items() if file in used}

    def _tidy(self) -> None:
        """Remove files that the list no longer names."""
        sweep(self.folder)
        for path in self.folder.glob("days-*.parquet"):
            if path.name not in self.files:
                remove(path)


def kept_buckets(engine: SqlEngine, folder: Path, daily: Daily) -> Kept:
    """The buckets of a source as its rows are now; other processes wait until they are up to date.

    >>> import tempfile
    >>> from jcml.workspace.example import example
    >>> daily = Daily("reverse_cases", "SELECT *, 19000 AS _a FROM reverse_cases", "_a, count(*) AS n")
    >>> folder = Path(tempfile.mkdtemp())
    >>> with example()[1].engine(["reverse_cases"]) as engine:
    ...     first, again = kept_buckets(engine, folder, daily), kept_buckets(engine, folder, daily)
    >>> first.written, again.written  # nothing has changed in between
    (['19000'], [])
    """
    rows: Any = engine.sources[daily.source].rows
    place = folder / daily.source / key_of(daily, engine.name)
    place.mkdir(parents=True, exist_ok=True)
    with held(folder / daily.source / "lock", wait=True):
        kept = Kept(place, daily)
        kept.refresh(engine, Path(rows).name)
        os.utime(place)
        others = sorted((p for p in place.parent.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
        for old in others[:-TABLES]:
            remove(old)
    return kept
