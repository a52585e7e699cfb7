"""Counting working days: weekends are free unless they are made up for, and the office's special days go first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta


def is_working(day: date, special: Mapping[date, bool]) -> bool:
    """Whether people work on a day; `special` says so for days that are not as their weekday.

    >>> is_working(date(2026, 11, 21), {}), is_working(date(2026, 10, 1), {date(2026, 10, 1): False})
    (False, False)
    """
    return special.get(day, day.weekday() < 5)


def due(start: date, days: int, special: Mapping[date, bool], *, working: bool = True) -> date:
    """The last day of a term; the day on which it starts does not count (《民法典》第二百零一条).

    A term in calendar days that ends on a free day ends on the next working day (第二百零三条).

    >>> due(date(2026, 11, 20), 3, {})
    datetime.date(2026, 11, 25)
    >>> due(date(2026, 11, 20), 1, {}, working=False)
    datetime.date(2026, 11, 23)
    """
    day = start
    if working:
        while days > 0:
            day += timedelta(1)
            days -= is_working(day, special)
        return day
    day += timedelta(days)
    while not is_working(day, special):
        day += timedelta(1)
    return day


def working_days_between(start: date, end: date, special: Mapping[date, bool]) -> int:
    """Working days after `start` up to and with `end`; negative when `end` lies before.

    >>> working_days_between(date(2026, 11, 20), date(2026, 11, 25), {}), working_days_between(date(2026, 11, 25), date(2026, 11, 20), {})
    (3, -3)
    """
    if end < start:
        return -working_days_between(end, start, special)
    return sum(is_working(start + timedelta(n), special) for n in range(1, (end - start).days + 1))
