"""One raw cell → one value, for cells as people and their programs write them.

Each function takes what stands in a cell (text from a CSV file, a typed value from Excel, Parquet or a database) and
returns `(value, problem)`. The problem is None or a key of `PROBLEMS`: an error has no value, a warning has one or
leaves it out on purpose. Nothing is guessed: what can be read in two ways (01/02/2024, 1.234,56) is refused.

A plain cell (`2024-01-31`, `1234.56`) takes a fast path of about a microsecond; all other text is first brought to one
plain spelling by translating characters and is then matched once. No pattern here can run away on a long cell.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from jcml.dates import instant
from jcml.tables.identifiers import half_width, placeholder

V = TypeVar("V")
Cell: TypeAlias = tuple[V | None, str | None]
"""The value, or None for nothing; and the problem, or None for none."""

Raw: TypeAlias = str | int | float | bool | date | datetime | Decimal | None
"""What can stand in a cell of a source."""

PROBLEMS: dict[str, tuple[str, str, str]] = {
    "nul": ("含有空字符（NUL）", "contains a NUL character", "error"),
    "encoding_damage": ("编码损坏（乱码）", "damaged by a wrong character encoding", "error"),
    "not_a_number": ("不是可以识别的数值", "not a number in any form we read", "error"),
    "overflow": ("数值过大", "the number is too large", "error"),
    "not_a_boolean": ("不是“是/否”类的值", "not a yes or no", "error"),
    "not_a_date": ("不是有效日期，或年份不在1901至2100年", "not a valid date from 1901 to 2100", "error"),
    "ambiguous_date": ("日期可以有两种读法", "a date that can be read in two ways", "error"),
    "not_a_time": ("不是有效时刻", "not a valid time of day", "error"),
    "placeholder": ("占位内容（无、不详、NULL等），按空值处理", "a word for nothing; taken as empty", "warning"),
    "placeholder_date": (
        "占位日期（如1900-01-01），按空值处理",
        "a date that stands for none; taken as empty",
        "warning",
    ),
    "invisible_characters": ("去除了不可见字符", "invisible characters were removed", "warning"),
    "digits_lost": ("号码曾以浮点数保存，末位可能丢失", "stored as floating point; last digits may be lost", "warning"),
    "approximate": ("约数，按所写数值处理", "an approximate amount, taken as written", "warning"),
    "rounded": ("小数位超过规定，已四舍五入", "more decimal places than allowed; rounded half up", "warning"),
}
"""Every problem of a cell: Chinese, English, severity (`error` sends the row to quarantine, `warning` is counted)."""

_LIMIT = 2**62
_NOISE = Decimal("1e-9")
_WIDE = Context(prec=400)
_LONGEST_NUMBER = 100
_LONGEST_DATE = 64
_FLOAT_DIGITS = 1e15
_HUGE = 10**40

_INVISIBLE = re.compile(
    "[\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
# UTF-8 read as Latin-1 or Windows-1252: a lead byte shown as a letter, then continuation bytes shown as signs. The
# signs that Chinese text uses itself (“ ” … —) count only beside another one, so that “Café”—— is not taken for damage.
_SIGN = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_RARE_SIGN = "\x80-\x9f\xa1-\xbf"
_DAMAGE = re.compile(
    f"[\ufffd\ufffe\uffff\ud800-\udfff]|锟斤拷|烫烫烫|屯屯屯|Â[\x80-\xbf]|Ã[{_SIGN}]"
    f"|[à-ï](?:[{_RARE_SIGN}][{_SIGN}]|[{_SIGN}][{_RARE_SIGN}])|[à-ï][{_SIGN}]{{2}}[à-ï][{_SIGN}]{{2}}"
    f"|ð[{_SIGN}]{{3}}"
)


def read_text(raw: Raw) -> Cell[str]:
    """Text without white space at its ends; every run of white space inside becomes one plain space.

    Characters are otherwise kept as they are: no normal form is applied, because it would rewrite names. Numbers and
    dates are written out plainly. Empty cells and placeholders are None.

    >>> read_text(" 东环　加油站\\u00a0")
    ('东环 加油站', None)
    >>> read_text("仲\\u200b小妮"), read_text("不详"), read_text("ä¸\\xadæ–‡")
    (('仲小妮', 'invisible_characters'), (None, 'placeholder'), (None, 'encoding_damage'))
    >>> read_text(110108000000016.0), read_text(None)
    (('110108000000016', None), (None, None))
    """
    if raw is None:
        return None, None
    problem = None
    if isinstance(raw, int | float | Decimal):
        if not _finite(raw):
            return None, "not_a_number"
        if not -_HUGE < raw < _HUGE:
            return None, "overflow"
        if isinstance(raw, float) and abs(raw) >= _FLOAT_DIGITS:
            problem = "digits_lost"
    written = text = raw if isinstance(raw, str) else _written(raw)
    if not text.isascii() and _DAMAGE.search(text):
        return None, "encoding_damage"
    if not text.isprintable():
        if "\x00" in text:
            return None, "nul"
        seen = _INVISIBLE.sub("", text)
        if len(seen) != len(text):
            text, problem = seen, "invisible_characters"
    text = " ".join(text.split())
    if not text:
        return None, problem
    if text != written and not text.isascii() and _DAMAGE.search(text):  # what nobody sees stood inside it
        return None, "encoding_damage"
    if placeholder(text):
        return None, "placeholder"
    return text, problem


def _finite(raw: int | float | Decimal) -> bool:
    if isinstance(raw, Decimal):
        return raw.is_finite()
    return isinstance(raw, int) or math.isfinite(raw)


def _written(raw: int | float | bool | date | datetime | Decimal) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float):
        return format(Decimal(float.__repr__(raw)), "f").removesuffix(".0")
    if isinstance(raw, Decimal):
        return format(raw, "f")
    if isinstance(raw, datetime):
        return raw.isoformat(sep=" ") if raw.time() != time() or raw.tzinfo else raw.date().isoformat()
    return str(raw)


# -- numbers ---------------------------------------------------------------------------------------------------------

_DIGITS = ("〇零○", "一壹", "二贰貳两兩", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
_NUMERALS = str.maketrans(
    {sign: str(digit) for digit, signs in enumerate(_DIGITS) for sign in signs}
    | {"拾": "十", "佰": "百", "仟": "千", "萬": "万", "億": "亿", "廿": "2十", "卅": "3十"}
)
_MONEY = str.maketrans({"￥": "¥", "圆": "元", "圓": "元", "块": "元", "负": "-", "負": "-", "−": "-", "点": "."})
_SHARES = {"": 0, "%": -2, "‰": -3}
_UNITS = (("亿", 10**8), ("万", 10**4), ("千", 1000), ("百", 100), ("十", 10))
_COLLOQUIAL = frozenset("123456789")
_APPROXIMATE = re.compile("大约|将近|左右|上下|以上|以下|超过|约|約|近|余|逾|多|~|≈")
_LOOSE_SPACE = re.compile("(?<![0-9]) | (?![0-9])")
_PLAIN = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?(?:E[+-]?[0-9]{1,3})?|\.[0-9]+")
_AMOUNT = re.compile(
    r"([+-]?)(?:人民币|RMB|CNY)?¥?([+-]?)([0-9.,十百千万亿]*(?:E[+-]?[0-9]{1,3})?)"
    r"(?:(元?)(?:([0-9])角)?(?:0?([0-9])分)?[整正]?(?:人民币|RMB|CNY)?|([%‰]))(-?)"
)


def read_exact(raw: Raw, scale: int, *, percent_ok: bool = True) -> Cell[int]:
    """A number as a whole multiple of 10**-scale, without floating point in between.

    Text may have thousands separators, full-width digits, signs of money, a minus behind, brackets for a negative
    amount, 万 and 亿, Chinese numerals, a percent sign, or Excel's exponent. Floats count as they are written. Digits
    beyond the scale are rounded half up; the warning comes only when more is lost than floating-point noise.

    Parameters
    ----------
    raw : cell
        What stands in the source.
    scale : int
        Decimal places of the column, 0 or more.
    percent_ok : bool
        False refuses percent and per-mille signs.

    >>> read_exact("1,234.50", 2), read_exact("(1,234.50)", 2), read_exact("约3.2万元", 2)
    ((123450, None), (-123450, None), (3200000, 'approximate'))
    >>> read_exact("叁万伍仟元整", 2), read_exact("三万零五", 0), read_exact("12%", 4)
    ((3500000, None), (30005, None), (1200, None))
    >>> read_exact(0.1 + 0.2, 2), read_exact("1.005", 2), read_exact("1.234,56", 2)
    ((30, None), (101, 'rounded'), (None, 'not_a_number'))
    """
    if isinstance(raw, float):
        raw = float.__repr__(raw)
    if isinstance(raw, str):
        body = raw[1:] if raw[:1] == "-" else raw
        whole, _, part = body.partition(".")
        if (
            len(part) <= scale
            and len(body) <= 18
            and body.isascii()
            and whole.isdigit()
            and (part.isdigit() or not part)
        ):
            value = int(whole + part) * 10 ** (scale - len(part))
            return _bounded(value if body is raw else -value)
        if len(body) <= _LONGEST_NUMBER and _PLAIN.fullmatch(body):
            return _scaled(Decimal(raw.replace(",", "")), scale)
        return _exact_text(raw, scale, percent_ok)
    if raw is None:
        return None, None
    if isinstance(raw, int) and not isinstance(raw, bool):
        return _bounded(raw * 10**scale)
    return _scaled(raw, scale) if isinstance(raw, Decimal) and raw.is_finite() else (None, "not_a_number")


def _bounded(value: int) -> Cell[int]:
    return (value, None) if -_LIMIT < value < _LIMIT else (None, "overflow")


def _scaled(value: Decimal, scale: int) -> Cell[int]:
    if not value:
        return 0, None
    if value.adjusted() + scale > 20:
        return None, "overflow"
    exact = value.scaleb(scale, _WIDE)
    rounded = exact.to_integral_value(ROUND_HALF_UP)
    made, problem = _bounded(int(rounded))
    lost = made is not None and abs(_WIDE.subtract(rounded, exact)) > abs(exact) * _NOISE
    return made, "rounded" if lost else problem


def _exact_text(raw: str, scale: int, percent_ok: bool) -> Cell[int]:
    text, warning = read_text(raw)
    if text is None:
        return None, warning
    if len(text) > _LONGEST_NUMBER:
        return None, "not_a_number"
    plain = _LOOSE_SPACE.sub("", half_width(text).upper().translate(_NUMERALS).translate(_MONEY))
    exact = _APPROXIMATE.sub("", plain)
    value = _amount(exact, percent_ok)
    if value is None:
        return None, "not_a_number"
    made, problem = _scaled(value, scale)
    if made is not None and len(exact) != len(plain):
        problem = "approximate"
    return made, problem or warning


def _amount(text: str, percent_ok: bool) -> Decimal | None:
    bracketed = text[:1] == "(" and text[-1:] == ")"
    found = _AMOUNT.fullmatch(text[1:-1] if bracketed else text)
    if found is None:
        return None
    lead, middle, whole, yuan, jiao, fen, share, trail = found.groups(default="")
    signs = lead + middle + trail + "-" * bracketed
    coins = jiao or fen
    if len(signs) > 1 or (share and not percent_ok) or not (whole or coins):
        return None
    if coins and ("." in whole or (whole and not yuan)):
        return None
    try:
        value = (_numeral(whole) if whole else Decimal(0)) + Decimal(f"0.{jiao or 0}{fen or 0}")
    except ValueError:
        return None
    value = value.scaleb(_SHARES[share], _WIDE)
    return -value if signs == "-" else value


def _numeral(text: str) -> Decimal:
    """The value of digits mixed with 十百千万亿; 三万五 is 35000, 三万零五 is 30005.

    Raises ValueError when the units do not fall from left to right or something else is amiss.
    """
    for unit, worth in _UNITS:
        head, found, tail = text.partition(unit)
        if found:
            head = head or ("1" if unit == "十" else "")
            times = _numeral(head) if unit in "万亿" else _plain(head)
            if not tail:
                return times * worth
            rest = Decimal(tail) * worth / 10 if tail in _COLLOQUIAL else _numeral(tail)
            if rest >= worth or "." in head:
                raise ValueError(text)
            return times * worth + rest
    return _plain(text)


def _plain(text: str) -> Decimal:
    if not _PLAIN.fullmatch(text):
        raise ValueError(text)
    return Decimal(text.replace(",", ""))


# -- yes and no ------------------------------------------------------------------------------------------------------

_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "是", "有", "对", "√", "✓", "✔"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "否", "无", "错", "×", "✗", "✘"), False),
}


def read_boolean(raw: Raw) -> Cell[bool]:
    """A yes or no: 是/否, 有/无, Y/N, true/false, 1/0, √/×, 对/错.

    无 is False here, not a placeholder.

    >>> read_boolean("是"), read_boolean("无"), read_boolean(0), read_boolean("不详"), read_boolean("可能")
    ((True, None), (False, None), (False, None), (None, 'placeholder'), (None, 'not_a_boolean'))
    """
    if isinstance(raw, bool):
        return raw, None
    if isinstance(raw, str):
        quick = _BOOLEANS.get(raw)
        if quick is not None:
            return quick, None
        known = _BOOLEANS.get(half_width(_INVISIBLE.sub("", raw)).strip().lower())
        text, problem = read_text(raw)
        if known is not None:
            return known, problem if problem == "invisible_characters" else None
        return None, "not_a_boolean" if text is not None else problem
    if raw is None:
        return None, None
    if isinstance(raw, int | float | Decimal) and _finite(raw) and raw in (0, 1):
        return raw == 1, None
    return None, "not_a_boolean"


# -- dates and moments -----------------------------------------------------------------------------------------------

_FIRST_YEAR, _LAST_YEAR = 1901, 2100
_NEVER = {date(1900, 1, 1), date(1899, 12, 30), date(9999, 12, 31)}
_NO_DAY = {(0, 0, 0), (1900, 1, 0)}
_OPEN_ENDED = {"长期", "长期有效", "永久", "永久有效"}
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
# Excel counts days from 1899-12-31 and believes in 29 February 1900; after that day, counting from the 30th is right.
_EXCEL_EPOCH = datetime(1899, 12, 30)
_EXCEL_DAYS = (20_000, 80_000)
_MILLISECONDS_PER_DAY = 86_400_000
_NUMERIC_DATES = (1901_01_01, 9999_12_31_23_59_59)

_CALENDAR = str.maketrans({"年": "-", "月": "-", "日": " ", "号": " ", "时": ":", "点": ":", "分": ":", "秒": ""})
_TENS = re.compile("([0-9]?)十([0-9]?)")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[T ]?([0-9]{2})([0-9]{2})([0-9]{2})?)?(?![0-9:])")
_DAY = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})(?![0-9])(.*)")
_AMBIGUOUS = re.compile(r"[0-9]{1,2}([-/.])[0-9]{1,2}\1(?:[0-9]{2}|[0-9]{4})(?![0-9]).*|[0-9]{6}")
_CLOCK = re.compile(
    r"[T ]?(上午|下午|凌晨|AM|PM)? ?([0-9]{1,2})(?::([0-9]{1,2})(?::([0-9]{1,2})(?:[.,]([0-9]{1,9}))?)?)?:?"
    r" ?(AM|PM)? ?(?:(Z)|([+-])([0-9]{2}):?([0-9]{2})?)?"
)


def read_date(raw: Raw) -> Cell[date]:
    """A calendar day; a time behind it is ignored, with its zone.

    Reads 2024-01-31, 2024/1/31, 2024.1.31, 20240131, 2024年1月31日, 二〇二四年一月三十一日, Excel's day numbers (as
    numbers, 20000 to 80000), and typed dates. 长期 in a last day is None with a warning, like 9999-12-31.

    >>> read_date("2024年1月31日 14:05"), read_date("二〇二四年一月三十一日"), read_date(45322)
    ((datetime.date(2024, 1, 31), None), (datetime.date(2024, 1, 31), None), (datetime.date(2024, 1, 31), None))
    >>> read_date("01/02/2024"), read_date("2024-02-30"), read_date("1900-01-01")
    ((None, 'ambiguous_date'), (None, 'not_a_date'), (None, 'placeholder_date'))
    """
    read = _iso(raw) if isinstance(raw, str) else None
    if read is not None:
        return _within(read.date())
    day, problem, clock = _split(raw)
    if day is not None and isinstance(clock, str) and clock and not _CLOCK.fullmatch(clock):
        return None, "not_a_date"
    return day, problem


def read_moment(raw: Raw, zone: ZoneInfo) -> Cell[int]:
    """A point in time, in microseconds UTC.

    Dates as `read_date` reads them, followed by 14:05, 14:05:30.5, 14时05分30秒, 下午2:05 or 2:05 PM. A day without a time
    is its midnight; 24:00 is the midnight at its end. A zone in the text wins over `zone`; numbers counted from an epoch
    are refused, because nothing says in which unit they count.

    >>> shanghai = ZoneInfo("Asia/Shanghai")
    >>> read_moment("1970-01-01 08:00:00", shanghai), read_moment("1970年1月1日上午8时00分01秒", shanghai)
    ((0, None), (1000000, None))
    >>> read_moment("1970-01-01T00:00:00Z", shanghai), read_moment("2024-01-31 25:00", shanghai)
    ((0, None), (None, 'not_a_time'))
    """
    read = _iso(raw) if isinstance(raw, str) else raw if isinstance(raw, datetime) else None
    if read is not None and _FIRST_YEAR <= read.year <= _LAST_YEAR:
        return (instant(read) if read.tzinfo else _microseconds(read, zone)), None
    day, problem, clock = _split(raw)
    if day is None:
        return None, problem
    found = _clock(clock) if isinstance(clock, str) else clock
    if found is None:
        return None, "not_a_time"
    since_midnight, offset = found
    return _microseconds(datetime.combine(day, time()) + since_midnight, offset or zone), problem


_Clock: TypeAlias = tuple[timedelta, tzinfo | None]
_MIDNIGHT: _Clock = (timedelta(), None)


def _iso(text: str) -> datetime | None:
    """The fast way for plain ISO text; None for all that has to go the long way, which also says what is wrong."""
    if text[4:5] == text[7:8] == "-" and text[10:11] in " T":
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return None
    return None


def _microseconds(wall: datetime, zone: tzinfo) -> int:
    """What `instant` gives for a wall-clock time in a zone; making it aware first would take most of the time."""
    return (wall - _EPOCH - (zone.utcoffset(wall) or timedelta())) // _MICROSECOND


def _within(day: date) -> Cell[date]:
    if _FIRST_YEAR <= day.year <= _LAST_YEAR:
        return day, None
    return None, "placeholder_date" if day in _NEVER else "not_a_date"


def _split(raw: Raw) -> tuple[date | None, str | None, str | _Clock]:
    """The day, what is wrong with it, and the time: as it is written, or already read."""
    if isinstance(raw, int | float | Decimal):
        return _split_number(raw)
    if isinstance(raw, date):
        return *_within(raw.date() if isinstance(raw, datetime) else raw), _MIDNIGHT
    text, problem = read_text(raw)
    if text is None:
        return None, problem, ""
    day, wrong, clock = _split_text(text) if len(text) <= _LONGEST_DATE else (None, "not_a_date", "")
    return day, wrong or problem, clock


def _split_number(raw: int | float | Decimal) -> tuple[date | None, str | None, str | _Clock]:
    if not isinstance(raw, bool) and _finite(raw):
        if _EXCEL_DAYS[0] <= raw <= _EXCEL_DAYS[1]:
            read = _EXCEL_EPOCH + timedelta(milliseconds=round(raw * _MILLISECONDS_PER_DAY))
            return *_within(read.date()), (read - datetime.combine(read.date(), time()), None)
        if _NUMERIC_DATES[0] <= raw <= _NUMERIC_DATES[1] and raw == int(raw):
            return _split_text(str(int(raw)))
    return None, "not_a_date", ""


@lru_cache(maxsize=8192)
def _split_text(text: str) -> tuple[date | None, str | None, str]:
    plain = half_width(text).upper().translate(_NUMERALS).translate(_CALENDAR)
    plain = " ".join(_TENS.sub(_tens, plain).split())
    if compact := _COMPACT.match(plain):
        year, month, day, *clock = compact.groups()
        plain = f"{year}-{month}-{day} {':'.join(filter(None, clock))}".strip() + plain[compact.end() :]
    if found := _DAY.fullmatch(plain):
        written = int(found[1]), int(found[3]), int(found[4])
        try:
            return *_within(date(*written)), found[5]
        except ValueError:
            return None, "placeholder_date" if written in _NO_DAY else "not_a_date", ""
    if plain in _OPEN_ENDED:
        return None, "placeholder_date", ""
    return None, "ambiguous_date" if _AMBIGUOUS.fullmatch(plain) else "not_a_date", ""


def _tens(found: re.Match[str]) -> str:
    return str(int(found[1] or 1) * 10 + int(found[2] or 0))


def _clock(text: str) -> _Clock | None:
    """Time since midnight and the zone that is written behind it, if any; None when it is no time of day."""
    if not text:
        return _MIDNIGHT
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    before, hours, minutes, seconds, fraction, after, utc, sign, zone_hours, zone_minutes = found.groups(default="")
    hour, minute, second = int(hours), int(minutes or 0), int(seconds or 0)
    half = before or after
    if half in ("上午", "凌晨", "AM"):
        hour = 0 if hour == 12 else hour if hour < 12 else 99
    elif half and hour < 12:
        hour += 12
    microsecond = int(fraction[:6].ljust(6, "0")) if fraction else 0
    since = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microsecond)
    ahead = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    if minute > 59 or second > 59 or since > timedelta(days=1) or ahead >= timedelta(days=1):
        return None
    if utc or sign:
        return since, timezone(-ahead if sign == "-" else ahead)
    return since, None
