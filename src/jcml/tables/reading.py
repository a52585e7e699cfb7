"""Files and databases as chunks of raw cells, in bounded memory; the only door to openpyxl and SQLAlchemy.

Nothing is interpreted here: a chunk holds what stands in the source, column by column, with the number of each row
as the source counts it (a line of a text file, a row of a sheet). A row that is not a row (too few or too many
cells) is handed on as such, not dropped.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jcml.errors import ConfigurationError, DataError, InputMissing, JcmlError, Place, Unavailable, nearest
from jcml.tables.encoding import correct, detect, open_text
from jcml.tables.office import Binding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHUNK = 50_000
MOST_COLUMNS = 2_000
LONGEST_CELL = 1_000_000
LONGEST_ROW = 100
_FORMULA = re.compile(rb"<(?:\w{1,8}:)?f[ />]")
MOST_UNPACKED = 2 * 1024**3
HIGHEST_RATIO = 100


@dataclass
class Chunk:
    """Some rows of a source.

    Parameters
    ----------
    columns : dict of name to list
        Raw cells, one list per physical column, all of one length.
    numbers : list of int
        The number of each row in the source, counted from 1, header lines included.
    broken : list of (number, problem, raw)
        Rows that could not be split into cells.

    >>> Chunk({"a": ["1"]}, [2]).rows
    1
    """

    columns: dict[str, list[Any]]
    numbers: list[int]
    broken: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows it holds, those that are broken not counted."""
        return len(self.numbers)


@dataclass(frozen=True)
class Opened:
    """A source that is ready to be read: its header, its encoding, and its chunks.

    >>> Opened(("a",), "utf-8", lambda: iter(())).header
    ('a',)
    """

    header: tuple[str, ...]
    encoding: str
    chunks: Callable[[], Iterator[Chunk]]
    delimiter: str = ""


def open_source(path: Path, binding: Binding) -> Opened:
    """Open a CSV, Excel or Parquet file as a binding describes it.

    Raises
    ------
    InputMissing
        JC2101, if there is no such file.
    DataError
        JC2102 to JC2109: undecodable, no header, too large when unpacked, not the kind of file its name says.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "税.csv"
    >>> _ = file.write_text("纳税人,销售额\\n甲,12.5\\n", encoding="gbk")
    >>> opened = open_source(file, Binding("vat"))
    >>> opened.header, next(opened.chunks()).numbers
    (('纳税人', '销售额'), [2])
    """
    if not path.is_file():
        raise InputMissing("JC2101", Place(path))
    kind = path.suffix.lower()
    if kind in (".csv", ".txt", ".tsv"):
        return _open_csv(path, binding)
    if kind in (".xlsx", ".xlsm"):
        return _open_excel(path, binding)
    if kind in (".parquet", ".pq"):
        return _open_parquet(path)
    raise DataError("JC2103", Place(path), kind=kind or path.name)


def _header(names: Sequence[Any], path: Path, line: int) -> tuple[str, ...]:
    cleaned = tuple(str(n).strip().lstrip("\ufeff") if n is not None else "" for n in names)
    while cleaned and not cleaned[-1]:
        cleaned = cleaned[:-1]
    if not cleaned or not any(cleaned):
        raise DataError("JC2104", Place(path, line))
    if len(cleaned) > MOST_COLUMNS:
        raise DataError("JC2105", Place(path, line), columns=len(cleaned), most=MOST_COLUMNS)
    seen: set[str] = set()
    for number, name in enumerate(cleaned, 1):
        if not name:
            raise DataError("JC2106", Place(path, line), number=number)
        if name in seen:
            raise DataError("JC2107", Place(path, line), column=name)
        seen.add(name)
    return cleaned


# -- text files ------------------------------------------------------------------------------------------------------


def _open_csv(path: Path, binding: Binding) -> Opened:
    try:
        encoding = detect(path) if binding.encoding == "auto" else binding.encoding
    except ValueError as error:
        raise DataError("JC2102", Place(path), problem=str(error)) from None
    set_longest_cell()
    try:
        with open_text(path, encoding) as stream:
            for _ in range(binding.header_row - 1):
                stream.readline()
            first = stream.readline(LONGEST_CELL)
    except UnicodeDecodeError as error:
        raise DataError("JC2102", Place(path), problem=str(error)) from None
    delimiter = binding.delimiter or max(",\t;|", key=first.count)
    fix = correct if encoding in ("gbk", "gb18030") else None
    names = next(csv.reader([first], delimiter=delimiter), [])
    header = _header([fix(n) if fix else n for n in names], path, binding.header_row)

    def chunks() -> Iterator[Chunk]:
        with open_text(path, encoding) as stream:
            try:
                yield from csv_chunks(csv_rows(stream, delimiter, binding.header_row), header, fix)
            except UnicodeDecodeError as error:
                raise DataError("JC2102", Place(path), problem=str(error)) from None

    return Opened(header, encoding, chunks, delimiter)


def set_longest_cell() -> None:
    """Let the csv module take cells of up to a million characters; a longer one is a quote that nobody closed.

    >>> set_longest_cell()
    >>> csv.field_size_limit() == LONGEST_CELL
    True
    """
    csv.field_size_limit(LONGEST_CELL)


class _Lines:
    """Lines for a CSV reader that can be taken back when a row turns out not to end."""

    def __init__(self, stream: Iterator[str], before: int) -> None:
        self.stream = stream
        self.again: list[str] = []
        self.row: list[str] = []
        self.number = before

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.row) >= LONGEST_ROW:
            raise csv.Error("a quote is opened and not closed")
        line = self.again.pop() if self.again else next(self.stream)
        self.row.append(line)
        self.number += 1
        # the csv module stops at NUL; the replacement character is found as damage in the cell
        return str(line.replace("\x00", "\ufffd"))

    def give_back_all_but_first(self) -> str:
        self.again.extend(reversed(self.row[1:]))
        self.number -= len(self.row) - 1
        return self.row[0] if self.row else ""


def csv_rows(stream: Iterator[str], delimiter: str, skip: int, before: int = 0) -> Iterator[tuple[int, list[str] | tuple[str, str]]]:
    """(line number, cells), or (line number, (problem, text)) where the line cannot be read as CSV.

    The first rows are skipped, the header with them; `before` is how many lines of the file lie before this stream.

    >>> list(csv_rows(iter(["a,b\\n", '1,"2\\n', '3"\\n']), ",", skip=1))
    [(2, ['1', '2\\n3'])]
    """
    lines = _Lines(stream, before)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    skipped = 0
    while True:
        lines.row = []
        start = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield start, ("unreadable_row", lines.give_back_all_but_first())
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            continue
        if skipped < skip:
            skipped += 1
            continue
        yield start, cells


def csv_chunks(
    rows: Iterator[tuple[int, list[str] | tuple[str, str]]], header: tuple[str, ...], fix: Callable[[str], str] | None
) -> Iterator[Chunk]:
    """Rows that were split into cells, as chunks; a row of another width than the header's is handed on as broken.

    >>> [(c.columns, c.broken) for c in csv_chunks(iter([(2, ["1", "2"]), (3, ["1"])]), ("a", "b"), None)]
    [({'a': ['1'], 'b': ['2']}, [(3, 'too_few_cells', '1')])]
    """
    width = len(header)
    kept: list[list[str]] = []
    numbers: list[int] = []
    broken: list[tuple[int, str, str]] = []

    def chunk() -> Chunk:
        columns = list(zip(*kept, strict=True)) if kept else [()] * width
        made = {n: [fix(v) for v in c] if fix else list(c) for n, c in zip(header, columns, strict=True)}
        return Chunk(made, list(numbers), list(broken))

    for number, cells in rows:
        if isinstance(cells, tuple):
            broken.append((number, *cells))
        elif not cells or not any(c.strip() for c in cells):
            continue
        else:
            while len(cells) > width and not cells[-1].strip():
                cells.pop()
            if len(cells) != width:
                problem = "too_many_cells" if len(cells) > width else "too_few_cells"
                broken.append((number, problem, "\x1f".join(cells)))
            else:
                kept.append(cells)
                numbers.append(number)
        if len(kept) + len(broken) >= CHUNK:
            yield chunk()
            kept, numbers, broken = [], [], []
    if kept or broken:
        yield chunk()


# -- workbooks -------------------------------------------------------------------------------------------------------


def check_archive(path: Path) -> None:
    """Refuse an archive that unpacks to more than a machine should be asked to hold.

    Raises
    ------
    DataError
        JC2108, over 2 GiB unpacked, over 10,000 entries, or a ratio over 100 beyond 50 MB; JC2109, not an archive.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "no.xlsx"
    >>> _ = file.write_text("not a workbook")
    >>> try:
    ...     check_archive(file)
    ... except DataError as error:
    ...     print(error.code)
    JC2109
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError):
        raise DataError("JC2109", Place(path), kind="xlsx") from None
    size = sum(e.file_size for e in entries)
    packed = max(1, sum(e.compress_size for e in entries))
    if len(entries) > 10_000 or size > MOST_UNPACKED or (size > 50 * 1024**2 and size / packed > HIGHEST_RATIO):
        raise DataError("JC2108", Place(path), size=f"{size:,}", entries=len(entries))


@contextmanager
def _whole(path: Path, kind: str) -> Iterator[None]:
    """Whatever a library says of a damaged file becomes JC2109."""
    try:
        yield
    except JcmlError:
        raise
    except Exception as error:
        raise DataError("JC2109", Place(path), kind=kind, problem=type(error).__name__) from None


def _open_excel(path: Path, binding: Binding) -> Opened:
    import openpyxl

    check_archive(path)

    def rows_of(book: Any, sheet: str, first: int, **limits: int) -> Iterator[Sequence[Any]]:
        found: Iterator[Sequence[Any]] = book[sheet].iter_rows(min_row=first, values_only=True, **limits)
        return found

    with _whole(path, "xlsx"), closing(openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)) as book:
        names = [sheet.title for sheet in book.worksheets]
        sheet = binding.sheet or names[0]
        if sheet not in names:
            raise DataError("JC2110", Place(path), sheet=sheet, nearest=nearest(sheet, names), sheets=", ".join(names))
        header = _header(next(rows_of(book, sheet, binding.header_row, max_row=binding.header_row), ()), path, binding.header_row)

    def chunks() -> Iterator[Chunk]:
        first, width = binding.header_row + 1, len(header)
        with _whole(path, "xlsx"), ExitStack() as stack:
            values, formulas = (
                stack.enter_context(closing(openpyxl.load_workbook(path, read_only=True, data_only=only, keep_links=False)))
                for only in (True, False)
            )
            rows = rows_of(values, sheet, first, max_col=width)
            if _has_formulas(path):
                rows = map(_computed, rows, rows_of(formulas, sheet, first, max_col=width))
            yield from _cell_chunks(enumerate(rows, first), header)

    return Opened(header, "xlsx", chunks)


def _computed(values: Sequence[Any], written: Sequence[Any]) -> tuple[Any, ...]:
    """A formula whose value was never saved is an error value, not an empty cell."""
    return tuple("#N/A" if value is None and formula is not None else value for value, formula in zip(values, written, strict=True))


def _has_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as stream:
                    tail = b""
                    while part := stream.read(1 << 20):
                        if _FORMULA.search(tail + part):
                            return True
                        tail = part[-16:]
    return False


def _cell_chunks(rows: Iterator[tuple[int, Sequence[Any]]], header: tuple[str, ...]) -> Iterator[Chunk]:
    kept: list[Sequence[Any]] = []
    numbers: list[int] = []

    def chunk() -> Chunk:
        columns = zip(*kept, strict=True) if kept else ((),) * len(header)
        return Chunk({n: list(c) for n, c in zip(header, columns, strict=True)}, list(numbers))

    for number, cells in rows:
        if all(c is None or c == "" for c in cells):
            continue
        kept.append(tuple(cells) + (None,) * (len(header) - len(cells)))
        numbers.append(number)
        if len(kept) >= CHUNK:
            yield chunk()
            kept, numbers = [], []
    if kept:
        yield chunk()


# -- Parquet and databases -------------------------------------------------------------------------------------------


def _open_parquet(path: Path) -> Opened:
    import pyarrow.parquet as pq

    with _whole(path, "parquet"):
        names = pq.ParquetFile(path).schema_arrow.names
    header = _header(names, path, 0)

    return Opened(header, "parquet", lambda: parquet_chunks(path, header))


def parquet_chunks(path: Path, header: tuple[str, ...], groups: range | None = None, number: int = 1) -> Iterator[Chunk]:
    """The rows of a Parquet file, or of some of its row groups, the first of which has the given number.

    Raises
    ------
    DataError
        JC2109, if the file is damaged.

    >>> import tempfile
    >>> import pyarrow as pa, pyarrow.parquet as pq
    >>> file = Path(tempfile.mkdtemp()) / "vat.parquet"
    >>> pq.write_table(pa.table({"sales": [1, 2, 3]}), file, row_group_size=2)
    >>> [(c.columns, c.numbers) for c in parquet_chunks(file, ("sales",), range(1, 2), number=3)]
    [({'sales': [3]}, [3])]
    """
    import pyarrow.parquet as pq

    with _whole(path, "parquet"):
        file = pq.ParquetFile(path)
        parts = (file.iter_batches(CHUNK, row_groups=[i]) for i in (range(file.num_row_groups) if groups is None else groups))  # one call for all keeps what it has read
        for batch in chain.from_iterable(parts):
            columns = {n: batch.column(i).to_pylist() for i, n in enumerate(header)}
            yield Chunk(columns, list(range(number, number + batch.num_rows)))
            number += batch.num_rows


def open_database(binding: Binding, folder: Path) -> Opened:
    """Open a table of a database that SQLAlchemy can reach, by URL; relative SQLite files start at the office's folder.

    Raises
    ------
    Unavailable
        JC2111, if the database does not answer or its driver is not installed.
    ConfigurationError
        JC2112, if it has no such table.

    >>> import sqlite3, tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with sqlite3.connect(folder / "tax.db") as made:
    ...     _ = made.execute("CREATE TABLE vat AS SELECT '甲' AS taxpayer, 12.5 AS sales")
    >>> opened = open_database(Binding("vat", database="sqlite:///tax.db", source_table="vat"), folder)
    >>> next(opened.chunks()).columns
    {'taxpayer': ['甲'], 'sales': [12.5]}
    """
    import sqlalchemy as sa

    url = binding.database
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
        file = folder / url.removeprefix("sqlite:///")
        if not file.is_file():
            raise InputMissing("JC2101", Place(file))
        url = f"sqlite:///{file}"
    try:
        engine = sa.create_engine(url)
        names = sa.inspect(engine).get_table_names() + sa.inspect(engine).get_view_names()
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise Unavailable("JC2111", binding.place, problem=str(error).splitlines()[0]) from None
    if binding.source_table not in names:
        near = nearest(binding.source_table, names)
        raise ConfigurationError("JC2112", binding.place, table=binding.source_table, nearest=near)
    table = sa.Table(binding.source_table, sa.MetaData(), autoload_with=engine)
    header = _header([c.name for c in table.columns], Path(binding.source_table), 0)

    def chunks() -> Iterator[Chunk]:
        number = 1
        try:
            with engine.connect().execution_options(stream_results=True, yield_per=CHUNK) as connection:
                for part in connection.execute(sa.select(table)).partitions(CHUNK):
                    columns = {n: [row[i] for row in part] for i, n in enumerate(header)}
                    yield Chunk(columns, list(range(number, number + len(part))))
                    number += len(part)
        except sa.exc.SQLAlchemyError as error:
            raise Unavailable("JC2111", binding.place, problem=str(error).splitlines()[0]) from None
        finally:
            engine.dispose()

    return Opened(header, "database", chunks)
