"""What goes wrong in real deliveries: defects D01 to D18, one function each, on rows that are about to be written.

Every function takes the rows of one table (a copy: it changes them, adds to them or takes some away), the table's
contract, a random stream and a rate, and returns what it did, so that a test can ask for each damaged cell what the
import made of it. Columns that carry a role by which rows are told apart or dated are left alone, unless the defect is
about them. `damage` applies all of them at the rates of `DEFECTS`.

What the system does about each is said in `Defect.handled`: `normalised` (mended, because only typing differs),
`warned` (kept, counted), `refused` (the row goes to quarantine), `version` (kept as a later version or netted),
`finding` (pointed at by the quality report), `kept` (nothing can tell; a person must).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, TypeAlias

from jcml.simulation.identities import Identities
from jcml.simulation.world import Delivery, Row
from jcml.tables.table import Column, EventTable, Table, boolean, code, moment, money, text
from jcml.tables.table import date as day

Rows: TypeAlias = list[Row]


@dataclass(frozen=True)
class Damage:
    """One damaged cell, or one row that was added or taken away (`column` is then empty).

    >>> Damage("D11", "register", "R-1", "phone", "15412345678", "154****5678").defect
    'D11'
    """

    defect: str
    table: str
    row: str
    column: str
    before: Any
    after: Any


class _Example(EventTable):
    """What the examples of this module damage."""

    row = Column(text, "编号", "Row", role="row id")
    firm = Column(text, "统一社会信用代码", "Firm", role="key", entity="enterprise", identifier="uscc")
    person_name = Column(text, "姓名", "Name", role="name")
    owner = Column(text, "身份证号", "Owner", entity="person", identifier="resident_id")
    phone = Column(text, "电话", "Phone", entity="phone", identifier="mobile")
    address = Column(text, "地址", "Address", entity="address")
    status = Column(code(valid=("有效", "valid"), lapsed=("失效", "lapsed")), "状态", "Status")
    amount = Column(money, "金额", "Amount")
    sealed = Column(boolean, "封存", "Sealed")
    seen_at = Column(moment, "时刻", "Seen at")
    cancels = Column(text, "对应编号", "Cancels", role="reverses")
    entered_on = Column(day, "日期", "Entered on", role="happened on")
    received_on = Column(day, "入库日期", "Received on", role="known on")


# -- choosing ----------------------------------------------------------------------------------------------------------


def _some(rows: Sequence[Row], random: Random, rate: float) -> Iterator[Row]:
    """Each row with probability `rate`, in order, skipping ahead instead of drawing for each."""
    if rate <= 0:
        return
    index = -1
    while True:
        index += 1 + (int(math.log(1 - random.random()) / math.log(1 - rate)) if rate < 1 else 0)
        if index >= len(rows):
            return
        yield rows[index]


def _row_id(row: Row, table: type[Table]) -> str:
    return "|".join(str(row.get(c.name)) for c in table.having("row id"))


def _free(table: type[Table]) -> list[Column]:
    """Columns without a role that tells rows apart or dates them, and not required."""
    return [c for c in table.columns.values() if not c.required and set(c.roles) <= {"name"}]


def _named(table: type[Table], *kinds: str) -> list[Column]:
    """Columns whose entity or identifier is one of the kinds."""
    return [c for c in table.columns.values() if c.entity in kinds or c.identifier in kinds]


def _exact(table: type[Table]) -> list[Column]:
    return [c for c in table.columns.values() if c.type.value.kind == "exact" and (c.type.money or c.unit[0])]


def _change(
    defect: str, rows: Rows, table: type[Table], random: Random, rate: float, columns: Sequence[Column],
    new: Callable[[Column, Any], Any],
) -> list[Damage]:
    """Replace the value of one of the columns in some rows; None from `new` leaves the cell as it was."""
    done: list[Damage] = []
    for row in _some(rows, random, rate) if columns else ():
        filled = [c for c in columns if row.get(c.name) is not None]
        if not filled:
            continue
        column = random.choice(filled)
        before = row[column.name]
        after = new(column, before)
        if after is not None and after != before:
            done.append(Damage(defect, table.name, _row_id(row, table), column.name, before, after))
            row[column.name] = after
    return done


def _second_id(row: Row, table: type[Table], mark: str) -> Row | None:
    """A copy of a row under another row id; None when its id follows an official numbering or names an entity."""
    column = next((c for c in table.having("row id") if not c.identifier and not c.entity and c.type.value.kind == "text"), None)
    return {**row, column.name: f"{row[column.name]}{mark}"} if column is not None and row.get(column.name) else None


# -- the defects -------------------------------------------------------------------------------------------------------


def blank(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D01: a value that was not entered: empty, 无, 不详, a row of zeros, or 1900-01-01 for a day.

    >>> blank([], _Example, Random(1), 1.0)
    []
    """

    def new(column: Column, before: Any) -> Any:
        kind = column.type.value.kind
        return "1900-01-01" if kind == "date" else random.choice(("", "无", "不详", "--") if kind == "text" and not column.type.codes else ("",))

    return _change("D01", rows, table, random, rate, _free(table), new)


def mistype_identifier(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D02: a number with full-width digits, a lower-case x, in its old form of 15 digits, or with a wrong digit.

    >>> mistype_identifier([{"row": "1", "owner": "11010519491231002X"}], _Example, Random(3), 1.0)[0].column
    'owner'
    """
    columns = [c for c in table.columns.values() if c.identifier in ("uscc", "resident_id", "mobile", "bank_card") and "key" not in c.roles]

    def new(column: Column, before: str) -> str:
        way = random.choice(("wide", "wrong", "lower", "old"))
        if way == "old" and column.identifier == "resident_id" and before[6:8] == "19":
            return before[:6] + before[8:17]
        if way == "lower" and before != before.lower():
            return before.lower()
        if way == "wrong":
            at = random.randrange(8, len(before) - 1)
            return before[:at] + str((ord(before[at]) + 1) % 10) + before[at + 1 :]
        return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in before)

    return _change("D02", rows, table, random, rate, columns, new)


def vary_name(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D03: a name with a rare character as ?, a traditional character, or a space inside.

    >>> vary_name([{"row": "1", "person_name": "马晓云"}], _Example, Random(1), 1.0)[0].before
    '马晓云'
    """
    traditional = str.maketrans("云马张陈刘杨东国达兴", "雲馬張陳劉楊東國達興")

    def new(column: Column, before: str) -> str:
        at = random.randrange(len(before))
        return random.choice((before[:at] + "?" + before[at + 1 :], before.translate(traditional), before[:1] + " " + before[1:]))

    return _change("D03", rows, table, random, rate, [c for c in table.columns.values() if "name" in c.roles], new)


def enter_twice(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D04: the same fact twice: half of them the very same row again, half under a new number.

    >>> rows = [{"row": "1", "amount": 5}]
    >>> len(enter_twice(rows, _Example, Random(1), 1.0)), len(rows)
    (1, 2)
    """
    done: list[Damage] = []
    for row in list(_some(rows, random, rate)):
        copy = (_second_id(row, table, "补") if random.random() < 0.5 else None) or dict(row)
        rows.append(copy)
        done.append(Damage("D04", table.name, _row_id(row, table), "", None, _row_id(copy, table)))
    return done


def mistake_unit(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D05: yuan entered where 万元 was meant or the other way round; a quantity a thousand times too large or small.

    >>> mistake_unit([{"row": "1", "amount": 5}], _Example, Random(1), 1.0)[0].after in (50_000, 0.0005)
    True
    """

    def new(column: Column, before: Any) -> Any:
        factor = 10_000 if column.type.money else 1000
        return before * factor if random.random() < 0.5 else round(float(before) / factor, 6)

    return _change("D05", rows, table, random, rate, _exact(table), new)


def record_late(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D06: known 31 to 120 days later than it would have been.

    >>> row = {"row": "1", "received_on": date(2024, 1, 31)}
    >>> record_late([row], _Example, Random(1), 1.0)[0].column, row["received_on"] > date(2024, 3, 1)
    ('received_on', True)
    """
    return _change(
        "D06", rows, table, random, rate, table.having("known on"), lambda _, before: before + timedelta(days=random.randint(31, 120))
    )


def drift_codes(
    rows: Rows, table: type[Table], random: Random, rate: float, labels: Mapping[str, Mapping[str, str]]
) -> list[Damage]:
    """D07: a code under an older label (after a merger, a renaming); `labels` maps column → label → code.

    >>> rows = [{"row": "1", "status": "valid"}]
    >>> drift_codes(rows, _Example, Random(1), 1.0, {"status": {"在营": "valid"}})[0].after
    '在营'
    """
    old = {c: {code: label for label, code in labels[c].items()} for c in labels}
    return _change("D07", rows, table, random, rate, [table.columns[c] for c in old], lambda c, before: old[c.name].get(before))


def shorten_address(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D08: an address without its door number, or a landmark in its place.

    >>> shorten_address([{"row": "1", "address": "示例市甲区朝霞路12号"}], _Example, Random(1), 1.0)[0].after.startswith("示例市甲区")
    True
    """

    def new(column: Column, before: str) -> str:
        road = before.rstrip("0123456789号")
        return random.choice((road, road + "加油站旁", road + "与环城路交叉口", "（原）" + before))

    columns = [c for c in _named(table, "address") if "key" not in c.roles]
    return _change("D08", rows, table, random, rate, columns, new)


def share_phone(rows: Rows, table: type[Table], random: Random, rate: float, agents: Sequence[str]) -> list[Damage]:
    """D09: the phone of an agent (`agents`) in place of the party's own: a false link between strangers.

    >>> share_phone([{"row": "1", "phone": "15412345678"}], _Example, Random(1), 1.0, ["15400000001"])[0].after
    '15400000001'
    """
    return _change("D09", rows, table, random, rate, _named(table, "phone", "mobile"), lambda c, before: random.choice(agents))


def register_again(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D10: the same operator under a second licence: a copy of a register's row with a new key.

    >>> rows = [{"row": "1", "firm": "91350100M000100Y43", "phone": "15412345678"}]
    >>> _ = register_again(rows, _Example, Random(1), 1.0)
    >>> rows[0]["firm"] == rows[1]["firm"], rows[0]["phone"] == rows[1]["phone"]
    (False, True)
    """
    keys = table.having("key")
    if len(keys) != 1 or keys[0].identifier not in ("uscc", "resident_id"):
        return []
    invent = Identities(random)
    done: list[Damage] = []
    for row in list(_some(rows, random, rate)):
        copy = _second_id(row, table, "换证") or dict(row)
        copy[keys[0].name] = invent.uscc() if keys[0].identifier == "uscc" else invent.resident_id()
        rows.append(copy)
        done.append(Damage("D10", table.name, _row_id(row, table), "", None, _row_id(copy, table)))
    return done


def hide(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D11: a join key or a name that the agency masked on export.

    >>> hide([{"row": "1", "phone": "15412345678"}], _Example, Random(2), 1.0)[0].after
    '154****5678'
    """
    columns = [c for c in _free(table) if c.identifier in ("resident_id", "mobile", "bank_card") or "name" in c.roles]

    def new(column: Column, before: str) -> str:
        if "name" in column.roles:
            return before[:1] + "*" * max(2, len(before) - 1)
        return f"{before[:3]}{'*' * (len(before) - 7)}{before[-4:]}"

    return _change("D11", rows, table, random, rate, columns, new)


def lose_months(rows: Rows, table: type[Table], missing: Sequence[tuple[date, date]]) -> list[Damage]:
    """D12: whole times that were never delivered; their rows are taken away.

    >>> rows = [{"row": "1", "entered_on": date(2024, 2, 3)}, {"row": "2", "entered_on": date(2024, 3, 3)}]
    >>> [d.row for d in lose_months(rows, _Example, [(date(2024, 2, 1), date(2024, 2, 29))])], len(rows)
    (['1'], 1)
    """
    column = table.one("happened on")
    if column is None or not missing:
        return []

    def lost(row: Row) -> bool:
        value = row[column.name]
        day = value.date() if isinstance(value, datetime) else value
        return any(first <= day <= last for first, last in missing)

    gone = [row for row in rows if lost(row)]
    rows[:] = [row for row in rows if not lost(row)]
    return [Damage("D12", table.name, _row_id(row, table), "", row[column.name], None) for row in gone]


def shift_clock(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D13: a device whose clock is minutes to hours off.

    >>> shift_clock([{"row": "1", "seen_at": datetime(2024, 1, 31, 12)}], _Example, Random(1), 1.0)[0].column
    'seen_at'
    """
    moments = [c for c in table.columns.values() if c.type.value.kind == "moment" and "known on" not in c.roles]
    return _change(
        "D13", rows, table, random, rate, moments,
        lambda c, before: before + timedelta(minutes=random.choice((-1, 1)) * random.choice((3, 11, 47, 60, 180, 480))),
    )


def reverse(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D14: an entry cancelled by a red one and entered again a few days later (红冲后重开).

    >>> rows = [{"row": "1", "amount": 5, "entered_on": date(2024, 2, 3), "received_on": date(2024, 2, 9)}]
    >>> _ = reverse(rows, _Example, Random(1), 1.0)
    >>> [(r["row"], r["amount"], r.get("cancels")) for r in rows]
    [('1', 5, None), ('1红', -5, '1'), ('1重', 5, None)]
    """
    back, happened, known = table.one("reverses"), table.one("happened on"), table.one("known on")
    if back is None or happened is None or known is None:
        return []
    done: list[Damage] = []
    for row in list(_some(rows, random, rate)):
        red, again = _second_id(row, table, "红"), _second_id(row, table, "重")
        if red is None or again is None:
            continue
        red[back.name] = _row_id(row, table)
        for column in _exact(table):
            if red.get(column.name) is not None and (column.at_least is None or column.at_least < 0):
                red[column.name] = -red[column.name]
        for copy, later in ((red, random.randint(1, 20)), (again, random.randint(21, 30))):
            copy[happened.name] += timedelta(days=later)
            copy[known.name] += timedelta(days=later)
        rows += [red, again]
        done.append(Damage("D14", table.name, _row_id(row, table), "", None, _row_id(again, table)))
    return done


def write_in_words(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D15: an amount as people write it in a document: 约3万元, 3万余元.

    >>> write_in_words([{"row": "1", "amount": 31_200}], _Example, Random(1), 1.0)[0].after in ("约3万元", "3万余元", "近4万元")
    True
    """

    def new(column: Column, before: Any) -> str | None:
        if before < 10_000:
            return None
        whole = int(before // 10_000)
        return random.choice((f"约{whole}万元", f"{whole}万余元", f"近{whole + 1}万元"))

    return _change("D15", rows, table, random, rate, [c for c in table.columns.values() if c.type.money], new)


def share_name(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D16: two strangers of the same name.

    >>> rows = [{"row": "1", "person_name": "马晓云"}, {"row": "2", "person_name": "方若水"}]
    >>> _ = share_name(rows, _Example, Random(1), 1.0)
    >>> rows[0]["person_name"] == rows[1]["person_name"]
    True
    """
    names = [c for c in table.columns.values() if "name" in c.roles]
    return _change("D16", rows, table, random, rate, names, lambda c, before: random.choice(rows).get(c.name))


def leave_test_rows(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D17: rows somebody typed to try the system out, never deleted.

    >>> rows = [{"row": "1", "person_name": "马晓云"}]
    >>> leave_test_rows(rows, _Example, Random(1), 1.0)[0].after, rows[1]["person_name"]
    ('1测', '测试')
    """
    column = next((c for c in table.columns.values() if "name" in c.roles or c.identifier == "resident_id"), None)
    if column is None:
        return []
    done: list[Damage] = []
    for row in list(_some(rows, random, rate)):
        copy = _second_id(row, table, "测") or dict(row)
        copy[column.name] = "测试" if "name" in column.roles else "110101190001010000"
        rows.append(copy)
        done.append(Damage("D17", table.name, _row_id(row, table), "", None, _row_id(copy, table)))
    return done


def damage_encoding(rows: Rows, table: type[Table], random: Random, rate: float) -> list[Damage]:
    """D18: Chinese text in GBK that was read as UTF-8, or in UTF-8 read as Latin-1.

    >>> "\\ufffd" in damage_encoding([{"row": "1", "address": "朝霞路12号"}], _Example, Random(1), 1.0)[0].after
    True
    """
    columns = [c for c in table.columns.values() if c.type.value.kind == "text" and not c.type.codes and not c.identifier and set(c.roles) <= {"name"}]

    def new(column: Column, before: str) -> str | None:
        if before.isascii():
            return None
        if random.random() < 0.7:
            return before.encode("gb18030").decode("utf-8", errors="replace")
        return before.encode("utf-8").decode("latin-1")

    return _change("D18", rows, table, random, rate, columns, new)


# -- all together ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Defect:
    """A defect: its name in both languages, how often it is put in by default, and what the system does about it.

    >>> DEFECTS["D02"].en
    'mistyped identifier'
    """

    zh: str
    en: str
    rate: float
    handled: str


DEFECTS: dict[str, Defect] = {
    "D01": Defect("漏填或占位", "missing or placeholder", 0.03, "warned"),
    "D02": Defect("号码录入错误", "mistyped identifier", 0.01, "normalised, warned"),
    "D03": Defect("姓名写法不一", "name variants", 0.02, "kept"),
    "D04": Defect("重复录入", "the same fact twice", 0.01, "version, finding"),
    "D05": Defect("单位错误", "wrong unit", 0.006, "refused, finding"),
    "D06": Defect("迟延录入", "late recording", 0.08, "finding"),
    "D07": Defect("代码表变更", "code-table drift", 0.03, "normalised"),
    "D08": Defect("地址不规范", "free-text address", 0.25, "kept"),
    "D09": Defect("代办机构电话", "an agent's phone", 0.04, "finding"),
    "D10": Defect("一人多照", "one operator, several licences", 0.03, "kept"),
    "D11": Defect("导出时脱敏", "masked on export", 0.02, "warned"),
    "D12": Defect("整月缺失", "whole months missing", 0.0, "finding"),
    "D13": Defect("设备时钟误差", "clock errors", 0.01, "kept"),
    "D14": Defect("红冲未抵", "reversed entries", 0.02, "version"),
    "D15": Defect("文字金额", "amounts in words", 0.0, "warned"),
    "D16": Defect("同名同姓", "the same name", 0.01, "kept"),
    "D17": Defect("测试数据残留", "test rows left", 0.001, "refused"),
    "D18": Defect("编码损坏", "encoding damage", 0.002, "refused"),
}
"""Every defect. D12 follows `Delivery.missing`; D15 is for documents and is switched on by `Delivery.rates`."""


def damage(rows: Sequence[Row], table: type[Table], delivery: Delivery, random: Random) -> tuple[Rows, list[Damage]]:
    """A damaged copy of the rows of a table, and what was done; the rows themselves stay as they are.

    >>> rows = [{"row": "1", "person_name": "马晓云"}]
    >>> damaged, done = damage(rows, _Example, Delivery(rates={d: 0 for d in DEFECTS}), Random(1))
    >>> damaged == rows, damaged is rows, done
    (True, False, [])
    """
    copy = [dict(row) for row in rows]
    agents = [Identities(random).mobile() for _ in range(3)]
    simple = {
        "D14": reverse, "D04": enter_twice, "D10": register_again, "D06": record_late, "D13": shift_clock, "D05": mistake_unit,
        "D15": write_in_words, "D16": share_name, "D03": vary_name, "D08": shorten_address, "D02": mistype_identifier,
        "D11": hide, "D01": blank, "D18": damage_encoding, "D17": leave_test_rows,
    }
    rates = {name: delivery.rates.get(name, defect.rate) for name, defect in DEFECTS.items()}
    done = lose_months(copy, table, delivery.missing)
    done += share_phone(copy, table, random, rates["D09"], agents)
    done += drift_codes(copy, table, random, rates["D07"], delivery.codes)
    for name, apply in simple.items():
        done += apply(copy, table, random, rates[name])
    return copy, done
