"""Writing so that a reader sees the old file or the new one, never a part, whatever happens in between.

A file is written beside its place, flushed to the disk, and renamed; the folder is flushed after it. Every such
step has a name. Tests stop the process at each of them (`JCML_FAILPOINT=name:kill`) and check what is left.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from jcml.errors import Busy, DataError, JcmlError, OutputError, Place

STEPS: dict[str, str] = {
    "import.staged": "the rows of a batch lie in a temporary file",
    "import.placed": "the rows of a batch are in place, the catalogue does not know them yet",
    "import.committed": "the catalogue knows the batch, the merged table is still the old one",
    "import.merged": "the merged table is in place, the catalogue still points to the old one",
    "buckets.written": "sums of some days lie in a file, the list of days still names the old ones",
    "buckets.listed": "the list of days names the new files, the old ones are still there",
    "score.locked": "a run holds its key and has written nothing",
    "score.matrix": "the matrix of a run is in place",
    "score.scores": "all scores of a run are in place",
    "score.selection": "the selection log of a run is in place",
    "score.evidence": "the evidence of a run is in place",
    "score.clues": "the clues of a run are written, not published",
    "score.manifest": "the manifest of a run is in place, the outbox is still without it",
    "score.published": "the clues are in the outbox, the ledger does not know it yet",
    "score.recorded": "the ledger knows the publication",
    "register.logged": "a trained model is logged, it has no alias yet",
}
"""Every durable step by name, and what holds when it has just been done."""


def reached(step: str) -> None:
    """Say that a durable step was done; a test may have asked for the process to end here.

    >>> reached("score.locked")
    """
    assert step in STEPS, step
    wanted = os.environ.get("JCML_FAILPOINT", "")
    if wanted == f"{step}:kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if wanted == f"{step}:full":
        raise OutputError("JC9002", problem=os.strerror(errno.ENOSPC))


def write_file(path: Path, write: Callable[[Path], object], step: str = "") -> None:
    """Let `write` fill a temporary file, or a folder of files, then put it in place at once.

    Raises
    ------
    OutputError
        JC9002, if there is no space, no right, or an I/O error; nothing is left behind.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_file(file, lambda p: p.write_text("whole"))
    >>> file.read_text()
    'whole'
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        for written in [*sorted(part.rglob("*")), part] if part.is_dir() else [part]:
            _flush(written)
        _put(part, path)
        _flush(path.parent)
    except OSError as error:
        raise OutputError("JC9002", Place(path), problem=error.strerror or str(error)) from None
    finally:
        remove(part)
    if step:
        reached(step)


def write_secret(path: Path, write: Callable[[Path], object]) -> None:
    """As `write_file`, for a file that its owner alone may read.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_secret(file, lambda p: p.write_text("whole"))
    >>> oct(file.stat().st_mode & 0o777)
    '0o600'
    """

    def closed(part: Path) -> None:
        part.touch(mode=0o600)
        write(part)
        part.chmod(0o600)

    write_file(path, closed)


def write_text(path: Path, content: str, step: str = "") -> None:
    """Write a text file at once.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_text(file, "whole")
    >>> file.read_text()
    'whole'
    """
    write_file(path, lambda part: part.write_text(content, encoding="utf-8"), step)


def _put(part: Path, path: Path) -> None:
    """Rename into place; where a folder is concerned, what was there has to step aside first."""
    aside = path.with_name(f".{path.name}.old.{os.getpid()}.part")
    if path.is_dir() or (part.is_dir() and path.exists()):
        path.replace(aside)
    part.replace(path)
    remove(aside)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; nothing happens when it is not there.

    >>> remove(Path("no such file"))
    """
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _flush(written: Path) -> None:
    handle = os.open(written, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def held(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock file; the operating system lets go of it when the process ends, however it ends.

    Raises
    ------
    Busy
        JC9001, if another process holds it and `wait` is false.

    >>> import tempfile
    >>> with held(Path(tempfile.mkdtemp()) / "lock"):
    ...     print("mine")
    mine
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Busy("JC9001", Place(path)) from None
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def undamaged(path: Path) -> Iterator[None]:
    """Read a file of the state; whatever a library says of a damaged one becomes JC9003.

    Raises
    ------
    DataError
        JC9003.

    >>> with contextlib.suppress(DataError), undamaged(Path("state/outbox/list.jsonl")):
    ...     raise ValueError("not a list")
    """
    try:
        yield
    except (JcmlError, MemoryError):
        raise
    except Exception as error:
        raise DataError("JC9003", Place(path), problem=(str(error) or type(error).__name__).splitlines()[0][:200]) from None


@contextlib.contextmanager
def database(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """A SQLite database of the state, made on first use; a write is on the disk when it is committed.

    Raises
    ------
    DataError
        JC9003, if the file is no database.
    OutputError
        JC9002, if it cannot be opened or written.
    Busy
        JC9001, if another process has held it for a minute.

    >>> import tempfile
    >>> with database(Path(tempfile.mkdtemp()) / "a.sqlite", "CREATE TABLE IF NOT EXISTS a (b)") as connection:
    ...     connection.execute("SELECT count(*) FROM a").fetchone()
    (0,)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(schema)
            yield connection
    except sqlite3.IntegrityError:
        raise
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise Busy("JC9001", Place(path)) from None
        raise OutputError("JC9002", Place(path), problem=str(error)) from None
    except sqlite3.DatabaseError as error:
        raise DataError("JC9003", Place(path), problem=str(error)) from None


def sweep(folder: Path) -> int:
    """Remove what interrupted writes left in a folder; returns how many files.

    >>> import tempfile
    >>> sweep(Path(tempfile.mkdtemp()))
    0
    """
    left = [p for p in folder.glob(".*.part") if not _alive(p)]
    for path in left:
        remove(path)
    return len(left)


def _alive(part: Path) -> bool:
    number = part.name.split(".")[-2]
    if not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return int(number) != os.getpid()
