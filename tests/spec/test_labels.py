"""What a label is: confirmed, not confirmed, or unknown; from the day it was known; and why one looked."""

from __future__ import annotations

from datetime import date

import numpy as np
from conftest import SHANGHAI, make_store, rows_of
from spec.contracts import Sales, Stations, Verdicts

from jcml.dates import midnight, months
from jcml.features import SupervisionModel, outcome, reason, rule
from jcml.features.matrix import build_matrix, find_outcomes

STATIONS = """
    version | station | known_on
    1       | S-1     | 2020-01-01
    2       | S-2     | 2020-01-01
    3       | S-3     | 2020-01-01
    4       | S-4     | 2020-01-01
"""
SALES = "sale | station | sold_on | known_on | litres\n1 | S-1 | 2024-12-01 | 2024-12-02 | 5"
AS_OF = date(2025, 1, 1)
model = SupervisionModel(
    title=("测试", "Test"), asks=("？", "?"), unit=Stations.station, legal_basis=("测试",),
    label=outcome(
        confirmed=Verdicts.result == "confirmed", not_confirmed=Verdicts.result == "not_confirmed", within=months(6),
        about=Verdicts.about, channel=Verdicts.why,
    ),
    features=dict(litres=reason(Sales.litres.sum(over=months(12)), "{value}", "{value}")),
    rules=dict(any=rule(Sales.litres.sum(over=months(12)) > 0, "有", "any")),
)


def labels(folder, verdicts: str, known_before: date):
    folder.mkdir(exist_ok=True)
    store = make_store(folder, {Stations: rows_of(STATIONS), Sales: rows_of(SALES), Verdicts: rows_of(verdicts)})
    matrix = build_matrix(model, store, [AS_OF], months(1))
    found = find_outcomes(model, store, matrix, months(1))
    from jcml.tables.pseudonyms import Pseudonyms, read_key

    pseudonyms = Pseudonyms(read_key(store.office.key))
    order = [matrix.units.index((pseudonyms.of("station", f"S-{i}"),)) for i in (1, 2, 3, 4)]
    given = found.labels(midnight(known_before, SHANGHAI))[order]
    return [None if np.isnan(v) else int(v) for v in given], [found.channel[i] for i in order]


def test_confirmed_is_1_not_confirmed_is_0_and_everything_else_is_unknown(tmp_path):
    """An unreviewed unit is never negative, nor is one whose data were wrong; both say why one looked, if one did."""
    found, channels = labels(
        tmp_path,
        """
        verdict | station | about          | result        | why     | decided_on | known_on
        1       | S-1     | 2025-01-01     | confirmed     | ranked  | 2025-02-01 | 2025-02-02
        2       | S-2     | 2025-01-01     | not_confirmed | audit   | 2025-02-01 | 2025-02-02
        3       | S-3     | 2025-01-01     | data_error    | audit   | 2025-02-01 | 2025-02-02
        """,
        date(2025, 12, 1),
    )
    assert found == [1, 0, None, None]
    assert channels == ["ranked", "audit", "audit", ""]


def test_a_label_may_be_used_from_the_day_after_it_became_known(tmp_path):
    verdicts = """
        verdict | station | about          | result    | why     | decided_on | known_on
        1       | S-1     | 2025-01-01     | confirmed | ranked  | 2025-02-01 | 2025-03-10
    """
    assert labels(tmp_path / "a", verdicts, date(2025, 3, 10))[0] == [None] * 4
    assert labels(tmp_path / "b", verdicts, date(2025, 3, 11))[0] == [1, None, None, None]


def test_a_verdict_speaks_of_the_date_that_was_reviewed_and_only_within_its_time(tmp_path):
    """S-1: another as-of date was reviewed. S-2: decided before the as-of date. S-3: decided too late. S-4: just in time."""
    found, _ = labels(
        tmp_path,
        """
        verdict | station | about          | result    | why     | decided_on | known_on
        1       | S-1     | 2024-12-01     | confirmed | ranked  | 2025-02-01 | 2025-02-02
        2       | S-2     | 2025-01-01     | confirmed | ranked  | 2024-12-31 | 2025-02-02
        3       | S-3     | 2025-01-01     | confirmed | ranked  | 2025-07-01 | 2025-07-02
        4       | S-4     | 2025-01-01     | confirmed | ranked  | 2025-06-30 | 2025-07-02
        """,
        date(2025, 12, 1),
    )
    assert found == [None, None, None, 1]


def test_a_corrected_verdict_counts_as_corrected(tmp_path):
    found, _ = labels(
        tmp_path,
        """
        verdict | station | about          | result        | why     | decided_on | known_on
        1       | S-1     | 2025-01-01     | confirmed     | ranked  | 2025-02-01 | 2025-02-02
        1       | S-1     | 2025-01-01     | not_confirmed | ranked  | 2025-02-01 | 2025-03-02
        """,
        date(2025, 12, 1),
    )
    assert found == [0, None, None, None]
