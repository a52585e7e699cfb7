"""A large file in sections that can be read on their own, each row with the number that it has in the whole file.

A text file is cut only where a row certainly begins. Where no quote is in sight every line begins a row; where there
is one, the reader that will read the rows says where they begin. So the rows, their numbers and what is wrong with
them are those of reading the file from its start to its end. A Parquet file is cut between its row groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jcml.errors import DataError, Place
from jcml.tables.encoding import correct, text_of
from jcml.tables.office import Binding
from jcml.tables.reading import Chunk, Opened, csv_chunks, csv_rows, parquet_chunks, set_longest_cell

SIZE = 32 * 1024**2
"""Bytes of a section: what one worker reads at a time."""
_MARK = b"\xef\xbb\xbf"
_TEXT = {"utf-8": "utf-8", "gbk": "gb18030", "gb18030": "gb18030"}


@dataclass(frozen=True)
class Section:
    """A part of a file.

    Parameters
    ----------
    file : str
    header : tuple of str
        The physical columns of the file.
    encoding : str
        `parquet`, or that of the text.
    delimiter : str
    skip : int
        How many rows at its beginning are header.
    start, end : int
        Bytes of a text, row groups of a Parquet file; `end` lies behind the section.
    number : int
        The number of its first line, or row.

    >>> section = Section("vat.csv", ("sales",), "utf-8", ",", 1, 0, 12, 1)
    >>> Section.from_json(section.to_json()) == section
    True
    """

    file: str
    header: tuple[str, ...]
    encoding: str
    delimiter: str
    skip: int
    start: int
    end: int
    number: int

    def to_json(self) -> dict[str, Any]:
        """The section as it travels to a worker."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Section:
        """The section as it arrived."""
        return cls(**{**given, "header": tuple(given["header"])})

    def chunks(self) -> Iterator[Chunk]:
        """Its rows.

        Raises
        ------
        DataError
            JC2102, if there are bytes that are no text of this encoding; JC2109, if a Parquet file is damaged.
        """
        path = Path(self.file)
        if self.encoding == "parquet":
            yield from parquet_chunks(path, self.header, range(self.start, self.end), self.number)
            return
        set_longest_cell()
        with path.open("rb") as stream:
            stream.seek(self.start)
            part = text_of(stream.read(self.end - self.start), self.encoding, first=self.start == 0)
        fix = correct if _TEXT[self.encoding] == "gb18030" else None
        try:
            yield from csv_chunks(csv_rows(part, self.delimiter, self.skip, self.number - 1), self.header, fix)
        except UnicodeDecodeError as error:
            raise DataError("JC2102", Place(path), problem=str(error)) from None


def sections(path: Path, opened: Opened, binding: Binding, size: int = SIZE) -> list[Section]:
    """The sections of a CSV or Parquet file, of at least `size` bytes each but the last.

    Raises
    ------
    DataError
        JC2506, if a text cannot be cut safely: UTF-16 and UTF-32, or no line end within `size`.

    >>> import tempfile
    >>> from jcml.tables.reading import open_source
    >>> file = Path(tempfile.mkdtemp()) / "vat.csv"
    >>> _ = file.write_text('no,what\\n1,plain\\n2,"two\\nlines"\\n3,plain\\n')
    >>> binding = Binding("vat")
    >>> cut = sections(file, open_source(file, binding), binding, size=20)
    >>> [(s.start, s.end, s.number) for s in cut], [n for s in cut for c in s.chunks() for n in c.numbers]
    ([(0, 30, 1), (30, 38, 5)], [2, 3, 5])
    """
    if opened.encoding == "parquet":
        return list(_row_groups(path, opened, size))
    codec = _TEXT.get(opened.encoding)
    if codec is None:
        raise DataError("JC2506", Place(path), problem=opened.encoding)
    try:
        places = list(_row_starts(path, codec, opened.delimiter, size))
    except UnicodeDecodeError as error:
        raise DataError("JC2102", Place(path), problem=str(error)) from None
    ends = [start for start, _ in places[1:]] + [path.stat().st_size]
    return [
        Section(str(path), opened.header, opened.encoding, opened.delimiter, 0 if i else binding.header_row, start, end, number)
        for i, ((start, number), end) in enumerate(zip(places, ends, strict=True))
    ]


def _row_groups(path: Path, opened: Opened, size: int) -> Iterator[Section]:
    import pyarrow.parquet as pq

    about = pq.read_metadata(path)
    start, number, weight, rows = 0, 1, 0, 0
    for group in range(about.num_row_groups):
        weight += about.row_group(group).total_byte_size
        rows += about.row_group(group).num_rows
        if weight >= size or group == about.num_row_groups - 1:
            yield Section(str(path), opened.header, "parquet", "", 0, start, group + 1, number)
            start, number, weight, rows = group + 1, number + rows, 0, 0


def _row_starts(path: Path, codec: str, delimiter: str, size: int) -> Iterator[tuple[int, int]]:
    """(byte, line number) of rows that lie at least `size` apart, the first row of the file first."""
    set_longest_cell()
    whole = path.stat().st_size
    with path.open("rb") as stream:
        at, number = 0, 1
        while at < whole:
            yield at, number
            stream.seek(at)
            block = stream.read(size)
            last = block.rfind(b"\n") + 1
            if at + len(block) == whole:
                return
            if not last:
                raise DataError("JC2506", Place(path), problem=f"{size:,} B")
            if b'"' not in block:
                block = block[:last]
                at, number = at + last, number + block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
            else:
                stream.seek(at)
                at, number = _next_start(stream, codec, delimiter, at, number, size, whole)


def _next_start(stream: Any, codec: str, delimiter: str, at: int, number: int, size: int, whole: int) -> tuple[int, int]:
    begins: dict[int, int] = {}

    def lines() -> Iterator[str]:
        place, line = at, number
        for more in stream:
            for piece in more.splitlines(keepends=True):
                begins[line] = place
                place, line = place + len(piece), line + 1
                yield (piece.removeprefix(_MARK) if begins[line - 1] == 0 else piece).decode(codec)

    for start, _ in csv_rows(lines(), delimiter, 0, number - 1):
        if begins[start] >= at + size:
            return begins[start], start
    return whole, 0
