"""`python -m benchmarks [NAME …]`: every measurement, one JSON line per figure; exit code 1 if a limit is not kept.

| name | what |
|---|---|
| `engine` | 21 features on a million events against hand-written SQL and pandas |
| `scale` | how cost grows with events and as-of dates, by engine and plan; more than an hour, 9 GB of disk |
| `scoring_on_spark` | ten million rows scored and selected on one machine and on Spark: equal lists, and how much more it costs |
| `scoring` | scoring and explaining against plain LightGBM; ten million rows in bounded memory |
| `triage` | the work of a peer, side by side; needs `JCML_TRIAGE`, the folder of `gen.py` and `experiment.yaml` |
| `chicago` | the City of Chicago's own split; needs `JCML_DATA`, the folder of the public data sets |
| `review` | a hundred reviewers on 200,000 clues, beside a bare Django page |
| `offices` | twenty seeds of each synthetic office: gain over the best rule, and whether intervals hold the planted truth |
| `loop` | twelve synthetic offices through the workbench and back: do lists get better as verdicts return |
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

RUNS = {
    "engine": [["benchmarks.engine_bench"]],
    "scale": [["benchmarks.scale"]],
    "scoring_on_spark": [["benchmarks.scoring_on_spark"]],
    "scoring": [["benchmarks.scoring_bench"]],
    "triage": [["benchmarks.triage_bench", "{triage}"], ["benchmarks.triage_bench", "{triage}", "--scale", "10"]],
    "chicago": [["benchmarks.chicago_food", "{data}"]],
    "review": [["benchmarks.review_load"]],
    "offices": [["benchmarks.synthetic_offices", "--seeds", "20"]],
    "loop": [["benchmarks.label_loop", "--seeds", "12"]],
}
SHARED = Path(__file__).resolve().parents[2] / "shared"


def places() -> dict[str, str]:
    """Folders of what lies outside the repository; empty when it is not there."""
    named = {"triage": os.environ.get("JCML_TRIAGE", str(SHARED / "triage_bench")), "data": os.environ.get("JCML_DATA", str(SHARED / "data"))}
    return {k: v if Path(v).is_dir() else "" for k, v in named.items()}


def broken(line: str) -> bool:
    """True when a figure has a limit and does not keep it."""
    figure = json.loads(line) if line.startswith("{") else {}
    if "limit" not in figure:
        return False
    return figure["value"] < figure["limit"] if figure.get("at_least") else figure["value"] > figure["limit"]


def main(names: list[str]) -> int:
    """Run the named measurements, or all; print their lines as they come."""
    found, failed = places(), 0
    for name in names or list(RUNS):
        for module, *arguments in RUNS[name]:
            filled = [a.format(**found) for a in arguments]
            if "" in filled:
                print(f"{name}: skipped, its data are not here", file=sys.stderr)
                continue
            running = subprocess.Popen([sys.executable, "-m", module, *filled], stdout=subprocess.PIPE, text=True)
            for line in running.stdout or ():
                print(line, end="", flush=True)
                failed += broken(line)
            failed += running.wait() != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
