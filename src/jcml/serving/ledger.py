"""What was published: one row per result, in a database that refuses a second one for the same key."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jcml.durable import reached

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMA = """
CREATE TABLE IF NOT EXISTS publication (
    run TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    as_of TEXT NOT NULL,
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    because TEXT NOT NULL,
    clues INTEGER NOT NULL,
    scored INTEGER NOT NULL,
    digest TEXT NOT NULL,
    file TEXT NOT NULL,
    published_at TEXT NOT NULL,
    UNIQUE (model, as_of, version, revision)
);
"""


@dataclass(frozen=True)
class Publication:
    """One published result; `revision` counts corrections that a person asked for, from 0.

    >>> Publication.__name__
    'Publication'
    """

    run: str
    model: str
    as_of: str
    version: int
    revision: int
    because: str
    clues: int
    scored: int
    digest: str
    file: str
    published_at: str


class Ledger:
    """The publications of one office.

    >>> import tempfile
    >>> Ledger(Path(tempfile.mkdtemp()) / "ledger.sqlite").all()
    []
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=60)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(_SCHEMA)
            yield connection
        finally:
            connection.close()

    def all(self, model: str = "") -> list[Publication]:
        """All publications, of one model or of every one, oldest first."""
        if not self.path.exists():
            return []
        with self._open() as connection:
            rows = connection.execute(
                "SELECT * FROM publication WHERE ? IN ('', model) ORDER BY as_of, version, revision", (model,)
            ).fetchall()
        return [Publication(*row) for row in rows]

    def find(self, run: str) -> Publication | None:
        """The publication of a run, or None."""
        return next((p for p in self.all() if p.run == run), None)

    def record(self, publication: Publication) -> None:
        """Enter a publication; entering the same run again changes nothing."""
        with self._open() as connection, connection:
            connection.execute(
                "INSERT INTO publication VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (run) DO NOTHING",
                (
                    publication.run, publication.model, publication.as_of, publication.version, publication.revision,
                    publication.because, publication.clues, publication.scored, publication.digest, publication.file,
                    publication.published_at,
                ),
            )
        reached("score.recorded")
