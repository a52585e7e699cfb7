"""Corrections, withdrawals, reversals: the version known at the as-of date counts."""

from spec.contracts import Sales, Stations

from jcml.dates import ever, months

ONE = "version | station | known_on\n1 | S-1 | 2020-01-01"


def test_a_correction_counts_from_the_day_it_is_known(spec):
    """The amount was corrected on 15 January; on 1 January the office knew the old one."""
    tables = {
        Stations: ONE,
        Sales: """
            sale | station | sold_on    | known_on   | litres
            1    | S-1     | 2024-12-01 | 2024-12-02 | 100
            1    | S-1     | 2024-12-01 | 2025-01-15 |  60
        """,
    }
    spec(tables, Sales.litres.sum(over=months(12)), as_of="2025-01-15", expected={"S-1": 100.0})


def test_after_the_correction_the_old_version_does_not_count(spec):
    tables = {
        Stations: ONE,
        Sales: """
            sale | station | sold_on    | known_on   | litres
            1    | S-1     | 2024-12-01 | 2024-12-02 | 100
            1    | S-1     | 2024-12-01 | 2025-01-15 |  60
        """,
    }
    spec(tables, Sales.litres.sum(over=months(12)), as_of="2025-01-16", expected={"S-1": 60.0})


def test_a_withdrawn_row_counts_until_the_withdrawal_is_known(spec):
    tables = {
        Stations: ONE,
        Sales: """
            sale | station | sold_on    | known_on   | litres | taken_back
            1    | S-1     | 2024-12-01 | 2024-12-02 | 100    | 否
            1    | S-1     | 2024-12-01 | 2024-12-20 | 100    | 是
        """,
    }
    spec(tables, Sales.count(over=ever), as_of="2024-12-20", expected={"S-1": 1.0})


def test_a_withdrawn_row_is_gone_afterwards(spec):
    tables = {
        Stations: ONE,
        Sales: """
            sale | station | sold_on    | known_on   | litres | taken_back
            1    | S-1     | 2024-12-01 | 2024-12-02 | 100    | 否
            1    | S-1     | 2024-12-01 | 2024-12-20 | 100    | 是
        """,
    }
    spec(tables, Sales.count(over=ever), as_of="2024-12-21", expected={"S-1": 0.0})


def test_a_reversal_takes_back_the_row_it_names_and_does_not_count_itself(spec):
    """A red invoice (红冲) cancels an earlier one."""
    tables = {
        Stations: ONE,
        Sales: """
            sale | station | sold_on    | known_on   | litres | cancels
            1    | S-1     | 2024-12-01 | 2024-12-02 | 100    |
            2    | S-1     | 2024-12-03 | 2024-12-04 |  30    |
            3    | S-1     | 2024-12-10 | 2024-12-11 | 100    | 1
        """,
    }
    spec(tables, Sales.litres.sum(over=months(12)), expected={"S-1": 30.0})


def test_the_same_row_delivered_again_is_no_new_version(spec):
    """A full extract repeats old rows; they stay known since the first delivery."""
    tables = {
        Stations: ONE,
        Sales: """
            sale | station | sold_on    | known_on   | litres
            1    | S-1     | 2024-12-01 | 2024-12-02 | 100
            1    | S-1     | 2024-12-01 | 2025-02-01 | 100
        """,
    }
    spec(tables, Sales.litres.sum(over=months(12)), expected={"S-1": 100.0})


def test_a_register_gives_the_version_valid_and_known_at_the_date(spec):
    """The licence was renewed in another district; on 1 January the new entry is valid, but not yet known."""
    tables = {
        Stations: """
            version | station | nozzles | valid_from | valid_to   | known_on
            1       | S-1     | 4       | 2020-01-01 | 2026-12-31 | 2020-01-01
            2       | S-1     | 8       | 2024-12-01 |            | 2025-01-10
        """,
    }
    spec(tables, Stations.nozzles, expected={"S-1": 4.0})


def test_once_it_is_known_the_version_valid_from_the_latest_day_counts(spec):
    tables = {
        Stations: """
            version | station | nozzles | valid_from | valid_to   | known_on
            1       | S-1     | 4       | 2020-01-01 | 2026-12-31 | 2020-01-01
            2       | S-1     | 8       | 2024-12-01 |            | 2025-01-10
        """,
    }
    spec(tables, Stations.nozzles, as_of="2025-01-11", expected={"S-1": 8.0})


def test_an_entry_is_valid_to_its_last_day_included(spec):
    """Validity is looked at on the eve of the as-of date, the last day whose knowledge counts."""
    tables = {
        Stations: """
            version | station | valid_from | valid_to   | known_on
            1       | S-1     | 2020-01-01 | 2024-12-31 | 2020-01-01
            2       | S-2     | 2020-01-01 | 2024-12-30 | 2020-01-01
            3       | S-3     | 2024-12-31 |            | 2020-01-01
            4       | S-4     | 2025-01-01 |            | 2020-01-01
        """,
    }
    spec(tables, Stations.count(over=ever), expected={"S-1": 1.0, "S-3": 1.0})
