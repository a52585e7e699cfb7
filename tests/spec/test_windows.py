"""Which rows a window holds: when they happened, and when they became known."""

from datetime import date

import pytest
from spec.contracts import Sales, Stations

from jcml.dates import days, ever, months

ONE = "version | station | known_on\n1 | S-1 | 2020-01-01"


def test_a_row_known_too_late_is_not_seen(spec):
    """The sale happened before the as-of date, but the data arrived after it."""
    spec(
        {
            Stations: ONE,
            Sales: """
                sale | station | sold_on    | known_on   | litres
                1    | S-1     | 2024-12-30 | 2024-12-31 | 100
                2    | S-1     | 2024-12-31 | 2025-01-02 |  50
            """,
        },
        Sales.litres.sum(over=months(12)),
        expected={"S-1": 100.0},
    )


def test_a_row_known_on_the_as_of_date_is_not_seen_one_known_the_day_before_is(spec):
    spec(
        {
            Stations: ONE,
            Sales: """
                sale | station | sold_on    | known_on   | litres
                1    | S-1     | 2024-12-01 | 2024-12-31 | 1
                2    | S-1     | 2024-12-01 | 2025-01-01 | 2
            """,
        },
        Sales.litres.sum(over=months(12)),
        expected={"S-1": 1.0},
    )


def test_a_row_that_happens_on_the_as_of_date_is_not_seen_even_when_it_was_announced_before(spec):
    spec(
        {
            Stations: ONE,
            Sales: """
                sale | station | sold_on    | known_on   | litres
                1    | S-1     | 2024-12-31 | 2024-06-01 | 1
                2    | S-1     | 2025-01-01 | 2024-06-01 | 2
            """,
        },
        Sales.litres.sum(over=months(12)),
        expected={"S-1": 1.0},
    )


def test_the_first_day_of_a_window_counts_the_day_before_it_does_not(spec):
    """Three months before 1 January 2025 is 1 October 2024."""
    spec(
        {
            Stations: ONE,
            Sales: """
                sale | station | sold_on    | known_on   | litres
                1    | S-1     | 2024-09-30 | 2024-10-05 | 1
                2    | S-1     | 2024-10-01 | 2024-10-05 | 2
            """,
        },
        Sales.litres.sum(over=months(3)),
        expected={"S-1": 2.0},
    )


@pytest.mark.parametrize(
    ("as_of", "first_day"),
    [("2024-03-31", "2024-02-29"), ("2023-03-31", "2023-02-28"), ("2024-05-31", "2024-04-30"), ("2024-03-15", "2024-02-15")],
)
def test_months_are_counted_as_a_lawyer_counts_them(spec, as_of, first_day):
    """One month before 31 March is the last day of February."""
    before = date.fromordinal(date.fromisoformat(first_day).toordinal() - 1)
    spec(
        {
            Stations: ONE,
            Sales: f"""
                sale | station | sold_on     | known_on    | litres
                1    | S-1     | {before}    | {before}    | 1
                2    | S-1     | {first_day} | {first_day} | 2
            """,
        },
        Sales.litres.sum(over=months(1)),
        as_of=as_of,
        expected={"S-1": 2.0},
    )


def test_days_are_calendar_days(spec):
    """Ninety days before 1 January 2025 is 3 October 2024."""
    spec(
        {
            Stations: ONE,
            Sales: """
                sale | station | sold_on    | known_on   | litres
                1    | S-1     | 2024-10-02 | 2024-10-02 | 1
                2    | S-1     | 2024-10-03 | 2024-10-03 | 2
            """,
        },
        Sales.litres.sum(over=days(90)),
        expected={"S-1": 2.0},
    )


def test_ever_has_no_beginning(spec):
    spec(
        {
            Stations: ONE,
            Sales: """
                sale | station | sold_on    | known_on   | litres
                1    | S-1     | 1998-01-01 | 2021-01-01 | 1
                2    | S-1     | 2024-12-31 | 2024-12-31 | 2
            """,
        },
        Sales.litres.sum(over=ever),
        expected={"S-1": 3.0},
    )


def test_a_lag_moves_the_window_back_but_not_what_is_known(spec):
    """The same quarter a year before; a late row of that quarter counts once it is known."""
    spec(
        {
            Stations: ONE,
            Sales: """
                sale | station | sold_on    | known_on   | litres
                1    | S-1     | 2023-11-01 | 2023-11-02 | 1
                2    | S-1     | 2023-12-31 | 2024-12-31 | 2
                3    | S-1     | 2024-01-01 | 2024-01-02 | 4
                4    | S-1     | 2023-09-30 | 2023-10-01 | 8
            """,
        },
        Sales.litres.sum(over=months(3), lag=months(12)),
        expected={"S-1": 3.0},
    )


def test_no_rows_give_zero_for_counts_and_sums_and_unknown_for_the_rest(spec):
    tables = {
        Stations: "version | station | known_on\n1 | S-1 | 2020-01-01\n2 | S-2 | 2020-01-01",
        Sales: "sale | station | sold_on | known_on | litres\n1 | S-2 | 2024-12-01 | 2024-12-01 | 7",
    }
    spec(tables, Sales.litres.sum(over=months(12)), expected={"S-1": 0.0, "S-2": 7.0})


@pytest.mark.parametrize("function", ["mean", "min", "max", "last", "first"])
def test_no_rows_give_unknown(spec, function):
    tables = {
        Stations: "version | station | known_on\n1 | S-1 | 2020-01-01\n2 | S-2 | 2020-01-01",
        Sales: "sale | station | sold_on | known_on | litres\n1 | S-2 | 2024-12-01 | 2024-12-01 | 7",
    }
    spec(tables, getattr(Sales.litres, function)(over=months(12)), expected={"S-1": None, "S-2": 7.0})


def test_rows_of_another_unit_do_not_count(spec):
    spec(
        {
            Stations: "version | station | known_on\n1 | S-1 | 2020-01-01\n2 | S-2 | 2020-01-01",
            Sales: """
                sale | station | sold_on    | known_on   | litres
                1    | S-1     | 2024-12-01 | 2024-12-01 | 1
                2    | S-2     | 2024-12-01 | 2024-12-01 | 2
            """,
        },
        Sales.count(over=months(12)),
        expected={"S-1": 1.0, "S-2": 1.0},
    )


def test_the_order_of_the_rows_does_not_matter(spec):
    spec(
        {
            Stations: ONE,
            Sales: """
                sale | station | sold_on    | known_on   | litres
                3    | S-1     | 2024-12-01 | 2024-12-01 | 3
                1    | S-1     | 2024-12-01 | 2024-12-01 | 1
                2    | S-1     | 2024-11-01 | 2024-12-01 | 2
            """,
        },
        Sales.litres.last(over=months(12)),
        expected={"S-1": 3.0},
    )
