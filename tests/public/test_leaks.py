"""Public data that look too good: the system must say so and stop, and claim nothing that time does not bear out."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jcml.engines.duckdb import connect
from jcml.errors import CheckFailed, ConfigurationError, Several
from jcml.tables.importing import import_table
from jcml.tables.office import Binding, Office
from jcml.tables.store import Store
from jcml.training.train import Training
from jcml.workspace.workspace import Workspace

HERE = Path(__file__).parent


def office(folder: Path, workspace: Workspace, tables: dict[str, str], source: Path) -> Store:
    """An office whose tables are made from the public files by these queries; `{data}` is their folder."""
    connection = connect()
    for name, sql in tables.items():
        connection.execute(f"COPY ({sql.format(data=source)}) TO '{folder / name}.parquet' (FORMAT parquet)")
    bindings = {n: Binding(n, files=(f"{n}.parquet",), quarantine_at_most=0.05) for n in tables}
    made = Office(folder / "office.toml", "公开数据", ZoneInfo("Asia/Shanghai"), bindings, folder / "state", folder / "state" / "key", memory="1GB")
    store = Store(made, workspace.tables)
    for name in tables:
        import_table(store, name, received=date(2018, 1, 1))
    return store


def train(workspace: Workspace, name: str, store: Store, until: date):
    model = workspace.model(name)
    return Training(name, model.definition, model.training, model.serving.capacity, store, until=until).run()


P2P = {
    "exits": """SELECT CAST(platId AS VARCHAR) AS platform, area, onlineTime AS launched_on, nullif(regCapital, 0) AS capital,
        problemTime AS reported_on, problemTime AS known_on FROM '{data}/p2p_platforms/problem_list.parquet'""",
    # the register's rows were crawled in 2017; they describe the company as it had been registered before its launch
    "registrations": """SELECT CAST(platId AS VARCHAR) AS platform, registeredCapital AS registered_capital, actualCapital AS paid_capital,
        onlineTime AS known_on FROM '{data}/p2p_platforms/company_registration.parquet'
        JOIN '{data}/p2p_platforms/problem_list.parquet' USING (platId) WHERE NOT alive_mid_2017 AND onlineTime IS NOT NULL""",
    "outcomes": """SELECT CAST(platId AS VARCHAR) AS platform, y = 1 AS harmful, problemTime + 32 AS found_on, problemTime + 32 AS known_on
        FROM '{data}/p2p_platforms/labels.parquet'""",
}
STATES = """SELECT CAST(platId AS VARCHAR) AS platform, TRY_CAST(platStatus AS INTEGER) AS status, {known} AS known_on
    FROM '{{data}}/p2p_platforms/site_state_at_crawl.parquet' JOIN '{{data}}/p2p_platforms/problem_list.parquet' USING (platId)
    WHERE NOT alive_mid_2017 AND {known} IS NOT NULL"""


@pytest.mark.data
def test_the_state_of_the_page_trips_the_alarm(data, tmp_path):
    """An office that takes the crawled state for something known at launch has the label among its features."""
    workspace = Workspace(HERE / "p2p")
    store = office(tmp_path, workspace, {**P2P, "site_states": STATES.format(known="onlineTime")}, data)
    with pytest.raises(CheckFailed) as caught:
        train(workspace, "leaky", store, date(2017, 9, 1))
    assert caught.value.code == "JC4003"
    assert caught.value.facts["feature"] == "status"


@pytest.mark.data
def test_with_its_true_date_of_knowledge_the_state_is_unknown_and_harmless(data, tmp_path):
    """Known on the day of the crawl, it is NULL on every as-of date: the engine does what the alarm would."""
    workspace = Workspace(HERE / "p2p")
    store = office(tmp_path, workspace, {**P2P, "site_states": STATES.format(known="DATE '2017-08-30'")}, data)
    trained = train(workspace, "leaky", store, date(2017, 8, 30))
    assert trained.model.fitted.importance()["status"] == 0.0


@pytest.mark.data
def test_on_p2p_nothing_above_what_time_bears_out_is_claimed(data, tmp_path):
    """Shuffled, this data gives 0.80; in time it is near chance, and the model is not promoted."""
    workspace = Workspace(HERE / "p2p")
    trained = train(workspace, "honest", office(tmp_path, workspace, P2P, data), date(2017, 9, 1))
    claimed = trained.figures["metrics"]["auc"][0]
    assert claimed <= 0.62
    assert not trained.kept
    assert all((c["auc"] or 0) <= 0.62 for c in trained.figures["contestants"].values())


@pytest.mark.parametrize("how", ["random", "shuffled", "stratified"])
def test_a_shuffled_split_is_refused(tmp_path, how):
    from jcml.strict_yaml import read_yaml
    from jcml.training.plan import TrainingPlan

    plan = tmp_path / "plan.yaml"
    text = (HERE / "p2p" / "training" / "honest.yaml").read_text(encoding="utf-8").replace("by: time", f"by: {how}")
    plan.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_yaml(plan, TrainingPlan)
    assert caught.value.code == "JC1108"
    assert caught.value.where is not None and caught.value.where.line == 2


# the published table has no time: the day of an audit is drawn from the row number, so that the rows of a test period are any rows
AUDIT = {
    "audits": """SELECT CAST(row_id AS VARCHAR) AS firm, Sector_score AS sector_score, PARA_A AS para_a, PARA_B AS para_b, TOTAL AS total,
        numbers, Money_Value AS money_value, Score AS score, District_Loss AS district_loss, History AS history, Inherent_Risk AS inherent_risk, CONTROL_RISK AS control_risk, Audit_Risk AS audit_risk,
        DATE '2015-01-01' + CAST(row_id * 389 % 540 AS INTEGER) AS audited_on, DATE '2015-01-01' + CAST(row_id * 389 % 540 AS INTEGER) AS known_on
        FROM '{data}/audit_firms/audit_risk.parquet'""",
    "findings": """SELECT CAST(row_id AS VARCHAR) AS firm, Risk = 1 AS risky, DATE '2015-01-01' + CAST(row_id * 389 % 540 + 35 AS INTEGER) AS found_on,
        DATE '2015-01-01' + CAST(row_id * 389 % 540 + 35 AS INTEGER) AS known_on FROM '{data}/audit_firms/audit_risk.parquet'""",
}


@pytest.mark.data
def test_steps_of_the_labels_formula_trip_the_alarm(data, tmp_path):
    workspace = Workspace(HERE / "audit")
    store = office(tmp_path, workspace, AUDIT, data)
    with pytest.raises((CheckFailed, Several)) as caught:
        train(workspace, "published", store, date(2017, 1, 1))
    found = {e.facts["feature"] for e in getattr(caught.value, "errors", (caught.value,))}
    assert {"audit_risk", "inherent_risk"} <= found


@pytest.mark.data
def test_a_label_that_is_a_formula_of_raw_factors_trips_the_alarm_on_the_model(data, tmp_path):
    workspace = Workspace(HERE / "audit")
    store = office(tmp_path, workspace, AUDIT, data)
    with pytest.raises(CheckFailed) as caught:
        train(workspace, "raw", store, date(2017, 1, 1))
    assert caught.value.code == "JC4006"
