"""The work of a peer (Triage 6.0.0), side by side: 321 values on 20 monthly dates, a retrained model, a list with reasons.

    python -m benchmarks.triage_bench FOLDER [--scale 10]

FOLDER holds `gen.py` and `experiment.yaml` of the comparison. Every value is compared with plain SQL that is written
from `experiment.yaml` itself; where the peer writes 0 and sets a flag, a value here is unknown.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np
import yaml

from benchmarks.figures import Spent, show, spent
from jcml.engines.duckdb import connect
from jcml.features.matrix import Matrix, build_matrix
from jcml.tables.importing import import_table
from jcml.tables.office import read_office
from jcml.tables.pseudonyms import Pseudonyms, read_key
from jcml.tables.store import Store
from jcml.training.train import Training
from jcml.workspace.workspace import Workspace

HERE = Path(__file__).parent / "triage"
UNTIL = date(2024, 1, 1)
OFFICE = """name = "Side by side"
synthetic = true

[tables.entities]
files = "entities.csv"
columns = { known_date = "open_date" }
[tables.inspections]
files = "inspections.csv"
columns = { counted_on = "known_date" }
[tables.records]
files = "records.csv"
columns = { counted_on = "known_date", agency_code = "agency" }
[tables.complaints]
files = "complaints.csv"
columns = { counted_on = "known_date" }
"""
WINDOWS = {"1 month": "1m", "3 month": "3m", "6 month": "6m", "1 year": "1y", "all": "all"}


def make_office(generator: Path, folder: Path, scale: int) -> Store:
    """The generated data as an imported office."""
    made = [sys.executable, str(generator), str(folder), "--entities", str(2000 * scale), "--events", str(200_000 * scale)]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
    (folder / "office.toml").write_text(OFFICE, encoding="utf-8")
    workspace = Workspace(HERE)
    store = Store(read_office(folder), workspace.tables)
    for table in store.office.bindings:
        import_table(store, table, received=UNTIL)
    return store


def expected_sql(experiment: Path, folder: Path) -> str:
    """What `experiment.yaml` defines, as one SELECT over the generated files: entity, as_of, and every value."""
    content = yaml.safe_load(experiment.read_text(encoding="utf-8"))
    parts, columns = [], []
    for block in content["feature_aggregations"]:
        if block["prefix"] == "ent":
            continue
        prefix, source = block["prefix"], block["from_obj"].removeprefix("semantic.")
        made = []
        for interval in block["intervals"]:
            within = "" if interval == "all" else f" AND e.known_date >= d.as_of - INTERVAL '{interval}'"
            for aggregate in block["aggregates"]:
                quantity = aggregate["quantity"]
                name = quantity if isinstance(quantity, str) else next(iter(quantity))
                for metric in aggregate["metrics"]:
                    of = "count(e.event_id)" if name == "total" else f"{metric}(e.{name})"
                    label = f"{prefix}_{WINDOWS[interval]}_count" if name == "total" else f"{prefix}_{name}_{WINDOWS[interval]}_{metric}"
                    made.append(f'{of} FILTER (WHERE e.event_id IS NOT NULL{within}) AS "{label}"')
            for categorical in block["categoricals"]:
                for choice in categorical["choices"]:
                    for metric in categorical["metrics"]:
                        of = f"{metric}(CASE WHEN e.{categorical['column']} = '{choice}' THEN 1 ELSE 0 END)"
                        made.append(f'{of} FILTER (WHERE e.event_id IS NOT NULL{within}) AS "{prefix}_{categorical["column"]}_{choice}_{WINDOWS[interval]}_{metric}"')
        columns += [m.rsplit(" AS ", 1)[1] for m in made]
        parts.append(
            f"{prefix} AS (SELECT d.entity_id, d.as_of, {', '.join(made)} FROM cohort d LEFT JOIN read_csv('{folder / source}.csv') e"
            f" ON e.entity_id = d.entity_id AND e.known_date < d.as_of GROUP BY ALL)"
        )
    entity = ["date_diff('day', n.open_date, d.as_of) AS ent_age"]
    for block in content["feature_aggregations"]:
        if block["prefix"] == "ent":
            for categorical in block["categoricals"]:
                entity += [f"(n.{categorical['column']} = '{c}')::int AS ent_{categorical['column']}_{c}" for c in categorical["choices"]]
    return f"""
        WITH dates AS (SELECT CAST(g AS DATE) AS as_of FROM generate_series(DATE '2022-01-01', DATE '2023-08-01', INTERVAL 1 MONTH) AS t(g)),
        cohort AS (SELECT entity_id, as_of FROM read_csv('{folder}/entities.csv') n, dates
          WHERE open_date < as_of AND (close_date IS NULL OR close_date >= as_of)),
        {', '.join(parts)}
        SELECT CAST(d.entity_id AS VARCHAR) AS entity, d.as_of, {', '.join(columns)}, {', '.join(entity)}
        FROM cohort d JOIN insp USING (entity_id, as_of) JOIN rec USING (entity_id, as_of) JOIN comp USING (entity_id, as_of)
        JOIN read_csv('{folder}/entities.csv') n ON n.entity_id = d.entity_id"""


def compare(matrix: Matrix, store: Store, experiment: Path, folder: Path) -> tuple[int, float]:
    """Number of compared values and the largest difference, relative where numbers are large.

    Raises
    ------
    AssertionError
        If rows, columns or what is unknown differ. An empty count or sum is 0 here and NULL there.
    """
    found = connect().sql(expected_sql(experiment, folder)).to_arrow_table()
    pseudonyms = Pseudonyms(read_key(store.office.key))
    position = {(u[0], d.item()): i for i, (u, d) in enumerate(zip(matrix.units, matrix.as_of))}
    codes = {e: pseudonyms.of("entity", e) for e in set(found["entity"].to_pylist())}
    rows = np.array([position[codes[e], d] for e, d in zip(found["entity"].to_pylist(), found["as_of"].to_pylist())])
    assert sorted(rows) == list(range(len(matrix))), "the cohorts differ"
    names = set(found.column_names) - {"entity", "as_of"}
    assert names == set(matrix.features), names ^ set(matrix.features)
    largest, compared = 0.0, 0
    for name in sorted(names):
        expected = np.asarray(found[name].to_numpy(zero_copy_only=False), dtype=np.float64)
        given = matrix.column(name)[rows]
        if name.endswith(("_sum", "_count")):
            expected = np.nan_to_num(expected)
        assert (np.isnan(expected) == np.isnan(given)).all(), name
        difference = np.abs(expected - given) / np.maximum(1.0, np.abs(expected))
        largest, compared = max(largest, float(np.nanmax(difference, initial=0.0))), compared + len(given)
    return compared, largest


def measure(bench: Path, scale: int) -> None:
    """Print the figures of one scale; 1 is the small set, 10 the medium one."""
    size = {1: "small", 10: "medium"}.get(scale, f"x{scale}")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with spent() as taken:
            store = make_office(bench / "gen.py", folder, scale)
        show(f"triage {size}: generate and import", taken.cpu, "CPU s", "nothing")
        model = Workspace(HERE).model("serious")
        definition, plan = model.definition, model.training
        days = Training("serious", definition, plan, 100, store, until=UNTIL).days()
        with spent() as taken:
            matrix = build_matrix(definition, store, days, plan.as_of.every)
        peer = {1: 13, 10: 198}.get(scale)
        show(f"triage {size}: features", taken.cpu, "CPU s", f"Triage 6.0.0: {peer} CPU s", limit={1: 3.0, 10: 40.0}.get(scale))
        show(f"triage {size}: rows", len(matrix), "rows", f"{len(days)} dates")
        compared, largest = compare(matrix, store, bench / "experiment.yaml", folder)
        show(f"triage {size}: largest relative difference of {compared:,} values", largest, "", "SQL written from experiment.yaml", limit=1e-9)
        if scale == 1:
            _lists(folder)


def _lists(folder: Path) -> None:
    """With a champion in force: retrain on all dates and list with reasons and evidence, in one process; then ask again."""
    jcml = [sys.executable, "-m", "jcml", "--quiet", "-w", str(HERE), "-o", str(folder)]
    score = ["score", "serious", "--as-of", str(UNTIL)]

    def run(*command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    run(*jcml, "train", "serious", "--until", str(UNTIL))
    run(*jcml, "registry", "promote", "serious", "--version", "1", "--by", "benchmark", "--because", "measured")
    run(*jcml, *score)
    taken = [_retrain_and_list(jcml, score, number) for number in (2, 3, 4)]
    again = ["--supersede", "retrained 4"]
    with spent() as unchanged:
        run(*jcml, *score, *again)
    with spent() as listing:
        run(*jcml, *score, "--supersede", "measured alone")
    peer = "Triage 6.0.0: 24 s on one date, without reasons"
    show("triage small: retrain on all dates, evaluate, and list with reasons and evidence (median of 3)", median(t.wall for t in taken), "s", peer, limit=10.0)
    show("triage small: the same, CPU", median(t.cpu for t in taken), "CPU s", "Triage 6.0.0: 19.7 CPU s")
    show("triage small: list alone", listing.wall, "s", "Triage 6.0.0: 11 s, without reasons")
    show("triage small: unchanged second run", unchanged.wall, "s", "Triage 6.0.0: 0.6 s, by table names", limit=1.0)


def _retrain_and_list(jcml: list[str], score: list[str], number: int) -> Spent:
    """Train version `number`, promote it, list: one process."""
    promote = ["registry", "promote", "serious", "--version", str(number), "--by", "benchmark", "--because", "measured"]
    both = f"""
from jcml.cli.main import main, run, settle
settle()
place = {jcml[3:]!r}
for command in ({["train", "serious", "--until", str(UNTIL)]!r}, {promote!r}):
    assert run([*place, *command]) == 0, command
main([*place, *{[*score, "--supersede", f"retrained {number}"]!r}])
"""
    with spent() as taken:
        subprocess.run([sys.executable, "-c", both], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return taken


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bench", type=Path)
    parser.add_argument("--scale", type=int, default=1)
    given = parser.parse_args()
    measure(given.bench, given.scale)
