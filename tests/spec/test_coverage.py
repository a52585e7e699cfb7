"""Not delivered is not zero."""

from datetime import date

from spec.contracts import Firms, Penalties, Sales, Stations

from jcml.dates import ever, months

TWO = "version | station | firm | known_on\n1 | S-1 | F-1 | 2020-01-01\n2 | S-2 | F-2 | 2020-01-01"
SALES = "sale | station | sold_on | known_on | litres | supplier\n1 | S-1 | 2024-12-01 | 2024-12-02 | 5 | F-9"


def test_a_source_that_was_never_delivered_gives_unknown_for_counts_too(spec):
    spec({Stations: TWO}, Sales.count(over=months(12)), expected={"S-1": None, "S-2": None})


def test_a_source_delivered_only_later_gives_unknown(spec):
    spec({Stations: TWO, Sales: SALES}, Sales.count(over=months(12)), as_of="2024-12-02", expected={"S-1": None, "S-2": None})


def test_a_delivered_source_without_rows_of_a_unit_gives_zero(spec):
    spec({Stations: TWO, Sales: SALES}, Sales.count(over=months(12)), expected={"S-1": 1.0, "S-2": 0.0})


def test_a_window_that_reaches_into_a_declared_hole_is_unknown(spec):
    holes = {"sales": {"missing": ((date(2024, 3, 1), date(2024, 3, 31)),)}}
    spec({Stations: TWO, Sales: SALES}, Sales.count(over=months(12)), bindings=holes, expected={"S-1": None, "S-2": None})


def test_a_window_beside_the_hole_is_not(spec):
    holes = {"sales": {"missing": ((date(2024, 3, 1), date(2024, 3, 31)),)}}
    spec({Stations: TWO, Sales: SALES}, Sales.count(over=months(9)), bindings=holes, expected={"S-1": 1.0, "S-2": 0.0})


def test_a_window_that_begins_before_the_source_does_is_unknown(spec):
    late = {"sales": {"covered_from": date(2024, 6, 1)}}
    spec({Stations: TWO, Sales: SALES}, Sales.count(over=months(8)), bindings=late, expected={"S-1": None, "S-2": None})


def test_ever_means_since_the_source_begins(spec):
    late = {"sales": {"covered_from": date(2024, 6, 1)}}
    spec({Stations: TWO, Sales: SALES}, Sales.count(over=ever), bindings=late, expected={"S-1": 1.0, "S-2": 0.0})


def test_a_column_that_was_not_delivered_gives_unknown_not_zero(spec):
    spec({Stations: TWO, Sales: SALES}, Sales.amount.sum(over=months(12)), expected={"S-1": None, "S-2": None})


def test_a_condition_on_a_source_that_was_not_delivered_is_unknown(spec):
    """No penalties were delivered: whether the supplier had been penalised cannot be told."""
    unpenalised = Penalties.absent(firm=Sales.supplier)
    spec({Stations: TWO, Sales: SALES}, Sales.count(over=months(12), where=unpenalised), expected={"S-1": None, "S-2": None})


def test_a_look_up_in_a_register_that_was_not_delivered_is_unknown(spec):
    spec({Stations: TWO}, Firms.size, expected={"S-1": None, "S-2": None})


def test_a_ratio_with_an_unknown_part_is_unknown(spec):
    value = Sales.litres.sum(over=months(12)) / Penalties.fine.sum(over=months(12))
    spec({Stations: TWO, Sales: SALES}, value, expected={"S-1": None, "S-2": None})
