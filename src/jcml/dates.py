"""Dates as the law counts them: periods in months or days, as-of dates, midnight in the office's time zone.

A window of *months* is counted by calendar, as a lawyer counts a term: one month before 31 March is the last
day of February. A window of *days* counts calendar days. Both are worked out once per as-of date, never per
row, so they cost nothing and mean the same on every engine.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from zoneinfo import ZoneInfo

MICROSECONDS_PER_DAY = 86_400_000_000
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, order=True)
class Period:
    """A length of time: calendar months, days, or everything before (`ever`).

    Parameters
    ----------
    months : int
        Calendar months, 0 or more.
    days : int
        Calendar days, 0 or more; a period has months or days, not both.
    unbounded : bool
        True only for `ever`.

    Examples
    --------
    >>> months(1).before(date(2024, 3, 31))
    datetime.date(2024, 2, 29)
    >>> days(90).before(date(2024, 3, 31))
    datetime.date(2024, 1, 1)
    >>> months(12).name, days(90).name, ever.name
    ('12m', '90d', 'ever')
    """

    months: int = 0
    days: int = 0
    unbounded: bool = False

    def __post_init__(self) -> None:
        if self.unbounded:
            return
        if not isinstance(self.months, int) or not isinstance(self.days, int):
            raise ValueError(f"a period has a whole number of months or of days, not {self.months} and {self.days}")
        if (self.months > 0) == (self.days > 0) or self.months < 0 or self.days < 0:
            raise ValueError(f"a period has a positive number of months or of days, not {self.months} and {self.days}")

    @property
    def name(self) -> str:
        """Short and stable, for feature names: `12m`, `90d`, `ever`."""
        if self.unbounded:
            return "ever"
        return f"{self.months}m" if self.months else f"{self.days}d"

    @property
    def zh(self) -> str:
        """In Chinese, as reasons say it: 近12个月, 近90天, 历史上."""
        if self.unbounded:
            return "历史上"
        return f"近{self.months}个月" if self.months else f"近{self.days}天"

    @property
    def en(self) -> str:
        """In English, as reasons say it: `in the last 12 months`."""
        if self.unbounded:
            return "ever before"
        count, word = (self.months, "month") if self.months else (self.days, "day")
        return f"in the last {count} {word}{'s' if count > 1 else ''}"

    def before(self, day: date) -> date:
        """The day that lies one period before `day`; for `ever`, the first day there is."""
        if self.unbounded:
            return date.min
        return shift_months(day, -self.months) if self.months else shift_days(day, -self.days)

    def after(self, day: date) -> date:
        """The day that lies one period after `day`; for `ever`, the last day there is."""
        if self.unbounded:
            return date.max
        return shift_months(day, self.months) if self.months else shift_days(day, self.days)

    def then(self, other: Period) -> Period:
        """Both periods one after the other; months and days are never mixed.

        Raises
        ------
        ValueError
            If one is in months and the other in days.

        >>> months(12).then(months(3)).name
        '15m'
        """
        if self.unbounded or other.unbounded:
            return ever
        return Period(months=self.months + other.months, days=self.days + other.days)


def months(count: int) -> Period:
    """A period of calendar months.

    >>> months(12).zh
    '近12个月'
    """
    return Period(months=count)


def days(count: int) -> Period:
    """A period of calendar days.

    >>> days(30).en
    'in the last 30 days'
    """
    return Period(days=count)


ever = Period(unbounded=True)
"""The period without a beginning: all that is known."""


def parse_period(text: str) -> Period:
    """Read a period as the YAML files write it: `12 months`, `1 month`, `90 days`, `ever`.

    Raises
    ------
    ValueError
        If the text is not such a period.

    >>> parse_period("12 months").name
    '12m'
    """
    words = text.split()
    if words == ["ever"]:
        return ever
    if len(words) == 2 and words[0].isdigit() and int(words[0]) > 0:
        unit = words[1].removesuffix("s")
        if unit == "month":
            return months(int(words[0]))
        if unit == "day":
            return days(int(words[0]))
        if unit == "year":
            return months(12 * int(words[0]))
    raise ValueError(f"not a period: {text!r}; write for example '12 months' or '90 days'")


def shift_days(day: date, number: int) -> date:
    """The day `number` days later (or earlier), no further than the calendar goes.

    >>> shift_days(date(2024, 1, 31), -31), shift_days(date(2024, 1, 31), -10_000_000)
    (datetime.date(2023, 12, 31), datetime.date(1, 1, 1))
    """
    return date.fromordinal(min(max(day.toordinal() + number, 1), date.max.toordinal()))


def shift_months(day: date, count: int) -> date:
    """The same day of the month `count` months later (or earlier), or that month's last day; no further than the calendar goes.

    >>> shift_months(date(2024, 1, 31), 1)
    datetime.date(2024, 2, 29)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    if not 1 <= year <= date.max.year:
        return date.min if count < 0 else date.max
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def date_series(first: date, last: date, every: Period) -> list[date]:
    """As-of dates from `first` to `last`, both included, each counted from the first one.

    >>> [str(d) for d in date_series(date(2024, 1, 31), date(2024, 4, 30), months(1))]
    ['2024-01-31', '2024-02-29', '2024-03-31', '2024-04-30']
    """
    return list(_series(first, last, every))


def _series(first: date, last: date, every: Period) -> Iterator[date]:
    for step in count():
        day = shift_months(first, every.months * step) if every.months else shift_days(first, every.days * step)
        if day > last or (step and day == date.max):
            return
        yield day


def midnight(day: date, zone: ZoneInfo) -> int:
    """Microseconds UTC at which `day` begins in a time zone; a date before year 2 counts as the beginning of time.

    >>> midnight(date(1970, 1, 1), ZoneInfo("Asia/Shanghai"))
    -28800000000
    """
    if day.year < 2:
        return -(2**62)
    if day.year > 9998:
        return 2**62
    return instant(datetime(day.year, day.month, day.day, tzinfo=zone))


def instant(moment: datetime) -> int:
    """Microseconds UTC of a moment that knows its time zone; exact, without floating point.

    >>> instant(datetime(1970, 1, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai")))
    0
    """
    since = moment - datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def day_number(day: date) -> int:
    """Days since 1 January 1970.

    >>> day_number(date(1970, 1, 31))
    30
    """
    return (day - EPOCH).days


def from_day_number(number: int) -> date:
    """The day that is `number` days after 1 January 1970.

    >>> from_day_number(30)
    datetime.date(1970, 1, 31)
    """
    return shift_days(EPOCH, number)
