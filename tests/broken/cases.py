"""The corpus: what is broken, which command meets it, and what the command must say.

A `Case` must end with its exit code and error code, name its place, say what to do next, and leave the state as it
was. A `BadRow` must be refused alone, with its column, reason and masked value. An `Accepted` file looks broken and
is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from broken.damage import (
    ARTIFACTS,
    DELIVERIES,
    HEADER,
    MODEL,
    Damage,
    append,
    bomb,
    both,
    column,
    contract,
    cut,
    database,
    definition,
    deliveries,
    file_in_place,
    flip,
    folder_in_place,
    forge,
    held,
    hostile_pickle,
    leads_nowhere,
    parquet,
    remove,
    repacked,
    replace,
    rights,
    rows,
    tag,
    unpublished,
    workbook,
    write,
)

SCORED = "2025-01-01"
SCORE = f"score example --as-of {SCORED}"
AGAIN = "score example --as-of 2024-10-01"
TRAIN = "train example --until 2025-01-01"
IMPORT = "data import deliveries"
CHECK = "model check"
OFFICE, PLAN, USE = "office.toml", "training/example.yaml", "serving/example.yaml"


@dataclass(frozen=True)
class Case:
    """One broken thing.

    Parameters
    ----------
    name : str
        What is broken, in words.
    damage : Damage or None
        Breaks a copy of an office with imported data, a champion and a published list; None where only the command is wrong.
    command : str
    exit_code, code : int, str
        Expected.
    at : str
        The end of the file's path that the message must name; empty where there is none.
    line : str
        What stands on the named line of that file; empty when no line is named.
    says : str
        A part of the message.
    before : str
        A command that must succeed after the damage, before the one that fails.
    """

    name: str
    damage: Damage | None
    command: str
    exit_code: int
    code: str
    at: str = ""
    line: str = ""
    says: str = ""
    before: str = ""


COMMAND_LINE = [
    Case("no such command", None, "scroe example", 2, "JC0001", says='did you mean "score"?'),
    Case("no such error code", None, "help JC9999", 2, "JC0002"),
    Case("no such subcommand", None, "data improt", 2, "JC0003", says="improt"),
    Case("an option is missing", None, "score example", 2, "JC0003", says="--as-of"),
    Case("the as-of date is 31 February", None, "score example --as-of 2025-02-31", 2, "JC0003", says="2025-02-31"),
    Case("an option is no number", None, "clues example --limit many", 2, "JC0003", says="many"),
    Case("no such model", None, "score exmaple --as-of 2025-01-01", 66, "JC1002", says='did you mean "example"?'),
    Case("no such table", None, "data import delivery", 78, "JC2121", says='did you mean "deliveries"?'),
    Case("a table that is not bound", None, "data import wells", 78, "JC2122", at=OFFICE),
    Case("no such feature", None, f"features evidence example delivered_to --as-of {SCORED} --unit P-0001", 2, "JC3101", says="delivered_to_declared"),
    Case("no such unit", None, f"features evidence example delivered_to_declared --as-of {SCORED} --unit P-9999", 66, "JC3102", says="P-9999"),
    Case("a name with a path in it", None, "model new ../evil", 2, "JC1008"),
    Case("a name that is taken", None, "model new example", 73, "JC1009", at=MODEL),
    Case("a workspace is there already", None, "init {office}", 73, "JC1007", at="features"),
    Case("no workspace", remove("training"), CHECK, 66, "JC1001"),
    Case("no office", remove(OFFICE), "data ls", 66, "JC1300", at=OFFICE),
    Case("no such clue", None, "explain 0123456789abcdef", 66, "JC6006"),
    Case("an empty clue id", None, "explain ''", 66, "JC6006"),
    Case("nothing published", remove("state/ledger.sqlite*"), "report example", 66, "JC6008"),
    Case("no such version", None, "registry show example --version 7", 66, "JC5002", says="1"),
    Case("promotion without a reason", None, "registry promote example --version 1 --by 测试人", 2, "JC5006"),
    Case("no earlier champion", None, "registry rollback example --by 测试人 --because 测试一下", 66, "JC5007"),
]

FILES = [
    Case("the file is missing", remove(DELIVERIES), IMPORT, 66, "JC2101", at=OFFICE, line="[tables.deliveries]"),
    Case("a pattern that matches nothing, alone", replace(OFFICE, ("data/deliveries.csv", "data/none*.csv")), IMPORT, 66, "JC2101", at=OFFICE, line="[tables.deliveries]"),
    Case("a pattern that matches nothing, beside a file that is not there", replace(OFFICE, ('"data/deliveries.csv"', '["data/none.csv", "data/none*.csv"]')), IMPORT, 66, "JC2101", at=OFFICE, line="[tables.deliveries]"),
    Case("a folder in place of the file", folder_in_place(DELIVERIES), IMPORT, 66, "JC2101", at=DELIVERIES),
    Case("an empty file", deliveries(""), IMPORT, 65, "JC2104", at=DELIVERIES),
    Case("blank lines", deliveries("\n\n\n"), IMPORT, 65, "JC2104", at=DELIVERIES),
    Case("a header and no rows", deliveries(HEADER + "\n"), IMPORT, 65, "JC2141", at=DELIVERIES),
    Case("no header", deliveries(rows().split("\n", 1)[1]), IMPORT, 78, "JC2120", at=OFFICE, line="[tables.deliveries]", says="送货单号"),
    Case("a column twice in the header", deliveries(rows(header="送货单号,场所编号,数量,数量,入库日期")), IMPORT, 65, "JC2107", at=DELIVERIES, line="数量,数量"),
    Case("a column without a name", deliveries(rows(header="送货单号,,数量,送货日期,入库日期")), IMPORT, 65, "JC2106", at=DELIVERIES, line="送货单号,,"),
    Case("a column is missing", deliveries(rows(header="送货单号,场所编号,数量,发货日,入库日期")), IMPORT, 78, "JC2120", at=OFFICE, says="送货日期"),
    Case("no known-on column", deliveries(rows(header="送货单号,场所编号,数量,送货日期,备注")), IMPORT, 78, "JC2120", at=OFFICE, says="入库日期"),
    Case("a wrong delimiter", deliveries(rows(), delimiter=";"), IMPORT, 78, "JC2120", at=OFFICE),
    Case("three thousand columns", deliveries(",".join(f"c{i}" for i in range(3000)) + "\n"), IMPORT, 65, "JC2105", at=DELIVERIES, says="3000"),
    Case("a header of two megabytes", deliveries("x" * 2_000_000 + "\n1\n"), IMPORT, 78, "JC2120", at=OFFICE),
    Case("UTF-8 and GBK in one file", deliveries(rows().encode() + "D-9,P-0001,1,2024-01-11,2024-01-21,东环\n".encode("gbk") + b"\xff\n"), IMPORT, 65, "JC2102", at=DELIVERIES, says="line 6"),
    Case("GBK that is said to be UTF-8", deliveries(rows().encode("gbk"), encoding="utf-8"), IMPORT, 65, "JC2102", at=DELIVERIES),
    Case("UTF-16 cut inside a character", deliveries(rows().encode("utf-16")[:-1]), IMPORT, 65, "JC2102", at=DELIVERIES),
    Case("UTF-8 cut inside a character, after the header", deliveries(rows().encode() + "D-9,东".encode()[:-1], encoding="utf-8"), IMPORT, 65, "JC2102", at=DELIVERIES),
    Case("bytes that are no text", deliveries(bytes(range(256)) * 20), IMPORT, 65, "JC2102", at=DELIVERIES),
    Case("an old workbook", deliveries(b"\xd0\xcf\x11\xe0", "data/deliveries.xls"), IMPORT, 65, "JC2103", at="deliveries.xls", says=".xls"),
    Case("every row is cut", deliveries(rows(*["D-9,P-0001"] * 3, good=0)), IMPORT, 65, "JC2140", at=DELIVERIES, says="3 of 3 rows refused"),
    Case("a column of another type", deliveries(rows(*[f"D-{i},P-0001,many,2024-01-11,2024-01-21" for i in range(3)], good=0)), IMPORT, 65, "JC2140", at=DELIVERIES, says='most often "litres": not a number'),
    Case("more bad rows than the office takes", deliveries(rows("D-9,P-0001,many,2024-01-11,2024-01-21"), quarantine_at_most=0.2), IMPORT, 65, "JC2140", at=DELIVERIES, says="1 of 4 rows refused, more than 20%"),
    Case("a workbook cut in the middle", deliveries(workbook()[:2000], "data/deliveries.xlsx"), IMPORT, 65, "JC2109", at="deliveries.xlsx"),
    Case("a text file called xlsx", deliveries(rows(), "data/deliveries.xlsx"), IMPORT, 65, "JC2109", at="deliveries.xlsx"),
    Case("a workbook without sheets", deliveries(repacked(workbook(), **{"xl/workbook.xml": lambda x: x[: x.index(b"<sheets>")] + b"<sheets></sheets></workbook>"}), "data/deliveries.xlsx"), IMPORT, 65, "JC2109", at="deliveries.xlsx"),
    Case("a workbook whose sheet is damaged", deliveries(repacked(workbook(*[HEADER.split(",")] * 300), sheet1=lambda x: x[: len(x) // 2]), "data/deliveries.xlsx"), IMPORT, 65, "JC2109", at="deliveries.xlsx"),
    Case("a workbook that unpacks to 60 MB of nothing", deliveries(bomb(), "data/deliveries.xlsx"), IMPORT, 65, "JC2108", at="deliveries.xlsx"),
    Case("a sheet that is not there", deliveries(workbook(), "data/deliveries.xlsx", sheet="二月"), IMPORT, 65, "JC2110", at="deliveries.xlsx", says="二月"),
    Case("formulas without values", deliveries(workbook(HEADER.split(","), ["D-1", "P-0001", "=1+1", "2024-01-11", "2024-01-21"]), "data/deliveries.xlsx"), IMPORT, 65, "JC2140", at="deliveries.xlsx", says='"litres": a formula without a value'),
    Case("an empty sheet", deliveries(workbook([]), "data/deliveries.xlsx"), IMPORT, 65, "JC2104", at="deliveries.xlsx"),
    Case("Parquet cut in the middle", deliveries(parquet()[:-100], "data/deliveries.parquet"), IMPORT, 65, "JC2109", at="deliveries.parquet"),
    Case("a text file called parquet", deliveries(rows(), "data/deliveries.parquet"), IMPORT, 65, "JC2109", at="deliveries.parquet"),
    Case("Parquet with damaged pages", deliveries(parquet()[:4] + bytes(400) + parquet()[404:], "data/deliveries.parquet"), IMPORT, 65, "JC2109", at="deliveries.parquet"),
    Case("Parquet with lists for numbers", deliveries(parquet(数量=[["1"], ["2"]]), "data/deliveries.parquet"), IMPORT, 65, "JC2140", at="deliveries.parquet", says='"litres"'),
    Case("Parquet with bytes for keys", deliveries(parquet(场所编号=[b"\x00\xff", b"b"]), "data/deliveries.parquet"), IMPORT, 65, "JC2140", at="deliveries.parquet", says='"place"'),
    Case("a database file that is not one", database("sqlite:///data/places.csv"), IMPORT, 69, "JC2111", at=OFFICE, line="[tables.deliveries]"),
    Case("no such database file", database("sqlite:///data/none.db"), IMPORT, 66, "JC2101", at="none.db"),
    Case("no driver for the database", database("nosuch://host/base"), IMPORT, 69, "JC2111", at=OFFICE),
    Case("no such table in the database", database("sqlite:///state/catalogue.sqlite"), IMPORT, 78, "JC2112", at=OFFICE),
]

OFFICE_FILE = [
    Case("an unknown key", append(OFFICE, 'fiels = "x.csv"\n'), "data ls", 78, "JC1103", OFFICE, "fiels", says='did you mean "files"?'),
    Case("a number for a name", replace(OFFICE, ('name = "示例办案单位"', "name = 5")), "data ls", 78, "JC1105", OFFICE, "name = 5"),
    Case("no name", replace(OFFICE, ('name = "示例办案单位"', "")), "data ls", 78, "JC1101", OFFICE, says='"name"'),
    Case("TOML that ends too early", append(OFFICE, "[tables.wells\n"), "data ls", 78, "JC1301", OFFICE, "[tables.wells"),
    Case("a key twice", append(OFFICE, 'files = "b.csv"\n'), "data ls", 78, "JC1301", OFFICE),
    Case("office.toml in GBK", write(OFFICE, 'name = "示例"'.encode("gbk")), "data ls", 78, "JC1110", OFFICE),
    Case("a folder called office.toml", folder_in_place(OFFICE), "data ls", 66, "JC1300", OFFICE),
    Case("no such time zone", replace(OFFICE, ("threads", 'time_zone = "Asia/Beijing"\nthreads')), "data ls", 78, "JC1302", OFFICE, "Asia/Beijing"),
    Case("a time zone that is a path", replace(OFFICE, ("threads", 'time_zone = "../../etc/passwd"\nthreads')), "data ls", 78, "JC1302", OFFICE, "passwd"),
    Case("a table that no contract describes", append(OFFICE, '[tables.delivery]\nfiles = "a.csv"\n'), "data import", 78, "JC2121", OFFICE, "[tables.delivery]", says='did you mean "deliveries"?'),
    Case("files and a database", append(OFFICE, 'database = "sqlite:///a.db"\ntable = "a"\n'), "data ls", 78, "JC1303", OFFICE, "[tables.findings]"),
    Case("a database without its table", replace(OFFICE, ('files = "data/findings.csv"', 'database = "sqlite:///a.db"')), "data ls", 78, "JC1101", OFFICE, says="table"),
    Case("a file name that is a number", replace(OFFICE, ('"data/findings.csv"', "[5]")), "data ls", 78, "JC1105", OFFICE, "[5]"),
    Case("an unknown encoding", append(OFFICE, 'encoding = "gb2132"\n'), "data ls", 78, "JC1108", OFFICE, "gb2132"),
    Case("a delimiter of two characters", append(OFFICE, 'delimiter = "||"\n'), "data ls", 78, "JC1109", OFFICE, "delimiter"),
    Case("a header in row 0", append(OFFICE, "header_row = 0\n"), "data ls", 78, "JC1109", OFFICE, "header_row"),
    Case("a quarantine of 150 %", append(OFFICE, "quarantine_at_most = 1.5\n"), "data ls", 78, "JC1109", OFFICE, "quarantine_at_most"),
    Case("a period that ends before it begins", append(OFFICE, 'missing = [["2023-05-01", "2023-04-01"]]\n'), "data ls", 78, "JC1304", OFFICE, "missing"),
    Case("a time of day for a day", append(OFFICE, "covered_from = 2021-01-01T10:00:00\n"), "data ls", 78, "JC1105", OFFICE, "covered_from"),
    Case("an unknown unit", append(OFFICE, '[tables.deliveries.columns]\nlitres = { column = "数量", unit = "桶" }\n'), "data ls", 78, "JC1108", OFFICE, "桶"),
    Case("a factor that is no number", append(OFFICE, '[tables.deliveries.columns]\nlitres = { column = "数量", factor = "ten" }\n'), "data ls", 78, "JC1105", OFFICE, "ten"),
    Case("an infinite factor", append(OFFICE, '[tables.deliveries.columns]\nlitres = { column = "数量", factor = inf }\n'), "data ls", 78, "JC1105", OFFICE, "inf"),
    Case("a column and a constant", append(OFFICE, '[tables.deliveries.columns]\nlitres = { column = "数量", constant = 1 }\n'), "data ls", 78, "JC1305", OFFICE, "litres"),
    Case("a column that the contract has not", append(OFFICE, '[tables.deliveries.columns]\nliters = "数量"\n'), IMPORT, 78, "JC2123", OFFICE, "[tables.deliveries]", says='did you mean "litres"?'),
    Case("an unreadable memory limit", replace(OFFICE, ('"1GB"', '"much"')), "data ls", 78, "JC1105", OFFICE, "memory"),
    Case("no memory at all", replace(OFFICE, ('"1GB"', '"0GB"')), "data ls", 78, "JC1105", OFFICE, "memory"),
    Case("a negative number of threads", replace(OFFICE, ("threads = 1", "threads = -1")), "data ls", 78, "JC1109", OFFICE, "threads"),
    Case("a capacity of 0", append(OFFICE, "[models.example]\ncapacity = 0\n"), "data ls", 78, "JC1109", OFFICE, "capacity"),
    Case("a number for a model's settings", append(OFFICE, "[models]\nexample = 5\n"), "data ls", 78, "JC1105", OFFICE, "example = 5"),
    Case("four problems at once", append(OFFICE, 'fiels = "x"\nheader_row = "one"\nencoding = "x"\nquarantine_at_most = 2\n'), "data ls", 78, "JC1103", OFFICE, "fiels", says="JC1109"),
]

SYNTAX = [
    Case("import of os", definition(top="import os"), CHECK, 78, "JC1211", MODEL, "import os", says="import os"),
    Case("import from subprocess", definition(top="from subprocess import run"), CHECK, 78, "JC1211", MODEL, "subprocess"),
    Case("import of everything", definition(top="from jcml.features import *"), CHECK, 78, "JC1211", MODEL, "import *"),
    Case("a module that datetime holds", definition(top="from datetime import sys"), CHECK, 78, "JC1211", MODEL, "datetime import sys"),
    Case("a module that jcml holds", definition(top="from jcml.tables import reading"), CHECK, 78, "JC1211", MODEL, "import reading"),
    Case("an import that hides the built-in names", definition(top="from jcml.features import months as __builtins__"), CHECK, 78, "JC1211", MODEL, "__builtins__"),
    Case("import from outside the folder", definition(top="from ...outside import x"), CHECK, 78, "JC1211", MODEL, "...outside"),
    Case("a dunder attribute", definition(top="found = ().__class__"), CHECK, 78, "JC1211", MODEL, "__class__"),
    Case("a dunder attribute inside a text", definition(top='found = f"{months.__globals__}"'), CHECK, 78, "JC1211", MODEL, "__globals__"),
    Case("a dunder name", definition(top='found = __import__("os")'), CHECK, 78, "JC1211", MODEL, "__import__"),
    Case("a dunder name among the bases of a class", definition(top='class Found(__import__("os").PathLike):\n    pass_on = 1'), CHECK, 78, "JC1211", MODEL, "__import__"),
    Case("a frame behind a generator", definition(top="found = (m for m in (1,)).gi_frame"), CHECK, 78, "JC1211", MODEL, "gi_frame"),
    Case("a text's own format", definition(top='found = "{0}".format(1)'), CHECK, 78, "JC1211", MODEL, "format"),
    Case("a function", definition(top="def found():\n    return 1"), CHECK, 78, "JC1211", MODEL, "def found"),
    Case("a loop", definition(top="for found in ():\n    found"), CHECK, 78, "JC1211", MODEL, "for found"),
    Case("a power", definition(top="found = 9 ** 9 ** 9"), CHECK, 78, "JC1211", MODEL, "9 ** 9"),
    Case("a list too long for any machine", definition(top="found = [0] * 99999999999999"), CHECK, 78, "JC1213", MODEL, "999999"),
    Case("a number too large", definition(top="found = [0] * 99999999999999999999999"), CHECK, 78, "JC1213", MODEL, "999999"),
    Case("an open bracket", definition(top="found = ("), CHECK, 78, "JC1210", MODEL, "found = ("),
    Case("a name twice in dict(…)", definition(feature="months(1),\n        broken=months(2)"), CHECK, 78, "JC1210", MODEL, "broken=months(2)"),
    Case("a name twice in braces", definition(top='found = {"a": 1, "a": 2}'), CHECK, 78, "JC1210", MODEL, '"a": 2'),
    Case("a NUL byte", definition(top="found = '\0'"), CHECK, 78, "JC1210", MODEL),
    Case("brackets ten thousand deep", definition(top="found = " + "(" * 10_000 + ")" * 10_000), CHECK, 78, "JC1210", MODEL),
    Case("a definition in GBK", write(MODEL, "标题 = 1".encode("gbk")), CHECK, 78, "JC1110", MODEL),
    Case("an empty definition", write(MODEL, ""), CHECK, 78, "JC1212", MODEL),
    Case("an unknown word", definition(feature="Deliveries.litres.sum(over=mnths(12))"), CHECK, 78, "JC1213", MODEL, "mnths", says='did you mean "months"?'),
    Case("an unknown keyword", definition(feature="Deliveries.litres.sum(ovr=YEAR)"), CHECK, 78, "JC1213", MODEL, "ovr="),
    Case("a part that another file lacks", definition(top="from .tables.example import Station"), CHECK, 78, "JC1213", MODEL, "Station"),
    Case("two files that import each other", both(definition(top="from .shared.other import a"), write("features/shared/other.py", "from ..example import b\n")), CHECK, 78, "JC1214", says="example.py → other.py → example.py"),
    Case("two contracts of one name", contract('x = Column(text, "", "", role=("key", "row id"), entity="x")\nk = Column(date, "", "", role="known on")', kind="EntityTable", name="Wells"), "data ls", 78, "JC1215", "registers.py", says="wells"),
    Case("a definition without its plan", remove(PLAN), CHECK, 78, "JC1003", PLAN),
    Case("a folder in place of the plan", folder_in_place(PLAN), CHECK, 78, "JC1003", PLAN),
]

CONTRACTS = [
    Case("a column with a word of the language", contract('count = Column(integer, "", "")'), "data ls", 78, "JC1201", "tables/broken.py", "class Broken"),
    Case("an unknown role", contract('x = Column(date, "", "", role="happend on")'), "data ls", 78, "JC1202", "tables/broken.py", "class Broken"),
    Case("no known-on role", contract('x = Column(text, "", "", role="row id")\nd = Column(date, "", "", role="happened on")'), "data ls", 78, "JC1203", "tables/broken.py", "class Broken", says="known on"),
    Case("two known-on roles", contract('x = Column(text, "", "", role="row id")\nd = Column(date, "", "", role=("happened on", "known on"))\ne = Column(date, "", "", role="known on")'), "data ls", 78, "JC1204", "tables/broken.py", "class Broken"),
    Case("a text for a date", contract('x = Column(text, "", "", role="row id")\nd = Column(text, "", "", role=("happened on", "known on"))'), "data ls", 78, "JC1205", "tables/broken.py", "class Broken"),
    Case("a register of things that happen", contract('x = Column(text, "", "", role=("key", "row id"), entity="x")\nd = Column(date, "", "", role=("happened on", "known on"))', kind="EntityTable"), "data ls", 78, "JC1206", "tables/broken.py", "class Broken"),
    Case("a protected join key", contract('x = Column(text, "", "", role=("key", "row id"), entity="x", sensitivity="protected")\nd = Column(date, "", "", role="known on")', kind="EntityTable"), "data ls", 78, "JC1207", "tables/broken.py", "class Broken"),
    Case("a column twice", contract('x = Column(text, "", "", role="row id")\nx = Column(text, "", "", role="row id")\nd = Column(date, "", "", role=("happened on", "known on"))'), "data ls", 78, "JC1210", "tables/broken.py", "x = Column"),
    Case("an unknown numbering", contract('x = Column(text, "", "", role="row id", identifier="usc")\nd = Column(date, "", "", role=("happened on", "known on"))'), "data ls", 78, "JC1208", "tables/broken.py", "class Broken", says='did you mean "uscc"?'),
    Case("a misspelt sensitivity", contract('x = Column(text, "", "", role="row id")\ny = Column(text, "", "", sensitivity="protect")\nd = Column(date, "", "", role=("happened on", "known on"))'), "data ls", 78, "JC1208", "tables/broken.py", "class Broken", says='did you mean "protected"?'),
]

LANGUAGE = [
    Case("a sum of texts", definition(feature="Deliveries.place.sum(over=YEAR)"), CHECK, 78, "JC3001", MODEL, "broken="),
    Case("a date compared with a number", definition(feature="Deliveries.count(over=YEAR, where=Deliveries.delivered_on > 5)"), CHECK, 78, "JC3001", MODEL, "broken="),
    Case("a number of months without months()", definition(feature="Deliveries.count(over=12)"), CHECK, 78, "JC3001", MODEL, "broken=", says="months(12)"),
    Case("half a month", definition(feature="Deliveries.count(over=months(1.5))"), CHECK, 78, "JC1213", MODEL, "broken="),
    Case("a window of minus one month", definition(feature="Deliveries.count(over=months(-1))"), CHECK, 78, "JC1213", MODEL, "broken=", says="positive number of months"),
    Case("conditions joined with and", definition(feature="Deliveries.count(over=YEAR, where=Deliveries.litres > 1 and Deliveries.litres < 9)"), CHECK, 78, "JC3002", MODEL, "broken="),
    Case("a share of an amount without where", definition(feature="Deliveries.litres.share(over=YEAR)"), CHECK, 78, "JC3003", MODEL, "broken="),
    Case("a sum over two tables", definition(feature="(Deliveries.litres + Returns.litres).sum(over=YEAR)"), CHECK, 78, "JC3004", MODEL, "broken="),
    Case("an unknown column", definition(feature="Deliveries.litre.sum(over=YEAR)"), CHECK, 78, "JC1213", MODEL, "broken=", says='did you mean "litres"?'),
    Case("an unknown column of chosen rows", definition(feature="Deliveries.matching(plaice=Places.place).count(over=YEAR)"), CHECK, 78, "JC3005", MODEL, "broken=", says='did you mean "place"?'),
    Case("a label that matches an unknown column", definition(("within=months(6),", "within=months(6), plaice=Places.place,")), CHECK, 78, "JC3005", MODEL, "SupervisionModel(", says="plaice"),
    Case("alike without a text", definition(feature="Filings.alike(Filings.company).count(over=YEAR)"), CHECK, 78, "JC3006", MODEL, "broken="),
    Case("near without coordinates", definition(feature="Deliveries.near(500).count(over=YEAR)"), CHECK, 78, "JC3007", MODEL, "broken="),
    Case("a protected attribute", definition(feature="Filings.ethnicity.last(over=YEAR) == '汉'"), CHECK, 78, "JC3010", MODEL, "broken=", says="民族"),
    Case("a single value of many events", definition(feature="Deliveries.litres * 2"), CHECK, 78, "JC3011", MODEL, "SupervisionModel("),
    Case("an aggregate inside a where", definition(feature="Deliveries.count(over=YEAR, where=Returns.count(over=YEAR) > 1)"), CHECK, 78, "JC3013", MODEL, "SupervisionModel("),
    Case("a window over a register", definition(feature="Licences.count(over=YEAR)"), CHECK, 78, "JC3014", MODEL, "SupervisionModel("),
    Case("coordinates of two systems", both(replace("features/tables/example.py", ('    place_name = Column(text, "名称", "Name", role="name")\n', '    crs = "WGS-84"\n    latitude = Column(decimal(6), "纬度", "Latitude", role="latitude")\n    longitude = Column(decimal(6), "经度", "Longitude", role="longitude")\n')), definition(feature="Filings.near(500).count(over=YEAR)")), CHECK, 78, "JC3015", MODEL, "SupervisionModel("),
    Case("rows conditioned on themselves", definition(feature="Deliveries.count(over=YEAR, where=Deliveries.present(place=Deliveries.place))"), CHECK, 78, "JC3016", MODEL, "SupervisionModel("),
    Case("the unit's value inside a condition across sources", definition(feature="Deliveries.count(over=YEAR, where=Returns.present(place=Deliveries.place, where=Returns.return_no == Places.place))"), CHECK, 78, "JC3017", MODEL, "SupervisionModel("),
    Case("the as-of date inside a condition across sources", definition(feature="Deliveries.count(over=YEAR, where=Returns.present(place=Deliveries.place, where=Returns.filed_on < as_of))"), CHECK, 78, "JC3017", MODEL, "SupervisionModel("),
    Case("a dated parameter inside a condition across sources", definition(feature="Deliveries.count(over=YEAR, where=Returns.present(place=Deliveries.place, where=Returns.litres > parameter('penalty_link.handover_days')))"), CHECK, 78, "JC3017", MODEL, "SupervisionModel("),
    Case("a value shared among events", definition(feature="shared(Deliveries.place)"), CHECK, 78, "JC3018", MODEL, "SupervisionModel("),
    Case("a table that does not belong to the unit", definition(feature="Wells.depth > 5"), CHECK, 78, "JC3019", MODEL, "SupervisionModel(", says="Wells"),
    Case("a table that belongs to the unit in two ways", definition(("unit=Places.place", "unit=Depots.depot"), feature="Licences.count(over=ever)"), CHECK, 78, "JC3020", MODEL, "SupervisionModel("),
    Case("a column of what each row refers to", definition(feature="Deliveries.count(over=YEAR, where=Licences.matching(place=Deliveries.place).holder == '甲')"), CHECK, 78, "JC3021", MODEL, "SupervisionModel("),
    Case("a missing parameter", definition(feature="Deliveries.litres.sum(over=YEAR) / parameter('penalty_link.days')"), CHECK, 78, "JC3030", MODEL, "broken="),
    Case("shared without a column", definition(feature="shared(as_of)"), CHECK, 78, "JC3031", MODEL, "broken="),
    Case("a share without where", definition(feature="shared(Licences.holder, measure='share')"), CHECK, 78, "JC3032", MODEL, "broken="),
    Case("a category without codes", definition(feature="category(Filings.contact)"), CHECK, 78, "JC3033", MODEL, "broken="),
    Case("this without a column", definition(feature="this(as_of)"), CHECK, 78, "JC3034", MODEL, "broken="),
    Case("this with a column of another table", definition(feature="Deliveries.count(over=YEAR, where=Deliveries.delivery != this(Deliveries.delivery))"), CHECK, 78, "JC3035", MODEL, "SupervisionModel("),
    Case("a rule that is no condition", definition(rule="rule(delivered, '购进量')"), CHECK, 78, "JC3040", MODEL, "broken="),
    Case("a bare expression for a rule", definition(rule="delivered > 1"), CHECK, 78, "JC3036", MODEL, "SupervisionModel(", says='"broken"'),
    Case("a rule with a column that has no meaning", definition(rule="rule(Wells.depth > 5, '井')"), CHECK, 78, "JC3019", MODEL, "SupervisionModel("),
    Case("a number for a feature", definition(feature="5"), CHECK, 78, "JC3036", MODEL, "SupervisionModel(", says='"broken"'),
    Case("a cohort that is no condition", definition(more="cohort=delivered,"), CHECK, 78, "JC3040", MODEL, "SupervisionModel("),
    Case("a label that is no condition", definition(('Findings.result == "confirmed"', "Findings.result")), CHECK, 78, "JC3040", MODEL, "SupervisionModel("),
    Case("a name that is no word", definition(('delivered_to_declared=', '_hidden=')), CHECK, 78, "JC3041", MODEL, "SupervisionModel("),
    Case("an unknown placeholder in a sentence", definition(("是申报销量的 {value:.1f} 倍", "是申报销量的 {valeu:.1f} 倍")), CHECK, 78, "JC3042", MODEL, "reason(", says="valeu"),
    Case("a wrong number format in a sentence", definition(("{value:.1f} times", "{value:.1q} times")), CHECK, 78, "JC3042", MODEL, "reason(", says=".1q"),
    Case("an open brace in a sentence", definition(("{value:.1f} times", "{value times")), CHECK, 78, "JC3042", MODEL, "reason("),
    Case("an attribute in a sentence", definition(("{value:.1f} times", "{value.__class__} times")), CHECK, 78, "JC3042", MODEL, "reason("),
    Case("a text for a feature", definition(feature="Places.place_name"), CHECK, 78, "JC3043", MODEL, "SupervisionModel(", says="text"),
    Case("no features", definition(("features=dict(", "features=dict(), facts=dict(")), CHECK, 78, "JC3044", MODEL, "SupervisionModel("),
    Case("no legal basis", definition(('legal_basis=("《……》第……条",),', "")), CHECK, 78, "JC3045", MODEL, "SupervisionModel("),
    Case("a text for a unit", definition(("unit=Places.place", "unit='place'")), CHECK, 78, "JC3046", MODEL, "SupervisionModel("),
    Case("events without once", definition(("unit=Places.place", "unit=Deliveries.place")), CHECK, 78, "JC3047", MODEL, "SupervisionModel("),
    Case("a register with once", definition(more="scored=once(),"), CHECK, 78, "JC3048", MODEL, "SupervisionModel("),
    Case("a unit that names nothing", definition(("unit=Places.place", "unit=Places.place_name")), CHECK, 78, "JC3049", MODEL, "SupervisionModel("),
    Case("a label that a stranger must match", definition(("within=months(6),", "within=months(6), place=Wells.well,")), CHECK, 78, "JC3019", MODEL, "SupervisionModel("),
    Case("a label on two tables", definition(('not_confirmed=Findings.result == "not_confirmed"', "not_confirmed=Deliveries.litres > 1")), CHECK, 78, "JC3051", MODEL, "SupervisionModel("),
    Case("a label on a register", definition(('confirmed=Findings.result == "confirmed"', "confirmed=Licences.holder == '甲'"), ('not_confirmed=Findings.result == "not_confirmed"', "not_confirmed=Licences.holder == '乙'")), CHECK, 78, "JC3052", MODEL, "SupervisionModel("),
    Case("two contracts of one name in one definition", both(
        write("features/shared/others.py", 'from jcml.tables import Column, EntityTable, date, text\n\n\nclass Wells(EntityTable):\n    place = Column(text, "", "", role=("key", "row id"), entity="place")\n    k = Column(date, "", "", role="known on")\n'),
        definition(top="from .shared.others import Wells as Others", feature="Others.place.is_null(),\n        other=Wells.depth.is_null()")), CHECK, 78, "JC3050", MODEL, "SupervisionModel("),
]

PLANS = [
    Case("a key twice", append(PLAN, "calibration: auto\ncalibration: none\n"), CHECK, 78, "JC1104", PLAN, "calibration: none"),
    Case("an unknown key", append(PLAN, "calibrashun: auto\n"), CHECK, 78, "JC1103", PLAN, "calibrashun", says='did you mean "calibration"?'),
    Case("a tab", append(PLAN, "leaks:\n\tallow_model: x\n"), CHECK, 78, "JC1106", PLAN, "\tallow"),
    Case("an empty plan", write(PLAN, ""), CHECK, 78, "JC1106", PLAN),
    Case("a plan in GBK", write(PLAN, "标题: 1".encode("gbk")), CHECK, 78, "JC1110", PLAN),
    Case("two documents", append(PLAN, "---\nas_of: 1\n"), CHECK, 78, "JC1106", PLAN),
    Case("a list for a plan", write(PLAN, "- a\n- b\n"), CHECK, 78, "JC1105", PLAN, "- a"),
    Case("a key that is a list", append(PLAN, "? [a, b]\n: c\n"), CHECK, 78, "JC1105", PLAN, "[a, b]"),
    Case("an anchor", append(PLAN, "leaks: &a {}\n"), CHECK, 78, "JC1107", PLAN, "&a"),
    Case("a bomb of aliases", write(PLAN, "a: &a [x, x]\n" + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi"))), CHECK, 78, "JC1107", PLAN, "a: &a"),
    Case("a tag that makes an object", append(PLAN, "leaks: !!python/object/apply:os.system [true]\n"), CHECK, 78, "JC1107", PLAN, "!!python"),
    Case("brackets fifty thousand deep", write(PLAN, "[" * 50_000), CHECK, 78, "JC1106", PLAN),
    Case("a file of two megabytes", write(PLAN, "#" * 2_000_000), CHECK, 78, "JC1106", PLAN),
    Case("a text for a number", replace(PLAN, ("folds: 3", "folds: three")), CHECK, 78, "JC1105", PLAN, "folds: three"),
    Case("yes for true", replace(PLAN, ("rounds: 30", "rounds: 30, balance: yes")), CHECK, 78, "JC1105", PLAN, "balance: yes", says="true / false"),
    Case("a gate of NaN", replace(PLAN, ("at_least: -0.5", "at_least: .nan")), CHECK, 78, "JC1105", PLAN, "nan"),
    Case("no because", replace(PLAN, ("    because: 规则已能做到的，不用模型\n", "")), CHECK, 78, "JC1101", PLAN, "- metric", says="because"),
    Case("a because that says nothing", replace(PLAN, ("规则已能做到的，不用模型", "是")), CHECK, 78, "JC1109", PLAN, "- metric", says="because"),
    Case("an unknown metric", replace(PLAN, ("metric: gain_over_best_rule", "metric: gain_over_best_rul")), CHECK, 78, "JC4004", PLAN, "- metric", says='did you mean "gain_over_best_rule"?'),
    Case("no gates", replace(PLAN, ("gates:\n  - metric: gain_over_best_rule\n    at_least: -0.5\n    because: 规则已能做到的，不用模型\n", "gates: []\n")), CHECK, 78, "JC1109", PLAN),
    Case("a gate with both bounds", replace(PLAN, ("at_least: -0.5", "at_least: -0.5\n    at_most: 1")), CHECK, 78, "JC1109", PLAN, "- metric"),
    Case("a shuffled split", replace(PLAN, ("by: time", "by: random")), CHECK, 78, "JC1108", PLAN, "by: random", says="time"),
    Case("a negative search budget", replace(PLAN, ("trials: 0", "trials: -1")), CHECK, 78, "JC1109", PLAN, "trials: -1"),
    Case("no patience", replace(PLAN, ("rounds: 30", "rounds: 30, early_stopping: 0")), CHECK, 78, "JC1109", PLAN, "early_stopping: 0"),
    Case("an alarm that can never ring", append(PLAN, "leaks: {single_feature_auc: 2}\n"), CHECK, 78, "JC1109", PLAN, "single_feature_auc: 2"),
    Case("a leak allowed without a reason", append(PLAN, 'leaks: {allow: {delivered_to_declared: ""}}\n'), CHECK, 78, "JC1109", PLAN, "allow"),
    Case("a leak allowed for a feature that is not there", append(PLAN, "leaks: {allow: {delivered: 核对过来源}}\n"), CHECK, 78, "JC1006", PLAN, "delivered: 核对过来源", says="delivered_to_declared"),
    Case("a gap shorter than the label needs", replace(PLAN, ("folds: 3", "folds: 3\n  gap: 1 month")), CHECK, 78, "JC1004", PLAN, "gap: 1 month"),
    Case("a last day before the first", replace(PLAN, ("last: newest", "last: 2020-01-01")), CHECK, 78, "JC1109", PLAN, says="last lies before first"),
    Case("31 February", replace(PLAN, ("first: 2022-04-01", "first: 2022-02-31")), CHECK, 78, "JC1105", PLAN, "2022-02-31"),
    Case("a step of no length", replace(PLAN, ("every: 3 months", "every: 0 months")), CHECK, 78, "JC1105", PLAN, "every: 0 months"),
    Case("another step in use than in training", replace(USE, ("every: 3 months", "every: 1 month")), CHECK, 78, "JC1005", USE, "every: 1 month"),
    Case("a capacity of 0", replace(USE, ("capacity: 10", "capacity: 0")), CHECK, 78, "JC1109", USE),
    Case("an audit share of 100 %", replace(USE, ("audit_share: 0.1", "audit_share: 1.0")), CHECK, 78, "JC1109", USE),
    Case("a negative number of evidence rows", append(USE, "evidence_rows: -1\n"), CHECK, 78, "JC1109", USE),
    Case("a watch without a bound", append(USE, "watch: [{signal: score_drift, then: stop}]\n"), CHECK, 78, "JC1109", USE, "score_drift"),
    Case("a signal that is not there", append(USE, "watch: [{signal: score_drfit, then: stop, at_most: 1}]\n"), CHECK, 78, "JC1108", USE, "score_drfit", says='did you mean "score_drift"?'),
    Case("a parameter without a source", write("features/parameters/x.yaml", 'a: {zh: 甲, en: a, status: checked, values: {"2021-01-01": 1}}'), CHECK, 78, "JC1101", "parameters/x.yaml", "a:", says="basis"),
    Case("parameters behind a link that leads nowhere", leads_nowhere("features/parameters/x.yaml"), "data ls", 66, "JC1100", "parameters/x.yaml"),
    Case("a parameter without values", write("features/parameters/x.yaml", "a: {zh: 甲, en: a, basis: b, status: checked, values: {}}"), CHECK, 78, "JC1216", "parameters/x.yaml"),
    Case("a parameter in force from 31 February", write("features/parameters/x.yaml", 'a: {zh: 甲, en: a, basis: b, status: checked, values: {"2021-02-31": 1}}'), CHECK, 78, "JC1216", "parameters/x.yaml", says="2021-02-31"),
    Case("a parameter with minus two decimals", write("features/parameters/x.yaml", 'a: {zh: 甲, en: a, basis: b, status: checked, decimals: -2, values: {"2021-01-01": 1}}'), CHECK, 78, "JC1109", "parameters/x.yaml", "a:"),
]

LEARNING = [
    Case("too few labels", replace(PLAN, ("least_confirmed: 10", "least_confirmed: 5000")), TRAIN, 1, "JC4001", says="fewer than 5000"),
    Case("a test period longer than the data", replace(PLAN, ("test: 6 months", "test: 20 years")), TRAIN, 1, "JC4002"),
    Case("a feature that separates the labels", append(PLAN, "leaks: {single_feature_auc: 0.6}\n"), TRAIN, 1, "JC4003", says="delivered_to_declared"),
    Case("no day with a mature label", replace(PLAN, ("first: 2022-04-01", "first: 2024-12-01")), TRAIN, 66, "JC4005"),
    Case("a model that separates the labels", append(PLAN, "leaks: {model_auc: 0.6}\n"), TRAIN, 1, "JC4006"),
    Case("settings that LightGBM refuses", replace(PLAN, ("rounds: 30", "rounds: 30, settings: {num_leaves: -5}")), TRAIN, 78, "JC4007", says="num_leaves"),
    Case("settings that LightGBM does not know", replace(PLAN, ("rounds: 30", "rounds: 30, settings: {num_leafs: 5}")), TRAIN, 78, "JC4007", says="num_leafs"),
    Case("a window longer than the calendar", definition(("YEAR = months(12)", "YEAR = days(2000000)")), f"features build example --as-of {SCORED} --out {{office}}/out.parquet", 0, ""),
    Case("a step longer than the calendar", both(replace(PLAN, ("every: 3 months", "every: 100000 months")), replace(USE, ("every: 3 months", "every: 100000 months"))), TRAIN, 1, "JC4002"),
    Case("no data at all", remove("state"), f"features build example --as-of {SCORED} --out {{office}}/out.parquet", 66, "JC2130"),
]

MODELS = [
    Case("no champion", None, "score other --as-of 2025-01-01", 66, "JC5001", before="model new other"),
    Case("a model text cut in the middle", cut(f"{ARTIFACTS}/model.lgb"), AGAIN, 77, "JC5003"),
    Case("a model text with one other byte", flip(f"{ARTIFACTS}/model.lgb"), AGAIN, 77, "JC5003"),
    Case("a model text that is no text", write(f"{ARTIFACTS}/model.lgb", b"\xff\xfe" * 100), AGAIN, 77, "JC5003"),
    Case("a model without its text", remove(f"{ARTIFACTS}/model.lgb"), AGAIN, 77, "JC5003"),
    Case("a model without its calibration", remove(f"{ARTIFACTS}/jcml.json"), AGAIN, 77, "JC5003"),
    Case("a calibration with one other byte", flip(f"{ARTIFACTS}/jcml.json", 0.1), AGAIN, 77, "JC5003"),
    Case("a version without its digest", tag("jcml.digest", None), AGAIN, 77, "JC5003"),
    Case("a version with another digest", tag("jcml.digest", "0" * 64), AGAIN, 77, "JC5003"),
    Case("forged: the text is cut", forge(lambda c, t: (c, t[: len(t) // 2])), AGAIN, 77, "JC5004"),
    Case("forged: the text is no model", forge(lambda c, t: (c, "tree\nobjective=binary\n")), AGAIN, 77, "JC5004"),
    Case("forged: trees with numbers that are none", forge(lambda c, t: (c, t.replace("threshold=", "threshold=x"))), AGAIN, 77, "JC5004"),
    Case("forged: features in another order", forge(lambda c, t: ({**c, "features": ["other"]}, t)), AGAIN, 77, "JC5004"),
    Case("forged: a calibration of NaN", forge(lambda c, t: ({**c, "calibration": {"method": "platt", "parameters": [float("nan"), 0.5], "knots": []}}, t)), AGAIN, 77, "JC5004"),
    Case("forged: a calibration that falls", forge(lambda c, t: ({**c, "calibration": {"method": "platt", "parameters": [-1.0, 0.5], "knots": []}}, t)), AGAIN, 77, "JC5004"),
    Case("forged: no bands", forge(lambda c, t: ({**c, "bands": 5}, t)), AGAIN, 77, "JC5004"),
    Case("forged: another schema", forge(lambda c, t: ({**c, "schema": "jcml.trained_model/9"}, t)), AGAIN, 77, "JC5004"),
    Case("forged: a list for a model", forge(lambda c, t: ([c], t)), AGAIN, 77, "JC5004"),
    Case("trained on another definition", forge(lambda c, t: ({**c, "fingerprint": "0" * 64}, t)), AGAIN, 78, "JC6001"),
    Case("promoted for another definition", definition(("YEAR = months(12)", "YEAR = months(11)")), "registry promote example --version 1 --by 测试人 --because 测试一下", 1, "JC5009"),
    Case("promoted without its gates", tag("jcml.gates", json.dumps({"auc": {"kept": False, "says": "0.5 ≥ 0.6"}})), "registry promote example --version 1 --by 测试人 --because 测试一下", 1, "JC5005", says="0.5 ≥ 0.6"),
    Case("a hostile pickle beside the model", hostile_pickle(), AGAIN, 0, ""),
    Case("gates that are no JSON", tag("jcml.gates", "{"), "registry ls example", 77, "JC5003"),
    Case("a registry that is no database", write("state/mlflow/mlflow.db", "not a database" * 100), AGAIN, 69, "JC5008"),
    Case("a registry at an address where nobody is", replace(OFFICE, ("threads", 'registry = "http://127.0.0.1:9"\nthreads')), AGAIN, 69, "JC5008"),
]

NEW = deliveries(rows())
STATE = [
    Case("a clue cut in the middle", cut("state/outbox/*.jsonl", 0.95), "clues example", 65, "JC6101", ".jsonl", '"as_of"'),
    Case("a clue with another number in it", replace("state/outbox/*.jsonl", ('"rank":1,', '"rank":9,')), "clues example", 77, "JC6102", ".jsonl"),
    Case("an outbox that is no text", write("state/outbox/*.jsonl", b"\xff\xfe\n"), "report example", 65, "JC6101", ".jsonl"),
    Case("a published list is gone", remove("state/outbox/*"), "clues example", 65, "JC9003", ".jsonl"),
    Case("a changed clue is asked for", replace("state/outbox/*.jsonl", ('"rank":1,', '"rank":9,')), "explain {clue}", 77, "JC6102", ".jsonl"),
    Case("the ledger is no database", write("state/ledger.sqlite", "not a database" * 100), "clues example", 65, "JC9003", "ledger.sqlite"),
    Case("the catalogue is no database", write("state/catalogue.sqlite", "not a database" * 100), IMPORT, 65, "JC9003", "catalogue.sqlite"),
    Case("the catalogue is cut", cut("state/catalogue.sqlite", 0.3), "data ls", 65, "JC9003", "catalogue.sqlite"),
    Case("a merged table is cut, and made again", cut("state/sources/deliveries/merged-*"), AGAIN, 0, ""),
    Case("a merged table is gone, and made again", remove("state/sources/deliveries/merged-*"), AGAIN, 0, ""),
    Case("a batch is cut", both(remove("state/sources/deliveries/merged-*"), cut("state/sources/deliveries/batch-*")), AGAIN, 65, "JC9003", ".parquet"),
    Case("the vault is cut", both(remove("state/vault/place/[!6]*"), cut("state/vault/place/6*")), AGAIN, 65, "JC9003", ".parquet"),
    Case("the quarantine is no table", write("state/quarantine/deliveries/abc.parquet", "no"), "data quarantine deliveries", 65, "JC9003", "abc.parquet"),
    Case("the key is gone", both(NEW, remove("state/pseudonym.key")), IMPORT, 77, "JC2003", "pseudonym.key"),
    Case("the key is another one", both(NEW, write("state/pseudonym.key", "ab" * 32)), IMPORT, 77, "JC2003", "pseudonym.key"),
    Case("the key is too short", both(NEW, write("state/pseudonym.key", "ab" * 31)), IMPORT, 78, "JC2002", "pseudonym.key"),
    Case("the key is no number", both(NEW, write("state/pseudonym.key", "secret" * 12)), IMPORT, 78, "JC2002", "pseudonym.key"),
    Case("others can read the key", both(NEW, rights("state/pseudonym.key", 0o644)), IMPORT, 77, "JC2001", "pseudonym.key"),
    Case("a folder for a key", both(NEW, folder_in_place("state/pseudonym.key"), rights("state/pseudonym.key", 0o700)), IMPORT, 66, "JC1111", "pseudonym.key"),
    Case("no room for a batch", both(deliveries(rows()), remove("state/sources/deliveries"), file_in_place("state/sources/deliveries")), IMPORT, 73, "JC9002", "state/sources/deliveries"),
    Case("no room for a run", both(remove("state/runs"), file_in_place("state/runs")), AGAIN, 73, "JC9002", says="state/runs"),
    Case("no room for a report", None, "report example --out /proc/none/report.html", 73, "JC9002", "report.html"),
    Case("no room for a card", None, "registry card example --version 1 --out /proc/none/card.html", 73, "JC9002", "card.html"),
    Case("another run holds the key", both(unpublished("lock"), held(f"state/runs/example-{SCORED}-*/lock")), SCORE, 75, "JC9001", "lock"),
    Case("the run before was changed: another matrix", both(unpublished("matrix.parquet"), column("state/runs/*/matrix.parquet", "delivered_to_declared", lambda v: v + 1)), SCORE, 70, "JC6004"),
    Case("the run before was changed: other scores", both(unpublished("scores.parquet", "matrix.parquet"), column("state/runs/*/scores.parquet", "margin", lambda v: v + 1)), SCORE, 70, "JC6002"),
    Case("a drift beyond its bound", append(USE, "watch: [{signal: score_drift, then: stop, at_most: -1}]\n"), AGAIN, 1, "JC6005"),
    Case("another result for the same day", append(DELIVERIES, "D-new,P-0001,9999.000,2024-12-01,2024-12-02\n"), SCORE, 1, "JC6003", before=IMPORT),
    Case("a clue that no longer follows from the data", append(DELIVERIES, "\n".join(f"D-new-{i},P-{i:04},99999.000,2024-11-01,2024-11-02" for i in range(120)) + "\n"), "replay {clue}", 1, "JC6007", before=IMPORT),
]

CASES = [*COMMAND_LINE, *FILES, *OFFICE_FILE, *SYNTAX, *CONTRACTS, *LANGUAGE, *PLANS, *LEARNING, *MODELS, *STATE]


@dataclass(frozen=True)
class BadRow:
    """A row among good ones, and why it alone is refused.

    `cells` replace those of a good row; `raw` is a whole line instead. `shown` is the value as the quarantine shows it.
    """

    name: str
    column: str
    problem: str
    shown: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""
    table: str = "filings"


GOOD = {
    "filings": {
        "备案号": "B-1", "场所编号": "P-0001", "信用代码": "", "身份证号": "", "民族": "汉族", "备注": "无误", "金额": "12.50", "人数": "3",
        "类别": "新办", "公开": "是", "纬度": "31.2", "经度": "121.4", "备案时间": "2024-01-31 09:30", "入库日期": "2024-02-01",
    },
    "licences": {"许可证号": "X-1", "场所编号": "P-0001", "持证人": "甲店", "有效期起": "2020-01-01", "有效期止": "2030-01-01", "入库日期": "2020-01-02"},
}

BAD_ROWS = [
    BadRow("31 February", "received_on", "not_a_date", "2024-02-31", {"入库日期": "2024-02-31"}),
    BadRow("month 13", "received_on", "not_a_date", "2024-13-01", {"入库日期": "2024-13-01"}),
    BadRow("a date that can be read in two ways", "received_on", "ambiguous_date", "01/02/2024", {"入库日期": "01/02/2024"}),
    BadRow("a year before 1901", "filed_at", "not_a_date", "1899-06-01", {"备案时间": "1899-06-01"}),
    BadRow("25 o'clock", "filed_at", "not_a_time", "2024-01-31 25:00", {"备案时间": "2024-01-31 25:00"}),
    BadRow("known on is missing", "received_on", "missing", "", {"入库日期": ""}),
    BadRow("known on stands for never", "received_on", "missing", "", {"入库日期": "1900-01-01"}),
    BadRow("happened on is missing", "filed_at", "missing", "", {"备案时间": "不详"}),
    BadRow("the row has no id", "filing", "missing", "", {"备案号": " "}),
    BadRow("a required key is missing", "place", "missing", "", {"场所编号": ""}),
    BadRow("known after the delivery came in", "received_on", "in_the_future", "2030-01-01", {"入库日期": "2030-01-01"}),
    BadRow("letters in an amount", "amount", "not_a_number", "12a", {"金额": "12a"}),
    BadRow("an amount with two decimal signs", "amount", "not_a_number", "1.234,56", {"金额": "1.234,56"}),
    BadRow("an infinite amount", "amount", "not_a_number", "inf", {"金额": "inf"}),
    BadRow("an amount that is not a number", "amount", "not_a_number", "NaN", {"金额": "NaN"}),
    BadRow("an amount too large for any register", "amount", "overflow", "9" * 30, {"金额": "9" * 30}),
    BadRow("an exponent of three digits", "amount", "overflow", "1E999", {"金额": "1E999"}),
    BadRow("an amount below its bound", "amount", "out_of_bounds", "-0.01", {"金额": "-0.01"}),
    BadRow("an amount above its bound", "amount", "out_of_bounds", "1000000.01", {"金额": "1000000.01"}),
    BadRow("half a person", "people", "not_a_number", "半个", {"人数": "半个"}),
    BadRow("a code that is not in the list", "kind", "unknown_code", "注销", {"类别": "注销"}),
    BadRow("perhaps", "open", "not_a_boolean", "也许", {"公开": "也许"}),
    BadRow("UTF-8 read as Latin-1", "note", "encoding_damage", "…", {"备注": "ä¸\u00adæ–‡å\u00ad—ç¬¦"}),
    BadRow("a NUL byte", "note", "encoding_damage", "…", {"备注": "a\0b"}),
    BadRow("a test row", "contact", "test_row", "111111********1111", {"身份证号": "111111111111111111"}),
    BadRow("a formula that went wrong, for a number", "amount", "formula_error", "#DIV/0!", {"金额": "#DIV/0!"}),
    BadRow("a formula that went wrong, for a key", "place", "formula_error", "#****", {"场所编号": "#REF!"}),
    BadRow("a quote inside a cell", "", "unreadable_row", "", raw='B-9,"P-0001"x,,,,,,,,,,,2024-01-31,2024-02-01'),
    BadRow("a quote that is never closed", "", "unreadable_row", "", raw='B-9,"P-0001,,,,,,,,,,,2024-01-31,2024-02-01'),
    BadRow("a cell of two megabytes", "", "unreadable_row", "", {"备注": "长" * 2_000_000}),
    BadRow("a row that ends too early", "", "too_few_cells", "", raw="B-9,P-0001"),
    BadRow("a row with too many cells", "", "too_many_cells", "", raw="B-9" + ",x" * 20),
    BadRow("a last day before the first", "last_day", "ends_before_start", "2019-01-01", {"有效期止": "2019-01-01"}, table="licences"),
    BadRow("a test name", "holder", "test_row", "测试店", {"持证人": "测试店"}, table="licences"),
]


@dataclass(frozen=True)
class Accepted:
    """A file that looks broken and is not: how many rows are kept, and which warnings are counted."""

    name: str
    damage: Damage
    kept: int
    warnings: Mapping[str, int] = field(default_factory=dict)


ACCEPTED = [
    Accepted("a byte order mark", deliveries(b"\xef\xbb\xbf" + rows().encode()), 3),
    Accepted("GBK", deliveries(rows().encode("gbk")), 3),
    Accepted("UTF-16 with its mark", deliveries(rows().encode("utf-16")), 3),
    Accepted("semicolons", deliveries(rows().replace(",", ";")), 3),
    Accepted("line ends of Windows and blank lines", deliveries(rows().replace("\n", "\r\n") + "\r\n\r\n"), 3),
    Accepted("empty columns at the end", deliveries(rows().replace("\n", ",,,\n")), 3),
    Accepted("the same row id twice, as two versions", deliveries(rows("D-1,P-0001,5.000,2024-01-11,2024-02-01")), 4),
    Accepted("a formula with its value", deliveries(repacked(workbook(HEADER.split(","), ["D-1", "P-0001", 100, "2024-01-11", "2024-01-21"]), sheet1=lambda x: x.replace(b"<v>100</v>", b"<f>50+50</f><v>100</v>")), "data/deliveries.xlsx"), 1),
    Accepted("a workbook", deliveries(workbook(), "data/deliveries.xlsx"), 1),
]


@dataclass(frozen=True)
class Warned:
    """A cell that is kept, or left empty, and counted: `warning` is the column and what is odd."""

    name: str
    cells: Mapping[str, str]
    warning: str
    table: str = "filings"


WARNED = [
    Warned("a wrong check digit in a key", {"信用代码": "91310000MA1FL0AB10"}, "company: bad_check_digit"),
    Warned("a key that the agency masked", {"身份证号": "3101**********1234"}, "contact: masked"),
    Warned("a word for nothing", {"金额": "不详"}, "amount: placeholder"),
    Warned("more decimals than cents", {"金额": "1.005"}, "amount: rounded"),
    Warned("about so much", {"金额": "约3.2万元"}, "amount: approximate"),
    Warned("a character that nobody sees", {"备注": "无\u200b误"}, "note: invisible_characters"),
    Warned("valid for ever", {"有效期止": "长期"}, "last_day: placeholder_date", "licences"),
]
