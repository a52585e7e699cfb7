"""Arithmetic, dates, parameters, categories, peers, places."""

from datetime import date

import pytest
from spec.contracts import Cases, Sales, Stations

from jcml.dates import days, months
from jcml.features.language import (
    PARAMETERS,
    Parameter,
    Parameters,
    bunching,
    category,
    days_later,
    either,
    gap,
    greatest,
    least,
    parameter,
    peers,
)
from jcml.tables.expression import as_of, value

STATIONS = """
    version | station | district | status  | nozzles | latitude  | longitude  | known_on
    1       | S-1     | 海州     | valid   | 4       | 34.600000 | 119.200000 | 2020-01-01
    2       | S-2     | 海州     | expired | 8       | 34.601000 | 119.200000 | 2020-01-01
    3       | S-3     |          | valid   |         |           |            | 2020-01-01
"""


def test_division_by_zero_is_unknown(spec):
    spec({Stations: STATIONS}, value(1) / (Stations.nozzles - 4), expected={"S-1": None, "S-2": 0.25, "S-3": None})


def test_decimals_are_exact(spec):
    spec({Stations: STATIONS}, (Stations.nozzles * 0.1 + 0.2) == 0.6, expected={"S-1": 1.0, "S-2": 0.0, "S-3": None})


def test_comparing_with_unknown_is_unknown(spec):
    spec({Stations: STATIONS}, Stations.nozzles > 4, expected={"S-1": 0.0, "S-2": 1.0, "S-3": None})


def test_false_and_unknown_is_false_true_or_unknown_is_true(spec):
    spec({Stations: STATIONS}, (Stations.nozzles > 100) & (Stations.district == "海州"), expected={"S-1": 0.0, "S-2": 0.0, "S-3": None})


def test_a_default_for_unknown_values(spec):
    spec({Stations: STATIONS}, Stations.nozzles.otherwise(1), expected={"S-1": 4.0, "S-2": 8.0, "S-3": 1.0})


def test_either_of_an_unknown_condition_is_unknown(spec):
    spec({Stations: STATIONS}, either(Stations.nozzles > 4, 1, 2), expected={"S-1": 2.0, "S-2": 1.0, "S-3": None})


def test_the_greatest_of_values_one_of_which_is_unknown_is_unknown(spec):
    spec({Stations: STATIONS}, greatest(Stations.nozzles, 5) - least(Stations.nozzles, 5), expected={"S-1": 1.0, "S-2": 3.0, "S-3": None})


def test_rounding_is_away_from_zero_at_the_half(spec):
    spec({Stations: STATIONS}, (Stations.nozzles / 16).rounded(1), expected={"S-1": 0.3, "S-2": 0.5, "S-3": None})


def test_whole_multiples(spec):
    spec({Stations: STATIONS}, Stations.nozzles.multiple_of(8), expected={"S-1": 0.0, "S-2": 1.0, "S-3": None})


def test_a_code_becomes_its_place_in_the_contracts_list(spec):
    spec({Stations: STATIONS}, category(Stations.status), expected={"S-1": 0.0, "S-2": 1.0, "S-3": 0.0})


def test_one_of_several_codes(spec):
    spec({Stations: STATIONS}, Stations.status.isin("expired"), expected={"S-1": 0.0, "S-2": 1.0, "S-3": 0.0})


def test_the_cohort_holds_units_whose_condition_is_true(spec):
    spec({Stations: STATIONS}, Stations.nozzles, cohort=Stations.district == "海州", expected={"S-1": 4.0, "S-2": 8.0})


CASES = """
    case | claim | filed_on   | closed_on  | known_on
    C-1  | 900   | 2024-09-27 | 2024-10-09 | 2024-10-10
    C-2  | 1000  | 2024-10-08 |            | 2024-10-10
"""


def test_days_between_two_dates(spec):
    spec({Cases: CASES}, gap(Cases.filed_on, Cases.closed_on), unit=Cases.case, once=0, as_of="2024-11-01", expected={"C-1": 12.0, "C-2": None})


def test_working_days_leave_out_holidays_and_count_weekends_worked_in_exchange(spec):
    """27 September 2024 is a Friday; 1 to 7 October are holidays; Sunday 29 September and Saturday 12 October are worked."""
    holidays = tuple(date(2024, 10, d) for d in range(1, 8))
    token = PARAMETERS.set(Parameters({}, holidays, (date(2024, 9, 29), date(2024, 10, 12))))
    try:
        working = gap(Cases.filed_on, Cases.closed_on, working=True)
    finally:
        PARAMETERS.reset(token)
    spec({Cases: CASES}, working, unit=Cases.case, once=0, as_of="2024-11-01", expected={"C-1": 4.0, "C-2": None})


def test_days_up_to_the_as_of_date(spec):
    spec({Cases: CASES}, gap(days_later(Cases.filed_on, 10), as_of), unit=Cases.case, once=0, as_of="2024-11-01", expected={"C-1": 25.0, "C-2": 14.0})


def test_a_parameter_is_the_one_in_force_on_the_day_it_applies_to(spec):
    limit = Parameter("限额", "limit", "元", ((date(2020, 1, 1), 90000), (date(2024, 10, 1), 100000)), 2, "《…》", "unchecked")
    token = PARAMETERS.set(Parameters({"law.limit": limit}, (), ()))
    try:
        over = Cases.claim >= parameter("law.limit", on=Cases.filed_on)
    finally:
        PARAMETERS.reset(token)
    spec({Cases: CASES}, over, unit=Cases.case, once=0, as_of="2024-11-01", expected={"C-1": 1.0, "C-2": 1.0})


def test_before_its_first_day_a_parameter_is_unknown(spec):
    limit = Parameter("限额", "limit", "元", ((date(2024, 10, 1), 100000),), 2, "《…》", "unchecked")
    token = PARAMETERS.set(Parameters({"law.limit": limit}, (), ()))
    try:
        over = Cases.claim >= parameter("law.limit", on=Cases.filed_on)
    finally:
        PARAMETERS.reset(token)
    spec({Cases: CASES}, over, unit=Cases.case, once=0, as_of="2024-11-01", expected={"C-1": None, "C-2": 1.0})


def test_an_event_is_scored_once_after_it_became_known(spec):
    """On 1 November both cases have become known since 1 October; on 1 December none is new."""
    spec({Cases: CASES}, Cases.claim, unit=Cases.case, once=0, as_of="2024-11-01", expected={"C-1": 900.0, "C-2": 1000.0})


def test_an_event_is_not_scored_again(spec):
    spec({Cases: CASES}, Cases.claim, unit=Cases.case, once=0, as_of="2024-12-01", expected={})


def test_an_event_waits_until_so_many_days_after_it_happened(spec):
    """Thirty days after 27 September and 8 October: one in November, the other in December."""
    spec({Cases: CASES}, Cases.claim, unit=Cases.case, once=30, as_of="2024-11-01", expected={"C-1": 900.0})


def test_an_event_known_on_the_as_of_date_waits_for_the_next(spec):
    spec({Cases: CASES}, Cases.claim, unit=Cases.case, once=0, as_of="2024-10-10", expected={})


def test_rows_within_a_distance(spec):
    """One thousandth of a degree of latitude is 111 m."""
    sales = """
        sale | station | latitude  | longitude  | sold_on    | known_on
        1    | S-9     | 34.600500 | 119.200000 | 2024-12-01 | 2024-12-01
        2    | S-9     | 34.601500 | 119.200000 | 2024-12-01 | 2024-12-01
        3    | S-9     | 34.600000 | 119.201000 | 2024-12-01 | 2024-12-01
        4    | S-9     |           |            | 2024-12-01 | 2024-12-01
    """
    spec({Stations: STATIONS, Sales: sales}, Sales.near(100).count(over=months(3)), expected={"S-1": 2.0, "S-2": 2.0, "S-3": 0.0})


def test_amounts_just_below_a_threshold_for_each_one_above(spec):
    sales = "sale | station | amount | sold_on | known_on\n" + "\n".join(
        f"{i} | S-1 | {a} | 2024-12-01 | 2024-12-01" for i, a in enumerate((84.99, 85, 99.99, 100, 114.99, 115))
    )
    spec({Stations: STATIONS, Sales: sales}, bunching(Sales.amount, 100, over=days(90)), expected={"S-1": 1.0, "S-2": None, "S-3": None})


MANY = "version | station | district | nozzles | known_on\n" + "\n".join(
    f"{i} | S-{i} | {'甲' if i < 9 else '乙'} | {i if i < 9 else 5} | 2020-01-01" for i in range(1, 12)
)


def test_under_eight_peers_there_is_no_comparison(spec):
    """District 甲 has eight stations with 1 to 8 nozzles, 乙 only three."""
    spec({Stations: MANY}, peers(Stations.nozzles, by=Stations.district, measure="median"), expected={f"S-{i}": 4.5 if i < 9 else None for i in range(1, 12)})


def test_robust_z_is_the_distance_from_the_median_in_deviations(spec):
    """Median 4.5, median absolute deviation 2."""
    spec(
        {Stations: MANY}, peers(Stations.nozzles, by=Stations.district),
        expected={f"S-{i}": pytest.approx((i - 4.5) / (1.4826 * 2)) if i < 9 else None for i in range(1, 12)},
    )


def test_percentile_counts_smaller_values_and_half_of_equal_ones(spec):
    spec(
        {Stations: MANY}, peers(Stations.nozzles, by=Stations.district, measure="percentile"),
        expected={f"S-{i}": pytest.approx((i - 0.5) / 8) if i < 9 else None for i in range(1, 12)},
    )


def test_a_unit_without_a_group_has_no_peers(spec):
    nowhere = MANY.replace("S-1 | 甲", "S-1 |   ")
    spec({Stations: nowhere}, peers(Stations.nozzles, by=Stations.district, measure="count"), expected={f"S-{i}": None if i == 1 else (7.0 if i < 9 else 3.0) for i in range(1, 12)})


def test_a_season_in_another_time_zone(spec):
    """Across the change of clocks in Chicago, ninety days are ninety calendar days."""
    from zoneinfo import ZoneInfo

    sales = """
        sale | station | sold_on    | known_on   | litres
        1    | S-1     | 2024-01-14 | 2024-01-14 | 1
        2    | S-1     | 2024-01-15 | 2024-01-15 | 2
        3    | S-1     | 2024-04-13 | 2024-04-13 | 4
    """
    spec(
        {Stations: "version | station | known_on\n1 | S-1 | 2020-01-01", Sales: sales}, Sales.litres.sum(over=days(90)), as_of="2024-04-14",
        zone=ZoneInfo("America/Chicago"), expected={"S-1": 6.0},
    )
