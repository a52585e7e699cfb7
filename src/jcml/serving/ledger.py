"""What was published: one row per result, in a database that refuses a second one for the same key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jcml.durable import database, reached, undamaged
from jcml.errors import NotPermitted, Place
from jcml.records import Clue, read_clues

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
CREATE TABLE IF NOT EXISTS question (asked TEXT PRIMARY KEY, run TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Publication:
    """One published result; `revision` counts corrections that a person asked for, from 0.

    >>> Publication("r1", "m", "2025-01-01", 1, 0, "", 10, 400, "d", "outbox/m.jsonl", "2025-01-01T08:00:00+00:00").clues
    10
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

    def all(self, model: str = "") -> list[Publication]:
        """All publications, of one model or of every one, oldest first."""
        if not self.path.exists():
            return []
        with database(self.path, _SCHEMA) as connection:
            rows = connection.execute(
                "SELECT * FROM publication WHERE ? IN ('', model) ORDER BY as_of, version, revision", (model,)
            ).fetchall()
        return [Publication(*row) for row in rows]

    def find(self, run: str) -> Publication | None:
        """The publication of a run, or None."""
        return next((p for p in self.all() if p.run == run), None)

    def answered(self, question: str) -> Publication | None:
        """The publication that answered a question, or None when it was never asked in exactly this state of things."""
        if not question or not self.path.exists():
            return None
        with database(self.path, _SCHEMA) as connection:
            row = connection.execute("SELECT run FROM question WHERE asked = ?", (question,)).fetchone()
        return self.find(row[0]) if row else None

    def remember(self, question: str, run: str) -> None:
        """Note which run answered a question."""
        if question:
            with database(self.path, _SCHEMA) as connection, connection:
                connection.execute("INSERT INTO question VALUES (?, ?) ON CONFLICT (asked) DO UPDATE SET run = excluded.run", (question, run))

    def record(self, publication: Publication) -> None:
        """Enter a publication; entering the same run again changes nothing."""
        with database(self.path, _SCHEMA) as connection, connection:
            connection.execute(
                "INSERT INTO publication VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (run) DO NOTHING",
                (
                    publication.run, publication.model, publication.as_of, publication.version, publication.revision,
                    publication.because, publication.clues, publication.scored, publication.digest, publication.file,
                    publication.published_at,
                ),
            )
        reached("score.recorded")


def run_folder(root: Path, model: str, as_of: str, run: str) -> Path:
    """Where a run keeps its files; `root` is the office's state.

    >>> run_folder(Path("state"), "example", "2025-01-01", "0123456789abcdef").name
    'example-2025-01-01-0123456789ab'
    """
    return root / "runs" / f"{model}-{as_of}-{run[:12]}"


def published_clues(root: Path, publication: Publication) -> Iterator[Clue]:
    """The clues of a publication, once its file is seen to be the one that was published; `root` is the office's state.

    Raises
    ------
    DataError
        JC9003, if the file is gone; JC6101, if one of its lines is no clue.
    NotPermitted
        JC6102, if it was changed in another way.

    >>> from jcml.workspace.example import example, example_list
    >>> _, store = example()
    >>> next(published_clues(store.root, example_list().publication)).rank
    1
    """
    path = root / publication.file
    with undamaged(path):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != publication.digest:
        for _ in read_clues(path):  # names the line that is no clue
            pass
        raise NotPermitted("JC6102", Place(path))
    yield from read_clues(path)
