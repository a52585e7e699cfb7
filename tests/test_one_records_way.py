"""One record's way through the house. Read this first.

On a small synthetic office: the place that stands first on a list is followed from one delivery in the supplier's file
to the clue. What happens at each step stands in the comments; how, in the module that the step names.
"""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal

import pytest

from jcml.features.matrix import build_matrix
from jcml.records import read_clues
from jcml.registry.mlflow import Registry
from jcml.tables.office import read_office
from jcml.tables.pseudonyms import Pseudonyms, read_key
from jcml.tables.store import Store
from jcml.workspace.workspace import Workspace

AS_OF, YEAR_BEFORE = date(2025, 1, 1), date(2024, 1, 1)


def known_in_the_year(row: dict[str, str], happened: str) -> bool:
    """It happened in the twelve months before the as-of date, and the office knew of it before that date."""
    return YEAR_BEFORE <= date.fromisoformat(row[happened]) < AS_OF and date.fromisoformat(row["入库日期"]) < AS_OF


def test_one_records_way_from_a_cell_to_a_clue(office, jcml, capsys):
    store = Store(read_office(office), Workspace(office).tables)
    model = Workspace(office).model("example")
    assert jcml("score", "example", "--as-of", "2025-01-01") == 0
    first = next(iter(read_clues(next((office / "state" / "outbox").glob("*.jsonl")))))
    pseudonym = first.unit["place"]
    place = store.vault.reveal("place", [pseudonym])[pseudonym]

    # 1 · A raw cell. The supplier's file says in Chinese, as text, how much was delivered to the place and when.
    with (office / "data" / "deliveries.csv").open(encoding="utf-8") as stream:
        lines = [(number, row) for number, row in enumerate(csv.DictReader(stream), 2) if row["场所编号"] == place]
    known = [(number, row) for number, row in lines if known_in_the_year(row, "送货日期")]
    line, delivery = known[-1]

    # 2 · A canonical row (jcml.tables). Litres are whole millilitres, so that sums are exact; the place is a keyed
    #     pseudonym, the same in every table; and the row remembers its line in the file.
    with store.engine(["deliveries"]) as engine:
        rows = {row["_line"]: row for row in engine.query("SELECT * FROM deliveries").to_pylist()}
    canonical = rows[line]
    assert canonical["litres"] == int(Decimal(delivery["数量"]) * 1000)
    assert canonical["place"] == pseudonym == Pseudonyms(read_key(store.office.key)).of("place", place) != place
    assert canonical["_row"] == delivery["送货单号"]

    # 3 · A feature value (jcml.features, jcml.engines). What was delivered in proportion to what was declared, of all
    #     rows that happened in the twelve months before the as-of date and were known by then; no other row counts.
    with (office / "data" / "returns.csv").open(encoding="utf-8") as stream:
        returns = [row for row in csv.DictReader(stream) if row["场所编号"] == place and known_in_the_year(row, "申报日期")]
    by_hand = float(sum(Decimal(row["数量"]) for _, row in known)) / float(sum(Decimal(row["申报数量"]) for row in returns))
    matrix = build_matrix(model.definition, store, [AS_OF], model.serving.every)
    at = matrix.units.index((pseudonym,))
    value = matrix.column("delivered_to_declared")[at]
    assert value == pytest.approx(by_hand, rel=1e-12)
    assert len(known) < len(lines), "older deliveries are in the file and do not count"

    # 4 · Evidence. Exactly those rows are behind the number, and it is computed once more from them alone.
    capsys.readouterr()
    assert jcml("features", "evidence", "example", "delivered_to_declared", "--as-of", "2025-01-01", "--unit", place, "--json") == 0
    evidence = json.loads(capsys.readouterr().out)
    behind = {row["row"] for row in evidence["rows"] if row["table"] in ("deliveries", "returns")}
    assert behind == {row["送货单号"] for _, row in known} | {row["申报编号"] for row in returns}
    assert evidence["recomputed"] == value

    # 5 · Score and reason (jcml.estimators, jcml.explanation). The champion's log-odds are split, without a rest that
    #     nobody sees, into what each feature contributed; a contribution becomes a sentence with the number in it.
    champion = Registry(store.root / "mlflow").load("example", "champion")
    margin = champion.fitted.margins(matrix.values[[at]])[0]
    *contributions, base = champion.fitted.contributions(matrix.values[[at]])[0]
    assert first.margin == margin == pytest.approx(base + sum(contributions), abs=1e-9)
    told = [*first.reasons_for, *first.reasons_against]
    assert first.base + sum(reason.contribution for reason in told) + first.rest == pytest.approx(first.margin, abs=1e-9)
    statement = next(reason.statement for reason in told if reason.statement.feature == "delivered_to_declared")
    assert statement.zh == f"近12个月购进量是申报销量的 {value:.1f} 倍"

    # 6 · A clue in the outbox (jcml.serving). It carries the source rows themselves, each with the digest by which a
    #     later reader sees whether it was changed; what it asks for is a check, and a person decides.
    shown = {row.row: row for part in statement.parts for row in part.rows}
    assert shown[delivery["送货单号"]].line == line
    assert shown[delivery["送货单号"]].digest == canonical["_digest"]
    assert shown[delivery["送货单号"]].shown["送货日期"] == delivery["送货日期"]
    assert (first.selected, first.rank, first.chance) == ("ranked", 1, 1.0)
    assert "仅供线索筛查参考" in first.notice_zh
