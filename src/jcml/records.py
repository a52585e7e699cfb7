"""What crosses the border between engine and workbench: a clue with its reasons, one JSON line each.

The engine writes clues to an outbox, the workbench reads them; neither imports the other. The form is versioned:
`SCHEMA` names it, and a reader refuses what it does not know. Field order, number format and line ends are fixed,
so equal clues are equal bytes. Nothing here says who is guilty: a clue is something to check (需核实线索).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

from jcml.errors import DataError, Place

SCHEMA = "jcml.clue/1"
NAMES_SCHEMA = "jcml.names/1"


@dataclass(frozen=True)
class SourceRow:
    """One row of a source behind a number.

    Parameters
    ----------
    table, row : str
        Contract and row id.
    role : {"row", "condition", "other"}
        Counted itself; made a condition across sources true; holds the same value.
    digest : str
        Keyed digest of its content, to see whether it was changed since.
    batch, line : str, int
        The delivery it came with, and its line there.
    shown : mapping of column to text
        What a reader may see; join keys masked, free text left out.
    keys : mapping of column to "kind:pseudonym"
        What the row names; equal keys are the same person, firm or thing.

    >>> SourceRow("deliveries", "D-1", "row", "ab", "b1", 2, {}).table
    'deliveries'
    """

    table: str
    row: str
    role: Literal["row", "condition", "other"]
    digest: str
    batch: str
    line: int
    shown: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """The rows behind one part of a number (the numerator of a ratio, say), and how many there are in all.

    `rows` holds the first of them; the run's evidence file has every one.

    >>> Part("购进油量", "litres bought", "deliveries", 0, ()).total
    0
    """

    zh: str
    en: str
    table: str
    total: int
    rows: tuple[SourceRow, ...]


@dataclass(frozen=True)
class Statement:
    """One number in words, with its share of the score, its comparison and its source rows.

    Parameters
    ----------
    feature : str
    value : float or None
        None when it is unknown.
    contribution : float
        In log-odds.
    zh, en : str
        The sentence.
    comparison_zh, comparison_en : str
        Against peers; empty when there are too few.
    legal_basis : tuple of str
    parts : tuple of Part

    >>> Statement("a", 1.0, 0.5, "…", "…").contribution
    0.5
    """

    feature: str
    value: float | None
    contribution: float
    zh: str
    en: str
    comparison_zh: str = ""
    comparison_en: str = ""
    legal_basis: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Reason:
    """Why the score is higher, or lower: a statement, and what others of the same group say with it.

    `contribution` is that of the whole group, in log-odds.

    >>> Reason(0.5, Statement("a", 1.0, 0.5, "…", "…")).contribution
    0.5
    """

    contribution: float
    statement: Statement
    also: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Clue:
    """A unit put before a person (线索): what it is, why it is there, what speaks against it, and how sure we are.

    Parameters
    ----------
    id : str
        Of run and unit; the same for the same run.
    selected : {"ranked", "audit"}
        By its place in the order, or drawn at random.
    chance : float
        The probability with which it was selected; 1 for ranked clues.
    rank : int
        Its place in the order of all scored units, from 1.
    margin : float
        Log-odds; `base` plus the contributions of all reasons plus `rest` add up to it.
    probability : float or None
        Calibrated; None at a cold start.
    promise : mapping
        What is known about lists of this model: hit rate with interval, share of false clues, how it was measured.

    >>> why = Reason(0.5, Statement("a", 1.0, 0.5, "…", "…"))
    >>> clue = Clue("c1", "r1", "m", 1, "2025-01-01", {"case": "p"}, "…", "…", "ranked", 1.0, 1, 40, 0.5, 0.0, 0.0, 0.62, "high", (why,), ())
    >>> clue.to_line()[:15]
    '{"as_of":"2025-'
    """

    id: str
    run: str
    model: str
    version: int
    as_of: str
    unit: Mapping[str, str]
    title_zh: str
    title_en: str
    selected: Literal["ranked", "audit"]
    chance: float
    rank: int
    scored: int
    margin: float
    base: float
    rest: float
    probability: float | None
    band: str
    reasons_for: tuple[Reason, ...]
    reasons_against: tuple[Reason, ...]
    facts: tuple[Statement, ...] = ()
    rules: tuple[Statement, ...] = ()
    missing: tuple[str, ...] = ()
    legal_basis: tuple[str, ...] = ()
    lawful_explanations: tuple[tuple[str, str], ...] = ()
    limits: tuple[tuple[str, str], ...] = ()
    promise: Mapping[str, Any] = field(default_factory=dict)
    queue: str = ""
    fingerprint: str = ""
    data_digest: str = ""
    notice_zh: str = "模型结果仅供线索筛查参考，不作为认定事实或责任的依据"
    notice_en: str = "A model's result helps to find clues; it establishes neither fact nor responsibility"

    def to_line(self) -> str:
        """The clue as one line of JSON, always the same bytes for the same clue."""
        content = {"schema": SCHEMA, **_plain(self)}
        return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"

    def rows(self) -> Iterator[SourceRow]:
        """Every source row that it shows, some of them more than once."""
        told = [s for r in (*self.reasons_for, *self.reasons_against) for s in (r.statement, *r.also)]
        for statement in (*told, *self.facts, *self.rules):
            for part in statement.parts:
                yield from part.rows


@dataclass(frozen=True)
class Names:
    """The values behind the masked ones of a source row: title to text. They travel beside the clues, never in them.

    >>> Names("c1", "loans", "L-1", {"户名": "张三"}).to_line()
    '{"clue":"c1","row":"L-1","schema":"jcml.names/1","table":"loans","values":{"户名":"张三"}}\\n'
    """

    clue: str
    table: str
    row: str
    values: Mapping[str, str]

    def to_line(self) -> str:
        """One line of JSON."""
        content = {"schema": NAMES_SCHEMA, **_plain(self)}
        return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def _plain(value: Any) -> Any:
    """Records as dicts and tuples as lists, without the deep copies that `dataclasses.asdict` makes."""
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value


def read_clues(path: Path) -> Iterator[Clue]:
    """The clues of an outbox file, in order.

    Raises
    ------
    DataError
        JC6101, if a line is not a clue of this schema, or has no reason.

    >>> from jcml.workspace.example import example, example_list
    >>> _, store = example()
    >>> [clue.selected for clue in read_clues(store.root / example_list().publication.file)][-2:]  # ranked first, then drawn at random
    ['ranked', 'audit']
    """
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            yield read_clue(line, Place(path, number))


def read_clue(line: bytes | str, place: Place | None = None) -> Clue:
    """The clue of one line.

    Raises
    ------
    DataError
        JC6101, if it is not a clue of this schema, or has no reason.

    >>> from jcml.workspace.example import example, example_list
    >>> _, store = example()
    >>> with (store.root / example_list().publication.file).open("rb") as stream:
    ...     line = next(stream)
    >>> read_clue(line).to_line().encode() == line
    True
    """
    try:
        content = json.loads(line)
        if content.pop("schema") != SCHEMA:
            raise ValueError
        clue = _clue(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DataError("JC6101", place) from None
    if not clue.reasons_for and not clue.reasons_against:
        raise DataError("JC6101", place)
    return clue


def _clue(content: dict[str, Any]) -> Clue:
    pairs: dict[str, Any] = {k: tuple((a, b) for a, b in content.pop(k)) for k in ("lawful_explanations", "limits")}
    reasons: dict[str, Any] = {k: tuple(_reason(r) for r in content.pop(k)) for k in ("reasons_for", "reasons_against")}
    statements: dict[str, Any] = {k: tuple(_statement(s) for s in content.pop(k)) for k in ("facts", "rules")}
    texts: dict[str, Any] = {k: tuple(content.pop(k)) for k in ("missing", "legal_basis")}
    return Clue(**content, **pairs, **reasons, **statements, **texts)


def _reason(content: dict[str, Any]) -> Reason:
    return Reason(content["contribution"], _statement(content["statement"]), tuple(_statement(s) for s in content["also"]))


def _statement(content: dict[str, Any]) -> Statement:
    parts = tuple(
        Part(p["zh"], p["en"], p["table"], p["total"], tuple(SourceRow(**r) for r in p["rows"])) for p in content.pop("parts")
    )
    return Statement(**{**content, "legal_basis": tuple(content["legal_basis"])}, parts=parts)


def write_clues(clues: Iterable[Clue], path: Path) -> int:
    """Write clues, one line each; returns how many. Use it inside `durable.write_file`.

    >>> import tempfile
    >>> write_clues([], Path(tempfile.mkdtemp()) / "clues.jsonl")
    0
    """
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for clue in clues:
            stream.write(clue.to_line())
            count += 1
    return count
