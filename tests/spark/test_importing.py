"""What a cluster imports is what one machine imports: every table, refused row, pair, fact and figure, and after every kill."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from on_spark import EVERYTHING, HERE, SMALL, WANTED, connect

from jcml.engines import spark_tables
from jcml.engines.engine import files_of
from jcml.errors import DataError
from jcml.serving.names import _whole
from jcml.tables import importing_spark, sections
from jcml.tables.importing import Imported, import_table, refused_rows
from jcml.tables.office import Binding, Office, read_office
from jcml.tables.pseudonyms import read_key
from jcml.tables.quality import source_quality
from jcml.tables.reading import open_source
from jcml.tables.store import Store
from jcml.workspace.scaffold import init
from jcml.workspace.workspace import Workspace

spark = pytest.mark.skipif(not HERE or WANTED == "none", reason="needs Spark")
RECEIVED = date(2025, 3, 1)
CONTRACTS = '''from jcml.tables import Column, EntityTable, EventTable, boolean, code, date, moment, money, text


class Shops(EntityTable):
    shop = Column(text, "门店", "Shop", role=("key", "row id"), entity="shop")
    phone = Column(text, "电话", "Phone", entity="phone")
    opened_on = Column(date, "开业", "Opened", role="valid from")
    received_on = Column(date, "入库", "Received", role="known on")


class Sales(EventTable):
    number = Column(text, "单号", "Number", role="row id")
    shop = Column(text, "门店", "Shop", entity="shop")
    amount = Column(money, "金额", "Amount", at_least=-1000000, required=True)
    kind = Column(code(cash=("现金", "cash"), card=("刷卡", "card")), "方式", "Kind")
    remark = Column(text, "备注", "Remark", sensitivity="free text")
    seller = Column(text, "经办人", "Seller", entity="person", identifier="resident_id")
    sold_at = Column(moment, "时间", "Sold", role="happened on")
    received_on = Column(date, "入库", "Received", role="known on")
    gone = Column(boolean, "撤回", "Withdrawn", role="withdrawn")
    cancels = Column(text, "冲销", "Cancels", role="reverses")
'''
OFFICE = """name = "示例办案单位"
threads = 1
memory = "1GB"

[tables.shops]
files = "data/shops.csv"
quarantine_at_most = 1.0
[tables.sales]
files = ["data/sales-1*", "data/sales-2*", "data/sales-3*"]
quarantine_at_most = 0.5
[tables.sales.columns]
amount = { column = ["金额", "金额（元）"] }
"""
HEADER = ["单号", "门店", "金额", "方式", "备注", "经办人", "时间", "入库", "撤回", "冲销"]


def sale(rng: random.Random, number: str, day: int) -> list[str]:
    shop = "S-1" if rng.random() < 0.7 else f"s-{rng.randrange(2, 40)}"  # one shop has most rows
    person = rng.choice(["110101199003070433", "11010119900307043X", "1101011990****0433", "", "32010219850412153X"])
    when = f"2024-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02} {rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
    return [
        number, shop, f"{rng.uniform(-10, 500):.2f}", rng.choice(["现金", "card", ""]), rng.choice(["", "平", "税票\\\n换行", '他说"好"', "镕,丂"]), person, when,
        f"2025-01-{day:02}", "", "",
    ]


def deliveries(folder: Path) -> None:
    """Three deliveries of sales: a text in GB 18030, one in UTF-8, a Parquet file; new, repeated, corrected, withdrawn, reversed, bad."""
    rng = random.Random(4)
    known: list[list[str]] = []
    for batch, (name, encoding) in enumerate({"sales-1.csv": "gb18030", "sales-2.csv": "utf-8-sig", "sales-3.parquet": ""}.items()):
        rows = [sale(rng, f"N-{batch}-{i}", 1 + rng.randrange(8)) for i in range(700)]
        for row in rng.sample(known, min(len(known), 150)):
            again = list(row)
            match rng.randrange(5):
                case 0:
                    pass  # the same row once more
                case 1:
                    again[2], again[7] = f"{rng.uniform(0, 9):.2f}", "2025-01-20"
                case 2:
                    again[2] = f"{rng.uniform(0, 9):.2f}"  # a correction that became known on the same day
                case 3:
                    again[7], again[8] = "2025-01-25", "是"
                case 4:
                    again[0], again[7], again[9] = f"R-{row[0]}", "2025-02-01", row[0]
            rows.append(again)
        rng.shuffle(rows)
        known += rows
        for place, (column, bad) in {20: (2, "很多"), 21: (6, "2024-02-30"), 90: (3, "支票"), 300: (7, "2031-01-01"), 301: (2, ""), 302: (1, "")}.items():
            rows[place] = [bad if i == column else cell for i, cell in enumerate(rows[place])]
        if encoding:
            with (folder / name).open("w", encoding=encoding, newline="") as stream:
                stream.write(",".join(HEADER) + "\r\n")
                for i, row in enumerate(rows):
                    cells = [f'"{c.replace(chr(34), chr(34) * 2)}"' if set(c) & set(',"\n') else c for c in row]
                    stream.write(",".join(cells) + (",多" * (i % 97 == 5)) + "\r\n" + ("\r\n" * (i % 50 == 0)))
                    if i == 400:
                        stream.write('N-x,"一个没有收口的引号\r\n')
        else:
            columns = {n: [r[i] for r in rows] for i, n in enumerate(HEADER)}
            columns["金额（元）"] = columns.pop("金额")
            pq.write_table(pa.table(columns), folder / name, row_group_size=100)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office that imported nothing yet."""
    folder = tmp_path_factory.mktemp("fresh") / "office"
    init(folder)
    for path in [*folder.glob("features/[!_]*.py"), *folder.glob("features/tables/*.py"), *folder.glob("training/*"), *folder.glob("serving/*")]:
        path.unlink()
    (folder / "features" / "tables" / "shop.py").write_text(CONTRACTS, encoding="utf-8")
    (folder / "office.toml").write_text(OFFICE, encoding="utf-8")
    (folder / "data").mkdir()
    shops = [f"s-{i},138{i % 7:08},2020-01-{1 + i % 28:02},2020-02-01" for i in range(1, 40)]
    (folder / "data" / "shops.csv").write_text("\n".join(["门店,电话,开业,入库", *shops, ""]), encoding="utf-8")
    deliveries(folder / "data")
    read_key(read_office(folder).key)
    return folder


def copied(fresh: Path, target: Path) -> Path:
    return Path(shutil.copytree(fresh, target))


def store_of(folder: Path, *, on_spark: bool, **changes: Any) -> Store:
    office: Office = replace(read_office(folder), spark={**SMALL, "spark.sql.session.timeZone": "America/New_York"}, **changes)
    if on_spark:
        connect("local[1]")
    store = Store(office, Workspace(folder).tables, master="local[1]" if on_spark else "")
    store.large = 0
    return store


@pytest.fixture(autouse=True)
def many_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing_spark, "LEAST", 15_000)
    monkeypatch.setattr(sections, "SIZE", 15_000)
    monkeypatch.setattr(spark_tables, "ROWS_PER_FILE", 250)


def table_at(path: Path) -> list[dict[str, Any]]:
    return [row for file in files_of(path) for row in pq.ParquetFile(file).read().to_pylist()]


def types_at(path: Path) -> list[tuple[str, str]]:
    return [(f.name, str(f.type)) for f in pq.read_schema(files_of(path)[0])]


def close(left: Any, right: Any) -> bool:
    if isinstance(left, float):
        return math.isclose(left, right, rel_tol=1e-9)
    if isinstance(left, dict | list | tuple):
        pairs = zip(left.values(), right.values(), strict=True) if isinstance(left, dict) else zip(left, right, strict=True)
        return len(left) == len(right) and all(close(a, b) for a, b in pairs)
    return bool(left == right)


def state(store: Store, source: str) -> dict[str, Any]:
    """Everything that an import leaves of a table."""
    found = store.merged(source)
    assert found is not None
    path, facts, digest = found
    pairs = {file.parent.name: sorted(map(str, table_at(file))) for file in sorted((store.root / "vault").glob("*/*.parquet"))}
    batches = store.batches(source)
    return {
        "batches": batches, "facts": facts, "digest": digest, "data": store.data_digest([source]), "pairs": pairs,
        "merged": table_at(path), "types": types_at(path), "refused": refused_rows(store, source),
        "rows": [table_at(store.batch_file(source, b.batch)) for b in batches],
        "batch types": [types_at(store.batch_file(source, b.batch)) for b in batches],
    }


def same(one: Store, other: Store, source: str) -> dict[str, Any]:
    left, right = state(one, source), state(other, source)
    for part in left:
        assert left[part] == right[part], part
    return left


@spark
def test_several_deliveries_by_both_engines(fresh: Path, tmp_path: Path) -> None:
    started = time.time()
    one, other = (store_of(copied(fresh, tmp_path / name), on_spark=name == "spark") for name in ("duckdb", "spark"))
    later = ["data/sales-2.csv", "data/sales-3.parquet"]
    for store in (one, other):
        for name in later:
            (store.office.folder / name).rename(store.office.folder / (Path(name).name + ".later"))
        first = import_table(store, "sales", received=RECEIVED)
        assert [d.new for d in first] == [True]
    plain = same(one, other, "sales")
    assert [r["_version"] for r in plain["merged"]] == list(range(len(plain["merged"])))
    for store in (one, other):
        for name in later:
            (store.office.folder / (Path(name).name + ".later")).rename(store.office.folder / name)
        done = import_table(store, "sales", received=RECEIVED)
        assert [d.new for d in done] == [False, True, True]
        import_table(store, "shops", received=RECEIVED)
    found = same(one, other, "sales")
    same(one, other, "shops")

    batches = found["batches"]
    assert all(b.read == b.kept + b.quarantined and b.quarantined >= 4 for b in batches)
    assert {r["problem"] for r in found["refused"]} >= {"too_many_cells", "unreadable_row", "not_a_number", "unknown_code", "in_the_future", "missing"}
    assert any("seller: masked" in b.warnings for b in batches)
    assert found["facts"]["versioned"]
    assert {r["_superseded"] for r in found["merged"]} > {2**62}
    assert len({r["_row"] for r in found["merged"]}) < len(found["merged"])
    assert [r["_version"] for r in found["merged"]] == list(range(len(found["merged"])))
    path = other.merged("sales")[0]  # type: ignore[index]
    assert path.is_dir()
    assert len(files_of(path)) > 5
    assert all(other.batch_file("sales", b.batch).is_dir() for b in batches)
    assert len(files_of(other.batch_file("sales", batches[0].batch))) > 2

    with other.cluster() as engine:  # no file of Spark's or of the state tells the key
        context = engine.session.sparkContext
        local = Path(context.getConf().get("spark.local.dir") or tempfile.gettempdir())
    key = read_key(other.office.key)
    written: dict[Path, bytes] = {}
    for file in (p for place in (other.root, Path(context._temp_dir), *local.glob("blockmgr-*")) for p in place.rglob("*") if p.is_file()):
        with suppress(FileNotFoundError):  # another process's Spark has its blocks there too
            if file.stat().st_mtime >= started and file.stat().st_size < 10**6:
                written[file] = file.read_bytes()
    assert len(written) > 20
    assert not [p for p, content in written.items() if key in content or key.hex().encode() in content]

    # what Spark imported is there for DuckDB, and what one engine imported the other does not import again
    local = Store(other.office, other.tables)
    assert [d.new for d in import_table(local, "sales", received=RECEIVED)] == [False, False, False]
    connect("local[1]")
    one.master = "local[1]"
    assert [d.new for d in import_table(one, "sales", received=RECEIVED)] == [False, False, False]
    one.master = ""
    asked = "SELECT shop, kind, count(*) AS n, sum(amount) AS s, max(_happened) AS h, min(_version) AS v FROM sales GROUP BY ALL ORDER BY ALL"
    with one.engine(["sales", "shops"]) as left, local.engine(["sales", "shops"]) as right, other.engine(["sales", "shops"]) as cluster:
        assert (left.name, right.name, cluster.name) == ("duckdb", "duckdb", "spark")
        assert left.query(asked).to_pylist() == right.query(asked).to_pylist()
        assert left.rows("sales", range(0, 2000, 7)) == right.rows("sales", range(0, 2000, 7)) == cluster.rows("sales", range(0, 2000, 7))

    # what a clue's page tells in full, from the batch
    told = [list(_whole(store, "sales", batches[0].batch, set(range(2, 700, 9)))) for store in (one, local)]
    assert told[0] == told[1]
    assert len(told[0]) > 50

    # the quality report, and a merged table that is gone and made again by the other engine
    for source in ("sales", "shops"):
        reports = [source_quality(store, source).to_json() for store in (one, other)]
        assert close(*reports), reports
    assert {f["code"] for f in reports[0]["findings"]} <= {f["code"] for f in source_quality(one, "shops").to_json()["findings"]}
    victim = files_of(path)[2]
    victim.unlink()  # one file of many
    assert table_at(local.merged("sales")[0]) == found["merged"]  # type: ignore[index]
    assert path.is_file()
    path.write_bytes(b"cut")
    assert table_at(other.merged("sales")[0]) == found["merged"]  # type: ignore[index]
    assert path.is_dir()
    gone = other.batch_file("sales", batches[1].batch)
    files_of(gone)[0].unlink()
    shutil.rmtree(path)
    with pytest.raises(DataError, match="JC9003"):
        other.merged("sales")
    assert not list(other.root.rglob("*.part"))
    assert not any((other.root / "scratch").iterdir())


@spark
def test_odd_files(fresh: Path, tmp_path: Path) -> None:
    """Nothing but a header, nothing but refused rows, rows in one section only, UTF-16, too much refused, a bad file behind a good one."""
    folders = [copied(fresh, tmp_path / name) for name in ("duckdb", "spark")]

    def both(text: str, *, encoding: str = "utf-8", **limits: float) -> list[tuple[list[Imported] | str, Store]]:
        answers = []
        for folder in folders:
            (folder / "data" / "shops.csv").write_text("门店,电话,开业,入库\n" + text, encoding=encoding)
            store = store_of(folder, on_spark=folder == folders[1])
            bound = {"shops": replace(store.office.bindings["shops"], **limits)} if limits else store.office.bindings
            store.office = replace(store.office, bindings=bound)  # type: ignore[arg-type]
            try:
                answers.append((import_table(store, "shops", received=RECEIVED), store))
            except DataError as error:
                answers.append((f"{error.code} {error.facts}", store))
        return answers

    (one, _), (other, _) = both("")
    assert one == other
    assert str(one).startswith("JC2141")
    bad = "".join(f"s-{i},1,坏,2020-02-01\n" for i in range(300)) + "s-900,1,2020-01-01,坏\n" * 20
    (one, left), (other, right) = both(bad, quarantine_at_most=0.5)
    assert one == other
    assert str(one).startswith("JC2140")
    assert "'number': 300" in str(one)
    assert refused_rows(left, "shops") == refused_rows(right, "shops")
    assert not left.batches("shops") + right.batches("shops")
    (one, left), (other, right) = both(bad)
    found = same(left, right, "shops")
    assert (found["facts"]["rows"], found["facts"]["first_known"], found["merged"]) == (0, None, [])
    assert source_quality(left, "shops") == source_quality(right, "shops")
    (one, left), (other, right) = both(bad * 3 + "s-7,1,2020-01-01,2020-02-01\n" + "s-8,1,1901-02-03,2020-02-01\n")  # rows in the last section alone, an old date
    assert len(same(left, right, "shops")["merged"]) == 2
    (one, left), (other, right) = both("s-9,1,2020-01-01,2020-02-01\n", encoding="utf-16")
    assert isinstance(one, list)
    assert str(other).startswith("JC2506")
    (folders[1] / "data" / "shops.csv").write_bytes("门店,电话,开业,入库\n".encode() + b"s-9,1,2020-01-01,2020-02-01\n" * 900 + b"s-\xff,1,2020-01-01,2020-02-01\n")
    store = store_of(folders[1], on_spark=True)
    store.office = replace(store.office, bindings={"shops": replace(store.office.bindings["shops"], encoding="utf-8")})
    with pytest.raises(DataError, match="JC2102"):
        import_table(store, "shops", received=RECEIVED)

    for folder in folders:  # the second of three is not what its name says: the first is imported, the third is not
        (folder / "data" / "sales-2.csv").rename(folder / "data" / "sales-20.csv")
        (folder / "data" / "sales-2.parquet").write_bytes(b"no parquet")
        with pytest.raises(DataError, match="JC2109"):
            import_table(store_of(folder, on_spark=folder == folders[1]), "sales", received=RECEIVED)
    same(*(store_of(folder, on_spark=folder == folders[1]) for folder in folders), "sales")


@spark
def test_small_files_stay_here(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below what is worth a cluster, nothing of an import starts one."""
    store = store_of(copied(fresh, tmp_path / "office"), on_spark=True)
    store.large = 10**9
    monkeypatch.setattr("jcml.engines.spark.session", lambda *_, **__: pytest.fail("a cluster was started"))
    everything = store.office.folder / "data" / "all"
    everything.mkdir()
    for file in store.office.folder.glob("data/sales-*"):
        file.rename(everything / file.name)
    (everything / "_SUCCESS").touch()
    store.office = replace(store.office, bindings={"sales": replace(store.office.bindings["sales"], files=("data/all",))})
    assert [d.batch.file for d in import_table(store, "sales", received=RECEIVED)] == ["sales-1.csv", "sales-2.csv", "sales-3.parquet"]
    assert source_quality(store, "sales").versions
    assert all(store.batch_file("sales", b.batch).is_file() for b in store.batches("sales"))


def test_a_worker_that_does_not_see_the_file_says_so(fresh: Path, tmp_path: Path) -> None:
    store = store_of(fresh, on_spark=False)
    table, binding = store.tables["shops"], store.office.bindings["shops"]
    file = fresh / "data" / "shops.csv"
    (cut,) = sections.sections(file, open_source(file, binding), binding)
    task = json.dumps(["b1", "shops.csv", str(RECEIVED), replace(cut, file=str(tmp_path / "elsewhere.csv")).to_json()])
    made = list(importing_spark.clean_sections(
        table, binding, store.office.zone, store.pseudonyms, pa.schema([("_row", pa.string())]), [pa.record_batch({"task": [task]})]
    ))
    (told,) = [row for batch in made for row in batch.column("_count").to_pylist()]
    code, facts = json.loads(told["failed"])
    assert code == "JC2507"
    assert "No such file" in facts["problem"]


@pytest.mark.parametrize("seed", range(40 if EVERYTHING else 12))
def test_sections_hold_the_rows_of_the_file(tmp_path: Path, seed: int) -> None:
    """Wherever a text is cut, with quotes that span lines, are never closed or stand where none may, rows and their numbers stay."""
    rng = random.Random(seed)
    encoding = rng.choice(["utf-8", "utf-8-sig", "gb18030"])
    quoted = rng.choice([0.0, 0.01, 0.2, 0.9])
    odd = ['"a""b"', '"甲\n乙"', '"x,y"', '"open', 'in"side', '""', '"q"z', '"\n\n"', '"甲\r\n乙"']
    lines = ["编号,内容,备注\n"]
    for i in range(rng.randrange(400)):
        cells = [str(i), *(rng.choice(odd if rng.random() < quoted else ["平", "油\x00x", "", "镕", "|"]) for _ in range(2))]
        lines.append(",".join(cells + ["more"] * (rng.random() < 0.02)) + rng.choice(["\n", "\r\n", "\r", "\n\n"]))
    if rng.random() < 0.5:
        lines.insert(len(lines) // 3, '9,"open\n' + "1,plain,x\n" * 150)
    file = tmp_path / "t.csv"
    file.write_bytes("".join(lines).encode(encoding))
    binding = Binding("t")
    opened = open_source(file, binding)
    whole = read(opened.chunks())
    for size in (90, 300, 2000):
        cut = sections.sections(file, opened, binding, size)
        assert [s.end for s in cut[:-1]] == [s.start for s in cut[1:]]
        assert read(chunk for section in cut for chunk in section.chunks()) == whole


def read(chunks: Any) -> tuple[list[tuple[Any, ...]], list[tuple[int, str, str]]]:
    rows: list[tuple[Any, ...]] = []
    broken: list[tuple[int, str, str]] = []
    for chunk in chunks:
        rows += zip(chunk.numbers, *chunk.columns.values(), strict=True)
        broken += chunk.broken
    return rows, sorted(broken)


# -- kills, in processes of their own, with Spark as an office has it ------------------------------------------------

DRIVER = """
import sys
from pathlib import Path
from jcml.cli.main import run
from jcml.engines import spark_tables
from jcml.tables import importing_spark, sections, store
importing_spark.LEAST = sections.SIZE = 15000
spark_tables.ROWS_PER_FILE = 250
store.LARGE = 0
sys.exit(run(sys.argv[1:]))
"""


def imported(office: Path, failpoint: str = "", *, spark: bool) -> subprocess.CompletedProcess[bytes]:
    engine = ["--engine", "spark", "--master", "local[2]"] if spark else []
    line = [sys.executable, "-c", DRIVER, "--quiet", "-w", str(office), "-o", str(office), "data", "import", "sales", "--received", str(RECEIVED), *engine]
    return subprocess.run(line, env={**os.environ, "JCML_FAILPOINT": failpoint}, capture_output=True, check=False)


@pytest.fixture(scope="module")
def undisturbed(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = copied(fresh, tmp_path_factory.mktemp("undisturbed") / "office")
    assert imported(folder, spark=False).returncode == 0
    return state(store_of(folder, on_spark=False), "sales")


STEPS = ["import.staged", "import.placed", "import.committed", "import.merged"]


@spark
@pytest.mark.parametrize("step", STEPS if EVERYTHING else ["import.placed"])
def test_a_killed_driver_and_the_next_import(fresh: Path, undisturbed: dict[str, Any], tmp_path: Path, step: str) -> None:
    office = copied(fresh, tmp_path / "office")
    with (office / "office.toml").open("a", encoding="utf-8") as stream:
        settings = {**SMALL, "spark.sql.adaptive.enabled": "true"}
        stream.write("[spark]\n" + "".join(f'"{key}" = "{value}"\n' for key, value in settings.items()))
    killed = imported(office, f"{step}:kill", spark=True)
    assert killed.returncode == -9, killed.stderr.decode()
    loose = list(office.glob("state/sources/sales/.loose-*"))
    assert bool(loose) == (step != "import.merged")
    assert all(p.stat().st_mode & 0o077 == 0 for p in loose)
    again = imported(office, spark=step in ("import.placed", "import.merged"))
    assert again.returncode == 0, again.stderr.decode()
    found = state(store_of(office, on_spark=False), "sales")
    for part in found:
        assert found[part] == undisturbed[part], part
    assert not list((office / "state").rglob("*.part"))
