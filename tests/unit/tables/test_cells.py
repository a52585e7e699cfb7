"""Cells as people write them, one row of a table each; and what must hold for every cell there can be."""

import re
import string
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jcml.dates import instant
from jcml.tables import cells
from jcml.tables.cells import PROBLEMS, read_boolean, read_date, read_exact, read_moment, read_text

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2024, 1, 31)

unhurried = settings(deadline=None)

TEXTS = [
    ("东环加油站", "东环加油站", None),
    ("  东环加油站\t", "东环加油站", None),
    ("\u3000东环加油站\u00a0", "东环加油站", None),
    ("东环\u3000加油站", "东环 加油站", None),
    ("东环\u00a0 加油站", "东环 加油站", None),
    ("第一行\r\n第二行", "第一行 第二行", None),
    ("阿依古丽·买买提", "阿依古丽·买买提", None),
    ("\u9fb4\U00020bb7\U0003106c", "\u9fb4\U00020bb7\U0003106c", None),
    ("\ufa19", "\ufa19", None),  # a compatibility ideograph; NFC would make it U+795E
    ("葛\U000e0101城", "葛\U000e0101城", None),  # an ideographic variation is part of a name
    ("ＡＢＣ１２３", "ＡＢＣ１２３", None),
    ("仲\u200b小妮", "仲小妮", "invisible_characters"),
    ("\ufeff编号", "编号", "invisible_characters"),
    ("\u202e甲乙\u202c", "甲乙", "invisible_characters"),
    ("甲\x07乙", "甲乙", "invisible_characters"),
    ("\u200b\u2060", None, "invisible_characters"),
    ("", None, None),
    (" \u3000 ", None, None),
    (None, None, None),
    ("无", None, "placeholder"),
    (" 不详 ", None, "placeholder"),
    ("未知", None, "placeholder"),
    ("空", None, "placeholder"),
    ("无数据", None, "placeholder"),
    ("-", None, "placeholder"),
    ("--", None, "placeholder"),
    ("/", None, "placeholder"),
    ("N/A", None, "placeholder"),
    ("NULL", None, "placeholder"),
    ("None", None, "placeholder"),
    ("000000", None, "placeholder"),
    ("00000", "00000", None),
    ("无锡", "无锡", None),
    ("nullable", "nullable", None),
    ("东环\ufffd油站", None, "encoding_damage"),
    ("锟斤拷锟斤拷", None, "encoding_damage"),
    ("烫烫烫烫", None, "encoding_damage"),
    ("Ã¤rger", None, "encoding_damage"),
    ("ä¸\xadæ\x96\x87", None, "encoding_damage"),
    ("ä¸\xadæ–‡", None, "encoding_damage"),
    ("甲\ud800乙", None, "encoding_damage"),
    ("雀巢NESTLÉ®咖啡", "雀巢NESTLÉ®咖啡", None),
    ("他说“Café”……", "他说“Café”……", None),
    ("SÃO PAULO", "SÃO PAULO", None),
    ("甲\x00乙", None, "nul"),
    (110108000000016, "110108000000016", None),
    (110108000000016.0, "110108000000016", None),
    (12.5, "12.5", None),
    (1e-7, "0.0000001", None),
    (1.1010519491231e17, "110105194912310000", "digits_lost"),
    (float("nan"), None, "not_a_number"),
    (10**60, None, "overflow"),
    (Decimal("1E+999999"), None, "overflow"),
    (Decimal("3.10"), "3.10", None),
    (True, "true", None),
    (DAY, "2024-01-31", None),
    (datetime(2024, 1, 31), "2024-01-31", None),
    (datetime(2024, 1, 31, 14, 5), "2024-01-31 14:05:00", None),
]

NUMBERS = [  # scale 2
    ("0", 0, None),
    ("1234", 123400, None),
    ("-1234", -123400, None),
    ("1234.5", 123450, None),
    ("-0.01", -1, None),
    ("007", 700, None),
    ("000000", 0, None),
    ("12.", 1200, None),
    (".5", 50, None),
    ("+5", 500, None),
    (" 12 ", 1200, None),
    ("1,234.50", 123450, None),
    ("1,234,567", 123456700, None),
    ("－１，２３４．５０", -123450, None),
    ("¥1,234.50", 123450, None),
    ("￥ 1,234.50", 123450, None),
    ("-¥1,234.50", -123450, None),
    ("RMB 1,234.50", 123450, None),
    ("1,234.50 rmb", 123450, None),
    ("人民币1234.50元整", 123450, None),
    ("1234圆正", 123400, None),
    ("(1,234.50)", -123450, None),
    ("（1,234.50）", -123450, None),
    ("1,234.50-", -123450, None),
    ("−5", -500, None),
    ("3.2万元", 3200000, None),
    ("3.2 万", 3200000, None),
    ("1.5亿", 15000000000, None),
    ("1亿2000万", 12000000000, None),
    ("1.5万亿", 150000000000000, None),
    ("3千", 300000, None),
    ("5百元", 50000, None),
    ("2千万", 2000000000, None),
    ("1,234万", 1234000000, None),
    ("约三万元", 3000000, "approximate"),
    ("3万余元", 3000000, "approximate"),
    ("30多万", 30000000, "approximate"),
    ("近500", 50000, "approximate"),
    ("3000元左右", 300000, "approximate"),
    ("5万元以上", 5000000, "approximate"),
    ("三万五千", 3500000, None),
    ("三万五", 3500000, None),
    ("三万零五", 3000500, None),
    ("一百二", 12000, None),
    ("十", 1000, None),
    ("十五万", 15000000, None),
    ("二〇二四", 202400, None),
    ("三点五万", 3500000, None),
    ("两千零五十", 205000, None),
    ("叁万伍仟元整", 3500000, None),
    ("壹佰贰拾叁元肆角伍分", 12345, None),
    ("壹佰元零伍分", 10005, None),
    ("人民币壹亿贰仟万元整", 12000000000, None),
    ("负三百", -30000, None),
    ("1.23E+05", 12300000, None),
    ("1.5e3", 150000, None),
    ("12%", 12, None),
    ("５０％", 50, None),
    ("1234.567", 123457, "rounded"),
    ("1.005", 101, "rounded"),
    ("-1.005", -101, "rounded"),
    ("0.001", 0, "rounded"),
    ("1234.5600000000001", 123456, None),
    (0.1 + 0.2, 30, None),
    (1234.56, 123456, None),
    (12.0, 1200, None),
    (1e15, 100000000000000000, None),
    (12, 1200, None),
    (Decimal("12.345"), 1235, "rounded"),
    (Decimal("-12.3"), -1230, None),
    (Decimal("0E+50"), 0, None),
    ("12\u200b34", 123400, "invisible_characters"),
    (None, None, None),
    ("", None, None),
    ("无", None, "placeholder"),
    ("--", None, "placeholder"),
    ("1.234,56", None, "not_a_number"),
    ("1,23", None, "not_a_number"),
    ("12 34", None, "not_a_number"),
    ("1_000", None, "not_a_number"),
    ("--5", None, "not_a_number"),
    ("3-5万", None, "not_a_number"),
    ("12元/升", None, "not_a_number"),
    ("几万元", None, "not_a_number"),
    ("3万2万", None, "not_a_number"),
    ("5百3千", None, "not_a_number"),
    ("3.2万5", None, "not_a_number"),
    ("五千三角", None, "not_a_number"),
    ("约", None, "not_a_number"),
    ("元", None, "not_a_number"),
    ("#DIV/0!", None, "not_a_number"),
    ("nan", None, "not_a_number"),
    ("inf", None, "not_a_number"),
    (float("nan"), None, "not_a_number"),
    (float("-inf"), None, "not_a_number"),
    (Decimal("sNaN"), None, "not_a_number"),
    (True, None, "not_a_number"),
    (DAY, None, "not_a_number"),
    ("1" * 200, None, "not_a_number"),
    ("1E999", None, "overflow"),
    (2**62, None, "overflow"),
    ("46116860184273879.03", 2**62 - 1, None),
    ("46116860184273879.04", None, "overflow"),
    ("-46116860184273879.04", None, "overflow"),
    (1e300, None, "overflow"),
    ("甲\x001", None, "nul"),
]

BOOLEANS = [
    *(
        (yes, True, None)
        for yes in ("是", "有", "对", "√", "Y", "y", "yes", "TRUE", "true", "1", " 是 ", "Ｙ", 1, 1.0, True)
    ),
    *((no, False, None) for no in ("否", "无", "错", "×", "N", "no", "False", "0", 0, Decimal(0), False)),
    ("是\u200b", True, "invisible_characters"),
    (None, None, None),
    ("", None, None),
    ("不详", None, "placeholder"),
    ("-", None, "placeholder"),
    ("可能", None, "not_a_boolean"),
    ("2", None, "not_a_boolean"),
    (2, None, "not_a_boolean"),
    (float("nan"), None, "not_a_boolean"),
    (DAY, None, "not_a_boolean"),
]

DATES = [
    *(
        (written, DAY, None)
        for written in (
            "2024-01-31",
            "2024-1-31",
            "2024/1/31",
            "2024/01/31",
            "2024.1.31",
            "20240131",
            "2024年1月31日",
            "2024年01月31日",
            "2024年1月31号",
            "二〇二四年一月三十一日",
            "二零二四年一月三十一日",
            "二○二四年一月卅一日",
            "２０２４年１月３１日",
            "2024-01-31 14:05",
            "2024/1/31 0:00:00",
            "2024年1月31日14时05分30秒",
            "2024年1月31日 下午2:05",
            "2024-01-31T14:05:30Z",
            "2024-01-31T14:05:30.123+08:00",
            "20240131140530",
            "202401311405",
            "20240131T140530Z",
            "2024-01-31 24:00:00",
            " 2024-01-31\u3000",
            45322,
            45322.58,
            Decimal(45322),
            20240131,
            20240131.0,
            DAY,
            datetime(2024, 1, 31, 23, 59),
        )
    ),
    ("二〇二四年十月二十日", date(2024, 10, 20), None),
    ("二〇二四年十二月廿九日", date(2024, 12, 29), None),
    (20000, date(1954, 10, 3), None),
    ("2024-02-29", date(2024, 2, 29), None),
    ("1901-01-01", date(1901, 1, 1), None),
    ("2100-12-31", date(2100, 12, 31), None),
    ("1970-01-01", date(1970, 1, 1), None),
    ("2024-01\u200b-31", DAY, "invisible_characters"),
    ("1900-01-01", None, "placeholder_date"),
    ("1900/1/1", None, "placeholder_date"),
    ("1900/1/0", None, "placeholder_date"),
    ("1899-12-30 00:00:00", None, "placeholder_date"),
    ("9999-12-31", None, "placeholder_date"),
    ("99991231", None, "placeholder_date"),
    ("0000-00-00", None, "placeholder_date"),
    ("0000-00-00 00:00:00", None, "placeholder_date"),
    (date(9999, 12, 31), None, "placeholder_date"),
    ("长期", None, "placeholder_date"),
    ("不详", None, "placeholder"),
    (None, None, None),
    ("  ", None, None),
    ("24-01-31", None, "ambiguous_date"),
    ("24年1月31日", None, "ambiguous_date"),
    ("31/01/2024", None, "ambiguous_date"),
    ("01/02/2024 08:00", None, "ambiguous_date"),
    ("1.2.24", None, "ambiguous_date"),
    ("240131", None, "ambiguous_date"),
    ("2024-02-30", None, "not_a_date"),
    ("2023年2月29日", None, "not_a_date"),
    ("2024-13-01", None, "not_a_date"),
    ("2024-00-10", None, "not_a_date"),
    ("1900-03-01", None, "not_a_date"),
    ("2101-01-01", None, "not_a_date"),
    ("2024-01", None, "not_a_date"),
    ("2024年1月", None, "not_a_date"),
    ("2024-1/31", None, "not_a_date"),
    ("2024.1.1-2024.1.31", None, "not_a_date"),
    ("2024-01-31 上班", None, "not_a_date"),
    ("2024-W05-3", None, "not_a_date"),
    ("45322", None, "not_a_date"),
    (19999, None, "not_a_date"),
    (80000, None, "not_a_date"),
    (1706680800, None, "not_a_date"),
    (10**400, None, "not_a_date"),
    (float("nan"), None, "not_a_date"),
    (Decimal("NaN"), None, "not_a_date"),
    (True, None, "not_a_date"),
    ("2024-01-31" + "0" * 100, None, "not_a_date"),
    ("2024\ufffd01\ufffd31", None, "encoding_damage"),
]

AFTERNOON = instant(datetime(2024, 1, 31, 14, 5, tzinfo=SHANGHAI))
SECOND = 1_000_000
MOMENTS = [
    *(
        (written, AFTERNOON, None)
        for written in (
            "2024-01-31 14:05",
            "2024-01-31 14:05:00",
            "2024/1/31 14:05",
            "2024.1.31 14:5",
            "2024年1月31日14时05分",
            "20240131140500",
            "202401311405",
            "2024-01-31T06:05Z",
            "2024-01-31T06:05:00+00:00",
            "2024-01-31 01:05:00 -0500",
            "2024/1/31 1:05 -05:00",
            "2024-1-31T11:35+05:30",
            "2024年1月31日 下午2:05",
            "2024/1/31 下午 2:05:00",
            "2024/1/31 2:05 PM",
            "2024年1月31日下午2时05分",
            "2024-01-31 下午14:05",
            "2024-01-31　14：05",
            "二〇二四年一月三十一日十四时五分",
            datetime(2024, 1, 31, 14, 5),
            datetime(2024, 1, 31, 6, 5, tzinfo=UTC),
            datetime(2024, 1, 31, 9, 5, tzinfo=timezone(timedelta(hours=3))),
            45322 + Decimal(845) / 1440,
            45322 + 845 / 1440,
        )
    ),
    ("2024-01-31 14:05:30", AFTERNOON + 30 * SECOND, None),
    ("2024年1月31日14时05分30秒", AFTERNOON + 30 * SECOND, None),
    ("2024/1/31 14:05:30.25", AFTERNOON + 30_250_000, None),
    ("2024-01-31 14:05:00.123456", AFTERNOON + 123456, None),
    ("2024-01-31", AFTERNOON - 845 * 60 * SECOND, None),
    (DAY, AFTERNOON - 845 * 60 * SECOND, None),
    ("2024-01-31 上午12:00", AFTERNOON - 845 * 60 * SECOND, None),
    ("2024年1月31日凌晨0时", AFTERNOON - 845 * 60 * SECOND, None),
    ("2024-01-31 下午12:05", AFTERNOON - 120 * 60 * SECOND, None),
    ("2024-01-31 24:00", AFTERNOON + 595 * 60 * SECOND, None),
    ("2024/1/31 14时", AFTERNOON - 5 * 60 * SECOND, None),
    ("9999-12-31 23:59:59", None, "placeholder_date"),
    (datetime(1900, 1, 1), None, "placeholder_date"),
    (None, None, None),
    ("无", None, "placeholder"),
    ("2024-01-31 25:00", None, "not_a_time"),
    ("2024-01-31 24:01", None, "not_a_time"),
    ("2024-01-31 14:60", None, "not_a_time"),
    ("2024/1/31 14:05:60", None, "not_a_time"),
    ("2024-01-31 上午13:00", None, "not_a_time"),
    ("2024-01-31 14:05+24:00", None, "not_a_time"),
    ("2024-01-31 上班", None, "not_a_time"),
    ("2024-02-30 14:05", None, "not_a_date"),
    ("01/02/2024 14:05", None, "ambiguous_date"),
    (1706681100, None, "not_a_date"),
    ("1706681100", None, "not_a_date"),
    ("1706681100000", None, "not_a_date"),
    (1706681100.0, None, "not_a_date"),
]


@pytest.mark.parametrize(("raw", "value", "problem"), TEXTS)
def test_text_is_read_as_it_is_meant(raw, value, problem):
    assert read_text(raw) == (value, problem)


@pytest.mark.parametrize(("raw", "value", "problem"), NUMBERS)
def test_numbers_are_read_as_they_are_meant(raw, value, problem):
    assert read_exact(raw, 2) == (value, problem)


@pytest.mark.parametrize(("raw", "value", "problem"), BOOLEANS)
def test_yes_and_no_are_read_as_they_are_meant(raw, value, problem):
    read = read_boolean(raw)
    assert read == (value, problem)
    assert read[0] is value


@pytest.mark.parametrize(("raw", "value", "problem"), DATES)
def test_dates_are_read_as_they_are_meant(raw, value, problem):
    read = read_date(raw)
    assert read == (value, problem)
    assert type(read[0]) in (date, type(None))


@pytest.mark.parametrize(("raw", "value", "problem"), MOMENTS)
def test_moments_are_read_as_they_are_meant(raw, value, problem):
    assert read_moment(raw, SHANGHAI) == (value, problem)


@pytest.mark.parametrize("written", ["12%", "5‰", "１２％"])
def test_a_percent_sign_is_refused_where_the_column_has_none(written):
    assert read_exact(written, 4, percent_ok=False) == (None, "not_a_number")
    assert read_exact(written, 4)[1] is None


def test_an_exact_number_of_another_scale_is_scaled_exactly():
    assert read_exact("3.2万", 0) == (32000, None)
    assert read_exact("113.264501", 6) == (113264501, None)
    assert read_exact(113.264501, 6) == (113264501, None)
    assert read_exact("2.5", 0) == (3, "rounded")


def test_the_zone_written_in_the_text_wins_over_the_office():
    utc = ZoneInfo("UTC")
    assert read_moment("2024-01-31 14:05+08:00", utc) == (AFTERNOON, None)
    assert read_moment("2024-01-31 14:05", utc)[0] == AFTERNOON + 8 * 3600 * SECOND


def test_every_problem_has_both_languages_and_a_severity():
    for zh, en, severity in PROBLEMS.values():
        assert re.search("[\u4e00-\u9fff]", zh)
        assert en.isascii()
        assert severity in ("error", "warning")


# -- numbers written in many ways ---------------------------------------------------------------------------------

_SIMPLE, _CAPITAL = "零一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖"


def in_chinese(number: int, digits: str, units: str) -> str:
    """A whole number below 10**16 as a cheque spells it; written for this test, from the rules of numerals."""
    if number >= 10**8:
        above, below = divmod(number, 10**8)
        return joined(in_chinese(above, digits, units) + "亿", below, 10**7, digits, units)
    if number >= 10**4:
        above, below = divmod(number, 10**4)
        return joined(in_chinese(above, digits, units) + "万", below, 10**3, digits, units)
    for unit, worth in zip(units, (1000, 100, 10), strict=True):
        if number >= worth:
            above, below = divmod(number, worth)
            return joined(digits[above] + unit, below, worth // 10, digits, units)
    return digits[number]


def joined(head: str, below: int, full: int, digits: str, units: str) -> str:
    zero = digits[0] if 0 < below < full else ""
    return head + (zero + in_chinese(below, digits, units) if below else "")


def test_the_speller_of_these_tests_spells_as_cheques_do():
    assert in_chinese(10_0500_3020, _SIMPLE, "千百十") == "一十亿零五百万三千零二十"
    assert in_chinese(35000, _CAPITAL, "仟佰拾") == "叁万伍仟"


def ways_to_write(cents: int) -> dict[str, object]:
    exact = Decimal(cents).scaleb(-2)
    size, minus = abs(exact), "-" if cents < 0 else ""
    whole, coins = divmod(abs(cents), 100)
    spelled = in_chinese(whole, _CAPITAL, "仟佰拾") + "元"
    spelled += f"{_CAPITAL[coins // 10]}角{_CAPITAL[coins % 10]}分" if coins else "整"
    simple = in_chinese(whole, _SIMPLE, "千百十") + (f"点{_SIMPLE[coins // 10]}{_SIMPLE[coins % 10]}" if coins else "")
    full_width = str.maketrans(string.digits + ".,-", "０１２３４５６７８９．，－")
    return {
        "plain": f"{exact:f}",
        "thousands": f"{exact:,.2f}",
        "full width": f"{exact:,.2f}".translate(full_width),
        "yuan sign": f"{minus}¥{size:,.2f}",
        "yuan": f"{exact:f}元",
        "RMB": f"RMB {exact:,.2f}",
        "brackets": f"({size:,.2f})" if cents < 0 else f"{size:,.2f}",
        "minus behind": f"{size:.2f}{minus}",
        "万": f"{exact.scaleb(-4):f}万元",
        "亿": f"{exact.scaleb(-8):f}亿",
        "percent": f"{exact.scaleb(2):f}%",
        "exponent": f"{exact:E}",
        "capitals": minus.replace("-", "负") + spelled,
        "numerals": minus.replace("-", "负") + simple,
        "decimal": exact,
        "spaces": f"  {exact:f}\u3000",
    }


@unhurried
@given(st.integers(-(10**15), 10**15))
@example(10**15)
@example(-5)
@example(1_0000_0000_00)
@example(10_0500_3020_07)
def test_a_number_reads_back_equal_however_it_is_written(cents):
    for way, written in ways_to_write(cents).items():
        assert read_exact(written, 2) == (cents, None), way


@unhurried
@given(st.floats(-1e12, 1e12))
def test_a_float_counts_as_it_is_written(value):
    made, _ = read_exact(value, 2)
    assert made == read_exact(repr(value), 2)[0]
    assert abs(Decimal(repr(value)) * 100 - made) <= Decimal("0.5")


# -- dates and moments written in many ways -----------------------------------------------------------------------


def chinese_date(day: date) -> str:
    def small(number: int) -> str:
        tens, ones = divmod(number, 10)
        return ("" if tens < 2 else _SIMPLE[tens]) + ("十" if tens else "") + (_SIMPLE[ones] if ones else "")

    year = "".join("〇一二三四五六七八九"[int(d)] for d in str(day.year))
    return f"{year}年{small(day.month)}月{small(day.day)}日"


@unhurried
@given(st.dates(date(1901, 1, 1), date(2100, 12, 31)))
def test_a_date_reads_back_equal_however_it_is_written(day):
    y, m, d = day.year, day.month, day.day
    ways = [
        day.isoformat(), f"{y}/{m}/{d}", f"{y}.{m}.{d}", f"{y:04}{m:02}{d:02}", f"{y}年{m}月{d}日", f"{y}年{m:02}月{d:02}日",
        chinese_date(day), f"{day} 23:59:59", f"{day}T00:00:00+08:00", f"{y}/{m}/{d} 下午 3:07", day,
        datetime(y, m, d, 12), int(f"{y:04}{m:02}{d:02}"),
    ]  # fmt: skip
    assert [read_date(written) for written in ways] == [(day, None)] * len(ways)


@unhurried
@given(st.integers(20000, 73415))
def test_excel_day_numbers_agree_with_openpyxl(number):
    from openpyxl.utils.datetime import from_excel

    assert read_date(number) == (from_excel(number).date(), None)
    assert read_moment(number + 0.25, SHANGHAI)[0] == instant(from_excel(number + 0.25).replace(tzinfo=SHANGHAI))


@unhurried
@given(
    st.datetimes(datetime(1901, 1, 1), datetime(2100, 12, 30)),
    st.sampled_from(["Asia/Shanghai", "Asia/Urumqi", "UTC", "Europe/Berlin", "America/New_York"]),
)
def test_a_moment_reads_back_equal_however_it_is_written(moment, name):
    zone = ZoneInfo(name)
    expected = instant(moment.replace(tzinfo=zone))
    half = "上午" if moment.hour < 12 else "下午"
    second = moment.replace(microsecond=0)
    ways = [moment, moment.isoformat(), moment.isoformat(" "), moment.strftime("%Y/%m/%d %H:%M:%S.%f")]
    whole = [
        second.strftime("%Y%m%d%H%M%S"), second.strftime("%Y年%m月%d日%H时%M分%S秒"),
        second.strftime(f"%Y-%m-%d {half}%I:%M:%S"), second.strftime("%Y/%m/%d %I:%M:%S %p"),
    ]  # fmt: skip
    assert [read_moment(written, zone) for written in ways] == [(expected, None)] * len(ways)
    expected = instant(second.replace(tzinfo=zone))
    assert [read_moment(written, zone) for written in whole] == [(expected, None)] * len(whole)


# -- anything at all ----------------------------------------------------------------------------------------------

READERS = (
    read_text,
    lambda raw: read_exact(raw, 2),
    read_boolean,
    read_date,
    lambda raw: read_moment(raw, SHANGHAI),
)
CELLISH = st.text(st.sampled_from("0123456789.,-/:年月日时分秒十百千万亿元角分约余%()E +T上下午¥"), max_size=24)


@settings(deadline=None, max_examples=600)
@given(
    st.one_of(
        st.text(),
        CELLISH,
        st.integers(),
        st.floats(),
        st.decimals(),
        st.booleans(),
        st.dates(),
        st.datetimes(),
        st.none(),
    )
)
def test_every_cell_gives_a_value_or_a_known_problem(raw):
    for read in READERS:
        value, problem = read(raw)
        assert problem is None or problem in PROBLEMS
        if problem is not None and PROBLEMS[problem][2] == "error":
            assert value is None


@unhurried
@given(st.text())
@example("à¡\u200b¡")  # damage that shows once the invisible character inside it is gone
def test_reading_text_twice_changes_nothing_more(raw):
    value, _ = read_text(raw)
    if value is not None:
        assert read_text(value) == (value, None)


def repeats(pattern: object, inside: bool = False) -> int:
    """How deep unbounded repetition is nested in a parsed pattern: 1 is linear, 2 can run away."""
    deepest = 0
    for operation, argument in pattern:  # type: ignore[attr-defined]
        own = 0
        parts = argument if isinstance(argument, tuple | list) else (argument,)
        if str(operation) in ("MAX_REPEAT", "MIN_REPEAT"):
            own = int(argument[1] > 1000)
            parts = (argument[2],)
        for part in parts:
            for sub in part if isinstance(part, list) else (part,):
                if isinstance(sub, re._parser.SubPattern):
                    deepest = max(deepest, own + repeats(sub))
        deepest = max(deepest, own)
    return deepest


def patterns(module: object) -> dict[str, re.Pattern[str]]:
    return {name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)}


def test_no_pattern_nests_unbounded_repetition():
    assert repeats(re._parser.parse("(a+)+")) == 2
    for name, pattern in patterns(cells).items():
        assert repeats(re._parser.parse(pattern.pattern)) <= 1, name


LONG = [
    "0",
    "1,",
    "12,345",
    "1.",
    ".",
    "-",
    " ",
    "1 ",
    "十",
    "万",
    "亿1",
    "约",
    "2024-01-31 ",
    "(",
    "E",
    "é®",
    "à“”",
    "*",
    "年1",
    "\u200b",
    "\u3000",
]


@pytest.mark.parametrize("piece", LONG)
def test_a_very_long_cell_is_answered(piece):
    for size in (10_000, 100_000):
        raw = (piece * size)[:size]
        for text in (raw, raw + "!", "1" + raw, "2024-01-31" + raw):
            for pattern in patterns(cells).values():
                pattern.fullmatch(text)
                pattern.search(text)
            cleaned, wrong = read_text(text)
            assert wrong is None or wrong in PROBLEMS
            for read in READERS[1:]:
                _, problem = read(text)
                assert len(cleaned or "") <= 100 or PROBLEMS[problem][2] == "error"
