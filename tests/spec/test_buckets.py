"""Sums per day give what rows give, wherever days are long, short, left out or begun twice."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import ask
from spec.contracts import Readings, Sales, Stations

from jcml.dates import days, ever, months

STATIONS = "version | station | known_on\n1 | S-1 | 1980-01-01\n2 | S-2 | 1980-01-01\n3 | S-3 | 1980-01-01"

TURNS = {
    "Asia/Shanghai": date(2024, 3, 10),
    "America/New_York": date(2024, 3, 10),  # a day of 23 hours
    "Europe/Berlin": date(2024, 10, 27),  # a day of 25 hours
    "Asia/Beirut": date(2021, 3, 28),  # the clock is put forward at midnight: the day begins at 1
    "America/Havana": date(2019, 11, 3),  # put back at 1: the hour after midnight comes twice
    "America/St_Johns": date(1990, 10, 28),  # put back at one minute past midnight: for an hour it is yesterday again
    "Pacific/Apia": date(2011, 12, 31),  # there was no 30 December
}


def exists(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks in the zone ever show this."""
    return moment.replace(tzinfo=zone).astimezone(ZoneInfo("UTC")).astimezone(zone).replace(tzinfo=None) == moment


@pytest.mark.parametrize("zone", TURNS)
def test_days_are_the_office_s_days_in_every_time_zone(tmp_path, zone):
    """Rows of every hour around the turn of the clock, some known at once, some weeks later, some corrected."""
    rng, at, turn = random.Random(7), ZoneInfo(zone), TURNS[zone]
    rows = []
    while len(rows) < 240:
        day = turn + timedelta(days=rng.choice((-1, 0, 0, 1, rng.randrange(-45, 10))))
        moment = datetime(day.year, day.month, day.day, rng.choice((0, 0, 1, 12, 23)), rng.choice((0, 1, 30, 59)))
        if not exists(moment, at):
            continue
        known = day + timedelta(days=rng.choice((0, 0, 1, 2, 5, 6, 7, 8, 8, 9, 29, 40)))
        known += timedelta(days=not exists(datetime(known.year, known.month, known.day, 12), at))
        rows.append({
            "reading": f"R-{rng.randrange(200):03}", "station": f"S-{rng.randrange(1, 3)}", "pump": rng.choice("AB"),
            "total": rng.choice(("", "0", "-7", str(rng.randrange(10**6)))), "read_at": moment.isoformat(" "), "known_on": known.isoformat(),
        })
    values = {}
    for over in (days(7), months(1), ever):
        values |= {
            f"count {over.name}": Readings.count(over=over), f"sum {over.name}": Readings.total.sum(over=over, where=Readings.pump == "A"),
            f"mean {over.name}": Readings.total.mean(over=over), f"std {over.name}": Readings.total.std(over=over),
            f"trend {over.name}": Readings.total.trend(over=over), f"since {over.name}": Readings.since(over=over, where=Readings.total > 0),
            f"max {over.name}": Readings.total.max(over=over),
        }
    asked = ask(
        tmp_path, {Stations: STATIONS, Readings: rows}, values, unit=Stations.station, zone=at,
        days=tuple(sorted({turn + timedelta(days=d) for d in (-20, -1, 0, 1, 2, 7, 8, 40)})), everywhere=zone in ("America/New_York", "Pacific/Apia"),
    )
    assert "duckdb, sums per day" in asked.answers
    plain = asked.answers.pop("plain")
    for engine, found in asked.answers.items():
        assert found == plain, engine
    assert len({str(v) for v in plain.values()}) > 8


def test_a_row_known_later_than_the_shortest_window_is_long_counts_from_when_it_is_known(spec):
    """The sale of June was known in December: the last 30 days do not hold it, the last year does."""
    spec(
        {
            Stations: "version | station | known_on\n1 | S-1 | 2020-01-01",
            Sales: """
                sale | station | sold_on    | known_on   | litres
                1    | S-1     | 2024-06-01 | 2024-12-31 | 100
                2    | S-1     | 2024-12-02 | 2024-12-31 | 20
                3    | S-1     | 2024-12-01 | 2024-12-31 | 3
                4    | S-1     | 2024-06-02 | 2025-01-01 | 7
            """,
        },
        Sales.litres.sum(over=days(365)) * 1000 + Sales.litres.sum(over=days(30)),
        expected={"S-1": 123020.0},
        everywhere=True,
    )


def test_a_correction_takes_the_old_amount_out_of_the_sums(spec):
    spec(
        {
            Stations: "version | station | known_on\n1 | S-1 | 2020-01-01",
            Sales: """
                sale | station | sold_on    | known_on   | litres
                1    | S-1     | 2024-12-20 | 2024-12-20 | 100
                1    | S-1     | 2024-12-20 | 2024-12-25 | 60
                2    | S-1     | 2024-12-20 | 2024-12-20 | 5
                2    | S-1     | 2024-12-20 | 2025-01-01 | 9000
            """,
        },
        Sales.litres.sum(over=months(1)),
        expected={"S-1": 65.0},
        everywhere=True,
    )


def test_sums_of_numbers_that_no_machine_word_holds_squared(spec):
    """Two amounts of nearly 10 billion yuan: their squares need more than 64 bits."""
    spec(
        {
            Stations: "version | station | known_on\n1 | S-1 | 2020-01-01",
            Sales: """
                sale | station | sold_on    | known_on   | amount
                1    | S-1     | 2024-12-20 | 2024-12-20 | 9999999999.99
                2    | S-1     | 2024-12-21 | 2024-12-21 | 9999999997.99
            """,
        },
        Sales.amount.trend(over=months(1)) + 0 * Sales.amount.std(over=months(1)),
        expected={"S-1": -2.0},
        everywhere=True,
    )
