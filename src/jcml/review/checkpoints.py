"""Signed marks of where the log stood, kept outside the database: they show that its end was cut off or written anew.

Each is one line of a file that is only ever added to. It holds number and hash of the newest event, the digest of the line
before it, and a signature; the public key is pinned in a file of its own when the first line is written. Whoever can write
both the database and this file can still take both back to an earlier state: copy the file to another machine.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from jcml.durable import held, write_text
from jcml.errors import NotPermitted, OutputError, Place
from jcml.review.chain import START, Entry, Flaw, flaws
from jcml.review.sealing import key_of, public_key, sign, verified

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from jcml.review.models import Event

SCHEMA = "jcml.checkpoint/1"
FIRST = sha256(b"jcml checkpoints").hexdigest()
OVERDUE = timedelta(hours=2)
HOW: dict[str, tuple[str, str]] = {
    "number": ("事件 {seq}：编号不连续，此前有事件缺失或多出", "event {seq}: its number does not follow; events before it are missing or added"),
    "hash": ("事件 {seq}：内容与其哈希不符", "event {seq}: its content does not fit its hash"),
    "checkpoint": ("事件 {seq}：与已签名的检查点不符", "event {seq}: it is not the one that was signed"),
    "cut off": ("事件 {seq}：已签名，但日志中没有", "event {seq}: it was signed and is not in the log"),
    "head": ("事件 {seq}：日志末端的记录与事件不符", "event {seq}: what the log says of its own end does not fit"),
    "line unreadable": ("检查点文件第 {seq} 行：无法读取", "line {seq} of the checkpoints: cannot be read"),
    "line unsigned": ("检查点文件第 {seq} 行：签名不符", "line {seq} of the checkpoints: the signature does not fit"),
    "line moved": ("检查点文件第 {seq} 行：与上一行不相接，有行被删除、插入或调换", "line {seq} of the checkpoints: it does not follow the line before; lines were removed, added or moved"),
    "line backwards": ("检查点文件第 {seq} 行：编号小于上一行", "line {seq} of the checkpoints: its number is below that of the line before"),
    "key": ("检查点的公钥文件不在了", "the file with the public key of the checkpoints is gone"),
    "gone": ("检查点文件不在了", "the file of checkpoints is gone"),
}
"""Everything that `verify` may find, in Chinese and English."""


@dataclass(frozen=True)
class Checkpoint:
    """The newest event at some moment, signed.

    Parameters
    ----------
    seq, hash : int, str
        Of the newest event.
    at : str
        When it was signed.
    before : str
        Digest of the line before.
    public_key, signature : str
        In base 64.

    >>> made = Checkpoint(7, "ab", "2026-01-05T09:00:00+00:00", FIRST, public_key(bytes(32))).signed(bytes(32))
    >>> made.holds(public_key(bytes(32))), Checkpoint(**{**made.__dict__, "seq": 8}).holds(public_key(bytes(32)))
    (True, False)
    """

    seq: int
    hash: str
    at: str
    before: str
    public_key: str
    signature: str = ""

    def _message(self) -> bytes:
        content = {"schema": SCHEMA, **asdict(self)}
        del content["signature"]
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()

    def signed(self, key: bytes) -> Checkpoint:
        """The same with its signature."""
        return Checkpoint(self.seq, self.hash, self.at, self.before, self.public_key, sign(self._message(), key))

    def holds(self, pinned: str) -> bool:
        """Whether it was signed with the key whose public half is pinned."""
        return self.public_key == pinned and verified(self._message(), self.signature, pinned)

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, sort_keys=True, separators=(",", ":")) + "\n"

    @classmethod
    def of_line(cls, line: bytes) -> Checkpoint | None:
        """What `to_line` wrote; None when it is something else."""
        try:
            content = json.loads(line)
            if content.pop("schema") != SCHEMA:
                return None
            made = cls(**content)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        texts = (made.hash, made.at, made.before, made.public_key, made.signature)
        return made if type(made.seq) is int and all(isinstance(t, str) for t in texts) else None


@dataclass
class Found:
    """What a file of checkpoints says: those that hold, in order, and what does not hold in it.

    >>> Found().known()
    {}
    """

    checkpoints: list[Checkpoint] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)

    def known(self) -> dict[int, str]:
        """Number to hash; where an event was signed twice with two hashes, the first."""
        return {c.seq: c.hash for c in reversed(self.checkpoints)}


def read_checkpoints(path: Path, pinned: Path) -> Found:
    """The checkpoints of a file that were signed with the pinned key, and every line that does not hold.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> read_checkpoints(folder / "checkpoints.jsonl", folder / "checkpoint.pub")
    Found(checkpoints=[], flaws=[])
    >>> made = append(folder / "checkpoints.jsonl", folder / "checkpoint.key", 7, "ab", "2026-01-05T09:00:00+00:00")
    >>> [c.seq for c in read_checkpoints(folder / "checkpoints.jsonl", folder / "checkpoint.pub").checkpoints]
    [7]
    """
    found = Found()
    lines = path.read_bytes().splitlines() if path.exists() else []
    if not pinned.exists():
        found.flaws += [Flaw(0, "key")] if lines else []
        return found
    if not lines:
        found.flaws.append(Flaw(0, "gone"))
    key, before, last = pinned.read_text(encoding="ascii").strip(), FIRST, 0
    for number, line in enumerate(lines, 1):
        one = Checkpoint.of_line(line)
        if one is None:
            found.flaws.append(Flaw(number, "line unreadable"))
        elif not one.holds(key):
            found.flaws.append(Flaw(number, "line unsigned"))
        else:
            if one.before != before:
                found.flaws.append(Flaw(number, "line moved"))
            if one.seq < last:
                found.flaws.append(Flaw(number, "line backwards"))
            if found.checkpoints and one.seq == last and found.checkpoints[-1].hash != one.hash:
                found.flaws.append(Flaw(one.seq, "checkpoint"))
            found.checkpoints.append(one)
            last = one.seq
        before = sha256(line).hexdigest()
    return found


def append(path: Path, key_file: Path, seq: int, hash: str, at: str) -> Checkpoint:
    """Sign a number and hash and add them to the file, on the disk when this returns; what was signed last is not signed again.

    Raises
    ------
    NotPermitted
        JC7201, if the key is not the one whose public half was pinned at first use.
    OutputError
        JC9002, if there is no space, no right, or an I/O error; no half line is left.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> first = append(folder / "checkpoints.jsonl", folder / "checkpoint.key", 7, "ab", "2026-01-05T09:00:00+00:00")
    >>> append(folder / "checkpoints.jsonl", folder / "checkpoint.key", 7, "ab", "2026-01-05T10:00:00+00:00") == first
    True
    """
    pinned = key_file.with_suffix(".pub")
    with held(path.with_name(f".{path.name}.lock"), wait=True):
        key = key_of(key_file)
        public, line = public_key(key), last_line(path)
        if not pinned.exists() and not line:
            write_text(pinned, public + "\n")
        if not pinned.exists() or pinned.read_text(encoding="ascii").strip() != public:
            raise NotPermitted("JC7201", Place(pinned))
        newest = Checkpoint.of_line(line)
        if newest is not None and (newest.seq, newest.hash) == (seq, hash) and newest.holds(public):
            return newest
        made = Checkpoint(seq, hash, at, sha256(line).hexdigest() if line else FIRST, public).signed(key)
        _add(path, made.to_line().encode())
    return made


def last_line(path: Path) -> bytes:
    """The last line of a file without its end; empty when there is none.

    >>> last_line(Path("not there"))
    b''
    """
    if not path.exists():
        return b""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4096))
        lines = stream.read().splitlines()
    return lines[-1] if lines else b""


def _add(path: Path, line: bytes) -> None:
    """Write one line at the end; a line that does not fit is taken back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    there = path.exists()
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line  # the machine stopped within a line: it stays as it is, and is told of
            if os.write(descriptor, line) != len(line):
                os.ftruncate(descriptor, size)
                raise OutputError("JC9002", Place(path), problem=os.strerror(28))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if not there:
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise OutputError("JC9002", Place(path), problem=error.strerror or str(error)) from None


# -- the log of this workbench -----------------------------------------------------------------------------------------


def place() -> Path:
    """The file of checkpoints: as the site says, or in its home."""
    from django.conf import settings

    return Path(settings.HOME) / (settings.SITE["checkpoints"] or "checkpoints.jsonl")


def key_place() -> Path:
    """The file of the key that signs; its public half is pinned beside it."""
    from django.conf import settings

    return Path(settings.HOME) / "checkpoint.key"


def make_checkpoint() -> Checkpoint | None:
    """Sign the newest event; None when there is no event yet. To be called outside a transaction."""
    from django.utils import timezone

    from jcml.review.models import Head

    head = Head.objects.first()
    if head is None or not head.seq:
        return None
    return append(place(), key_place(), head.seq, head.hash, timezone.now().isoformat(timespec="seconds"))


def checkpoints() -> Found:
    """The checkpoints of this workbench."""
    return read_checkpoints(place(), key_place().with_suffix(".pub"))


def newest() -> Checkpoint | None:
    """The last checkpoint, if it holds."""
    pinned = key_place().with_suffix(".pub")
    found = Checkpoint.of_line(last_line(place()))
    return found if found and pinned.exists() and found.holds(pinned.read_text(encoding="ascii").strip()) else None


def overdue(now: datetime | None = None) -> datetime | None:
    """Since when there have been events that no checkpoint covers, if that is longer than two hours ago."""
    from django.utils import timezone

    last = newest()
    first = _events(last.seq if last else 0).order_by("seq").values_list("at", flat=True).first()
    if first is None:
        return None
    since = datetime.fromisoformat(first)
    return since if (now or timezone.now()) - since > OVERDUE else None


def verify(most: int | None = None) -> list[Flaw]:
    """Everything that does not hold in the log, in its checkpoints, and in what the log says of its own end.

    With `most`, only about so many of the newest events are read, from a checkpoint on that holds.
    Writing goes on meanwhile: an event that is added while this runs is no flaw.
    """
    from jcml.review.journal import entries
    from jcml.review.models import Head

    found = checkpoints()
    heads = list(Head.objects.order_by("pk").values_list("seq", "hash"))
    head = heads[0] if heads else (0, START)
    start = starting_point(found, head[0], most)
    seen, last = dict([start]), start[0]

    def read() -> Iterator[tuple[Entry, str]]:
        nonlocal last
        for entry, stored in entries(start[0] or -(2**62)):  # an event below 1 is one too many
            if entry.seq == head[0]:
                seen[entry.seq] = stored
            last = max(last, entry.seq)
            yield entry, stored

    known = {seq: stored for seq, stored in found.known().items() if seq > start[0]}
    wrong = [*found.flaws, *flaws(read(), known.items(), start)]
    if len(heads) > 1 or seen.get(head[0]) != head[1] or last > (Head.objects.values_list("seq", flat=True).first() or 0):
        wrong.append(Flaw(head[0], "head"))
    return wrong


def starting_point(found: Found, seq: int, most: int | None) -> tuple[int, str]:
    """The checkpoint from which at most so many events lie before `seq`; the beginning, if that is near enough, or there is none.

    >>> starting_point(Found([Checkpoint(n, f"h{n}", "", "", "") for n in (10, 20, 30)]), 35, 20)
    (20, 'h20')
    >>> starting_point(Found(), 35, 20)[0]
    0
    """
    if most is None or seq <= most:
        return 0, START
    near = [(at, stored) for at, stored in sorted(found.known().items()) if seq - most <= at <= seq]
    return near[0] if near else (0, START)


def _events(after: int) -> QuerySet[Event]:
    from jcml.review.models import Event

    return Event.objects.filter(seq__gt=after)
