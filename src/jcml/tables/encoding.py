"""Which characters a file of bytes stands for, found out by strict decoding and never by guessing.

A file with a byte order mark is what the mark says. Without one it is UTF-8 if every byte of it is valid UTF-8, else
GB 18030 if every byte is valid GB 18030 (which contains GBK and GB 2312), else it is refused with the place of the
first byte that cannot be read. Nothing is replaced or left out on the way, and memory stays bounded.

Python's codec still follows the year-2000 table of GB 18030, in which some characters of names and punctuation lie in
Unicode's private-use area; GB 18030-2022 gives them their real code points. `correct` makes up the difference. It goes
one way only: the four-byte codes that the 2022 standard points at the private-use area stay what they were, as the
Encoding Standard of the web has it too (whatwg/encoding#336).
"""

from __future__ import annotations

import codecs
import io
import re
from pathlib import Path
from typing import Literal, TextIO

Encoding = Literal["utf-8", "gb18030", "utf-16", "utf-32"]
"""What a file can turn out to be; a byte order mark, if there is one, is skipped when the file is opened."""

DECLARED = ("auto", "utf-8", "gbk", "gb18030", "utf-16")
"""What an office may write for a file whose encoding it knows; `gbk` is read as GB 18030, which contains it."""

_CHUNK = 1 << 20
_BOMS: tuple[tuple[bytes, Encoding, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8", "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
_GB18030_2022 = {
    "A6D9": 0xFE10, "A6DA": 0xFE12, "A6DB": 0xFE11, "A6DC": 0xFE13, "A6DD": 0xFE14, "A6DE": 0xFE15, "A6DF": 0xFE16,
    "A6EC": 0xFE17, "A6ED": 0xFE18, "A6F3": 0xFE19, "A8BC": 0x1E3F, "FE59": 0x9FB4, "FE61": 0x9FB5, "FE66": 0x9FB6,
    "FE67": 0x9FB7, "FE6D": 0x9FB8, "FE7E": 0x9FB9, "FE90": 0x9FBA, "FEA0": 0x9FBB,
}  # fmt: skip
_CORRECTED = {ord(bytes.fromhex(code).decode("gb18030")): point for code, point in _GB18030_2022.items()}
_PRIVATE = re.compile("[" + "".join(map(chr, sorted(_CORRECTED))) + "]")


def correct(text: str) -> str:
    """Text that Python decoded from GBK or GB 18030, with the characters of the 2022 standard.

    Only for such text: in text from elsewhere a private-use character means whatever its writer meant.

    >>> correct(bytes.fromhex("FE59").decode("gb18030")) == chr(0x9FB4)
    True
    >>> correct("成品油")
    '成品油'
    """
    return text.translate(_CORRECTED) if _PRIVATE.search(text) else text


def detect(path: Path) -> Encoding:
    """The encoding of a text file; the whole file is decoded strictly, in bounded memory.

    Pure ASCII counts as UTF-8. UTF-16 and UTF-32 are recognised by their byte order mark only.

    Raises
    ------
    ValueError
        If the file is none of these; the message has the offset and the line of the first undecodable byte, as seen
        by the encoding that got furthest.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "stations.csv"
    >>> _ = file.write_bytes("编号,名称\\n1,东环加油站\\n".encode("gbk"))
    >>> detect(file)
    'gb18030'
    >>> _ = file.write_bytes(b"a,b\\n1,\\xff\\n")
    >>> detect(file)
    Traceback (most recent call last):
        ...
    ValueError: neither utf-8 nor gb18030: byte 0xff at offset 6, line 2
    """
    with path.open("rb") as stream:
        start = stream.read(4)
    marked = [(name, codec, len(bom)) for bom, name, codec in _BOMS if start.startswith(bom)]
    plain: list[tuple[Encoding, str, int]] = [("utf-8", "utf-8", 0), ("gb18030", "gb18030", 0)]
    tried = marked[:1] or plain
    failures = []
    for name, codec, skip in tried:
        failure = _first_failure(path, codec, skip)
        if failure is None:
            return name
        failures.append(failure)
    offset, line, byte = max(failures)
    what = "neither utf-8 nor gb18030" if len(tried) > 1 else f"not {tried[0][0]}, as its byte order mark says"
    raise ValueError(f"{what}: byte 0x{byte:02x} at offset {offset}, line {line}")


def open_text(path: Path, encoding: str) -> TextIO:
    """Open a text file for reading from start to end, line ends untouched as the csv module wants them.

    Text from GBK and GB 18030 comes out corrected to the 2022 standard. A byte order mark is skipped; UTF-16 without
    one is little-endian, as Windows writes it. Reading raises UnicodeDecodeError at bytes that do not fit.

    Raises
    ------
    ValueError
        If `encoding` is none that `detect` returns and none of `DECLARED`.

    >>> import csv, tempfile
    >>> file = Path(tempfile.mkdtemp()) / "stations.csv"
    >>> _ = file.write_bytes(codecs.BOM_UTF8 + "编号,名称\\r\\n".encode())
    >>> with open_text(file, "auto") as stream:
    ...     list(csv.reader(stream))
    [['编号', '名称']]
    """
    name = detect(path) if encoding == "auto" else encoding
    if name in ("gbk", "gb18030"):
        return _Corrected(path.open("rb"), encoding="gb18030", newline="")
    if name not in ("utf-8", "utf-16", "utf-32"):
        raise ValueError(f"unknown encoding {encoding!r}; allowed: {', '.join(DECLARED)}")
    return path.open(encoding=_codec(path, name), newline="")


def text_of(part: bytes, encoding: str, *, first: bool) -> TextIO:
    """A part of a file in UTF-8 or GB 18030 that begins where a line begins, as `open_text` would read it.

    >>> text_of("甲,1\\r\\n乙,2\\r\\n".encode("gbk"), "gb18030", first=False).readlines()
    ['甲,1\\r\\n', '乙,2\\r\\n']
    """
    stream = io.BytesIO(part)
    if encoding in ("gbk", "gb18030"):
        return _Corrected(stream, encoding="gb18030", newline="")
    return io.TextIOWrapper(stream, encoding="utf-8-sig" if first else "utf-8", newline="")


def _codec(path: Path, name: str) -> str:
    """The codec that skips a byte order mark where there is one."""
    if name != "utf-16":
        return "utf-8-sig" if name == "utf-8" else name
    with path.open("rb") as stream:
        marked = stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return "utf-16" if marked else "utf-16-le"


class _Corrected(io.TextIOWrapper):
    """GB 18030 text, corrected as it is read; iteration goes through `readline`."""

    def read(self, size: int | None = -1, /) -> str:
        return correct(super().read(size))

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        return correct(super().readline(size))


def _first_failure(path: Path, codec: str, skip: int) -> tuple[int, int, int] | None:
    """Offset, line (from 1) and value of the first byte the codec cannot read; None if it reads all."""
    decoder = codecs.getincrementaldecoder(codec)()
    position, line = skip, 1
    with path.open("rb") as stream:
        stream.seek(skip)
        while True:
            chunk = stream.read(_CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                line += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode(codec)
                return position - pending + error.start, line + good.count("\n"), error.object[error.start]
            if not chunk:
                return None
            position += len(chunk)
