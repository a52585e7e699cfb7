"""What each aggregate function means."""

import math

import pytest
from spec.contracts import Readings, Sales, Stations

from jcml.dates import ever, months

ONE = "version | station | known_on\n1 | S-1 | 2020-01-01"
TABLES = {
    Stations: ONE,
    Sales: """
        sale | station | sold_on    | known_on   | litres | pump | cash | amount
        1    | S-1     | 2024-12-01 | 2024-12-02 | 10.0   | A    | 是   | 100.10
        2    | S-1     | 2024-12-02 | 2024-12-02 | 20.5   | B    | 否   | 200.20
        3    | S-1     | 2024-12-04 | 2024-12-05 |        | A    |      |
        4    | S-1     | 2024-12-07 | 2024-12-08 | 31.0   |      | 是   | 0.03
    """,
}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("sum", 61.5), ("mean", 20.5), ("min", 10.0), ("max", 31.0), ("distinct", 3.0), ("last", 31.0), ("first", 10.0), ("std", 10.5),
    ],
)
def test_unknown_values_are_left_out(spec, function, expected):
    spec(TABLES, getattr(Sales.litres, function)(over=months(3)), expected={"S-1": expected})


def test_count_counts_rows_whatever_their_values(spec):
    spec(TABLES, Sales.count(over=months(3)), expected={"S-1": 4.0})


def test_since_counts_days_from_the_latest_row(spec):
    spec(TABLES, Sales.since(over=months(3)), expected={"S-1": 25.0})


def test_money_adds_up_to_the_cent(spec):
    spec(TABLES, Sales.amount.sum(over=months(3)), expected={"S-1": 300.33})


def test_the_trend_is_the_slope_of_the_least_squares_line_per_day(spec):
    """Days 1, 2 and 7 of December with 10, 20.5 and 31 litres: 3 × Σdx − Σd Σx over 3 × Σd² − (Σd)² = 189 / 62."""
    spec(TABLES, Sales.litres.trend(over=months(3)), expected={"S-1": pytest.approx(189 / 62, abs=1e-12)})


def test_rows_of_one_day_have_no_trend(spec):
    tables = {Stations: ONE, Sales: "sale | station | sold_on | known_on | litres\n1 | S-1 | 2024-12-01 | 2024-12-01 | 1\n2 | S-1 | 2024-12-01 | 2024-12-01 | 2"}
    spec(tables, Sales.litres.trend(over=months(3)), expected={"S-1": None})


def test_one_value_has_no_spread(spec):
    tables = {Stations: ONE, Sales: "sale | station | sold_on | known_on | litres\n1 | S-1 | 2024-12-01 | 2024-12-01 | 1"}
    spec(tables, Sales.litres.std(over=months(3)), expected={"S-1": None})


def test_where_counts_rows_whose_condition_is_true_not_those_where_it_is_unknown(spec):
    spec(TABLES, Sales.count(over=months(3), where=Sales.cash), expected={"S-1": 2.0})


def test_not_of_unknown_is_unknown(spec):
    spec(TABLES, Sales.count(over=months(3), where=~Sales.cash), expected={"S-1": 1.0})


def test_the_share_of_a_condition_is_over_all_rows(spec):
    spec(TABLES, (Sales.litres > 15).share(over=months(3)), expected={"S-1": 0.5})


def test_the_share_of_an_amount_is_over_its_sum(spec):
    spec(TABLES, Sales.litres.share(over=months(3), where=Sales.pump == "A"), expected={"S-1": pytest.approx(10 / 61.5)})


def test_an_expression_over_a_row_can_be_aggregated(spec):
    spec(TABLES, (Sales.litres * 2 + 1).sum(over=months(3)), expected={"S-1": 126.0})


def test_the_latest_of_two_rows_of_one_day_is_the_one_with_the_greater_id(spec):
    tables = {Stations: ONE, Sales: "sale | station | sold_on | known_on | litres\n7 | S-1 | 2024-12-01 | 2024-12-01 | 7\n5 | S-1 | 2024-12-01 | 2024-12-01 | 5"}
    spec(tables, Sales.litres.last(over=ever), expected={"S-1": 7.0})


READINGS = {
    Stations: ONE,
    Readings: """
        reading | station | pump | total | board | read_at             | known_on
        1       | S-1     | A    | 100   | x     | 2024-10-01 08:00:00 | 2024-10-02
        2       | S-1     | A    | 150   | x     | 2024-11-01 08:00:00 | 2024-11-02
        3       | S-1     | A    | 20    | y     | 2024-12-01 08:00:00 | 2024-12-02
        4       | S-1     | A    | 60    | y     | 2024-12-20 08:00:00 | 2024-12-21
        5       | S-1     | B    | 7     | z     | 2024-10-01 09:30:00 | 2024-10-02
        6       | S-1     | B    | 9     | z     | 2024-12-01 23:59:59 | 2024-12-02
    """,
}


def test_a_counter_rises_by_its_increases_a_fall_is_a_reset(spec):
    """Pump A: 50, then a reset, then 40; pump B: 2."""
    spec(READINGS, Readings.total.rise(over=months(12), per=Readings.pump), expected={"S-1": 92.0})


def test_changes_count_how_often_a_value_differs_from_the_one_before(spec):
    spec(READINGS, Readings.board.changes(over=months(12), per=Readings.pump), expected={"S-1": 1.0})


def test_one_reading_has_no_rise(spec):
    spec(READINGS, Readings.total.rise(over=months(1), where=Readings.pump == "B", per=Readings.pump), as_of="2025-01-01", expected={"S-1": None})


def test_a_moment_has_a_local_hour_and_day(spec):
    spec(READINGS, Readings.count(over=months(12), where=Readings.read_at.hour >= 9), expected={"S-1": 2.0})


def test_many_windows_give_what_each_gives_alone(spec, tmp_path):
    """Three windows and many quantities are computed window by window; the values are those of single questions."""
    from datetime import date

    from conftest import ask

    windows = (months(1), months(3), months(12), ever)
    functions = ("sum", "mean", "min", "max", "std", "trend")
    values = {f"{f}_{w.name}": getattr(Sales.litres, f)(over=w) for f in functions for w in windows}
    together = ask(tmp_path, TABLES, values, unit=Stations.station, days=(date(2025, 1, 1), date(2024, 12, 5)))
    assert together.answers["duckdb"] == together.answers["plain"]
    assert not math.isnan(sum(v or 0.0 for row in together.answers["plain"].values() for v in row.values()))
