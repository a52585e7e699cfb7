"""Bytes become characters strictly, in bounded memory, and as the standard of 2022 says."""

import codecs
import csv
import tracemalloc
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jcml.tables import encoding
from jcml.tables.encoding import correct, detect, open_text

TEXT = "编号,名称\r\n1,东环加油站\r\n"
STANDARD = {
    "A6D9": 0xFE10, "A6DA": 0xFE12, "A6DB": 0xFE11, "A6DC": 0xFE13, "A6DD": 0xFE14, "A6DE": 0xFE15, "A6DF": 0xFE16,
    "A6EC": 0xFE17, "A6ED": 0xFE18, "A6F3": 0xFE19, "A8BC": 0x1E3F, "FE59": 0x9FB4, "FE61": 0x9FB5, "FE66": 0x9FB6,
    "FE67": 0x9FB7, "FE6D": 0x9FB8, "FE7E": 0x9FB9, "FE90": 0x9FBA, "FEA0": 0x9FBB,
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    return tmp_path / "stations.csv"


def read(file, name):
    with open_text(file, name) as stream:
        return stream.read()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "utf-8"),
        (b"id,name\n", "utf-8"),
        (TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8"),
        (TEXT.encode("gbk"), "gb18030"),
        ("𠮷野,〇".encode("gb18030"), "gb18030"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "utf-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16"),
        (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), "utf-32"),
        (codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"), "utf-32"),
    ],
)
def test_the_encoding_is_found(file, data, found):
    file.write_bytes(data)
    assert detect(file) == found


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("gbk"),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
    ],
)
def test_a_byte_order_mark_is_no_part_of_the_text_and_line_ends_stay(file, data):
    file.write_bytes(data)
    assert read(file, "auto") == TEXT
    assert read(file, detect(file)) == TEXT
    with open_text(file, "auto") as stream:
        assert list(csv.reader(stream)) == [["编号", "名称"], ["1", "东环加油站"]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b\n1,\xff\n", "neither utf-8 nor gb18030: byte 0xff at offset 6, line 2"),
        ("甲,乙\n丙,".encode() + b"\xff", "neither utf-8 nor gb18030: byte 0xff at offset 12, line 2"),
        ("甲,乙\n丙,".encode("gbk") + b"\x81\n", "neither utf-8 nor gb18030: byte 0x81 at offset 9, line 2"),
        (codecs.BOM_UTF8 + b"a\n\n\x80", "not utf-8, as its byte order mark says: byte 0x80 at offset 6, line 3"),
        (
            codecs.BOM_UTF16_LE + b"a\x00\n\x00b",
            "not utf-16, as its byte order mark says: byte 0x62 at offset 6, line 2",
        ),
        (TEXT.encode() + TEXT.encode("gbk"), "neither utf-8 nor gb18030: byte 0xb1 at offset 34, line 3"),
    ],
)
def test_the_first_undecodable_byte_is_named(file, data, message):
    file.write_bytes(data)
    with pytest.raises(ValueError, match=f"^{message}$"):
        detect(file)


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
@pytest.mark.parametrize("shift", range(5))
def test_a_character_across_two_chunks_is_read_whole(file, monkeypatch, codec, shift):
    monkeypatch.setattr(encoding, "_CHUNK", 64)
    text = "a" * (61 + shift) + "\n𠮷东" * 60
    file.write_bytes(text.encode(codec))
    assert detect(file) == codec
    broken = text.encode(codec) + b"\n\xff"
    file.write_bytes(broken)
    with pytest.raises(ValueError, match=f"0xff at offset {len(broken) - 1}, line 62"):
        detect(file)


def test_a_large_file_is_examined_in_bounded_memory(file):
    with file.open("wb") as stream:
        for _ in range(12):
            stream.write("东环加油站,1234.50\n".encode("gbk") * 48_000)
    assert file.stat().st_size > 10_000_000
    tracemalloc.start()
    found = detect(file)
    with open_text(file, found) as stream:
        lines = sum(1 for _ in stream)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found, lines) == ("gb18030", 12 * 48_000)
    assert peak < 6_000_000


@pytest.mark.parametrize(("code", "point"), STANDARD.items())
def test_two_byte_codes_become_the_characters_of_the_2022_standard(file, code, point):
    data = bytes.fromhex(code)
    assert unicodedata.category(data.decode("gb18030")) == "Co"  # what Python makes of it without us
    assert correct(data.decode("gb18030")) == chr(point)
    file.write_bytes(b"\xd0\xd5\xc3\xfb," + data + b"\n")
    assert read(file, "auto") == f"姓名,{chr(point)}\n"


def test_text_is_corrected_whichever_way_the_stream_is_read(file):
    file.write_bytes(b"\xfe\x59\n" * 3)
    for name in ("gbk", "gb18030"):
        with open_text(file, name) as stream:
            assert stream.readline() == "\u9fb4\n"
            assert next(stream) == "\u9fb4\n"
            assert stream.read(1) == "\u9fb4"
            assert stream.read() == "\n"


def test_private_use_characters_of_a_unicode_file_are_left_alone(file):
    file.write_text("\ue81e\n", encoding="utf-8")
    assert read(file, "auto") == "\ue81e\n"


def test_four_byte_codes_keep_their_meaning(file):
    file.write_bytes(b"\xd0\xd5," + "\u9fb4\u1e3f".encode("gb18030"))
    assert read(file, "gb18030") == "姓,\u9fb4\u1e3f"


def test_declared_utf_16_without_a_mark_is_little_endian(file):
    file.write_bytes(TEXT.encode("utf-16-le"))
    assert read(file, "utf-16") == TEXT


def test_a_wrong_declaration_is_noticed_when_reading(file):
    file.write_bytes(TEXT.encode("gbk"))
    with pytest.raises(UnicodeDecodeError):
        read(file, "utf-8")


def test_an_unknown_declaration_is_refused(file):
    file.write_bytes(b"")
    with pytest.raises(ValueError, match="unknown encoding 'latin-1'"):
        open_text(file, "latin-1")


@pytest.mark.parametrize("declared", encoding.DECLARED)
def test_every_declaration_is_accepted(file, declared):
    file.write_bytes(TEXT.encode({"auto": "utf-8", "gbk": "gbk"}.get(declared, declared)))
    assert read(file, declared) == TEXT


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Co"])))
def test_any_text_comes_back_from_either_encoding(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("text") / "any.csv"
    for declared, codec in (("utf-8", "utf-8-sig"), ("gb18030", "gb18030")):
        file.write_bytes(text.encode(codec))
        assert read(file, declared) == text
