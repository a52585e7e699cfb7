"""A clue as the page shows it: sentences in the reader's language, rows numbered, masked or not, score last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jcml.review.models import Clue

FEW = 5
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"


@dataclass(frozen=True)
class Row:
    """A source row on the page; `number` is its mark, `cells` the titles and texts in order."""

    number: int
    table: str
    title: str
    row: str
    batch: str
    line: int
    digest: str
    cells: Mapping[str, str]
    day: str

    @property
    def mark(self) -> str:
        """①②③, and plain numbers after twenty."""
        return CIRCLED[self.number - 1] if self.number <= len(CIRCLED) else f"[{self.number}]"


class Page:
    """What a clue's page says, made of the content that the engine sent and nothing else.

    Parameters
    ----------
    clue : Clue
    language : {"zh", "en"}
    names : mapping of (table, row) to the unmasked cells, for a person with leave to read them
    """

    def __init__(self, clue: Clue, language: str, names: Mapping[tuple[str, str], Mapping[str, str]] | None = None) -> None:
        self.clue = clue
        self.content: dict[str, Any] = clue.content
        self.language = language
        self.names = names or {}
        self.rows: list[Row] = []
        self._number: dict[tuple[str, str], Row] = {}
        self.facts = [self._statement(s) for s in self.content["facts"]]
        self.reasons_for = [self._reason(r) for r in self.content["reasons_for"]]
        self.reasons_against = [self._reason(r) for r in self.content["reasons_against"]]
        self.rules = [self._statement(s) for s in self.content["rules"]]

    @property
    def title(self) -> str:
        """What and whom it is about; the subject masked unless its name may be read."""
        return str(self.content[f"title_{self.language}"])

    @property
    def lawful(self) -> list[str]:
        """Lawful explanations that must be ruled out."""
        return self._pairs("lawful_explanations")

    @property
    def limits(self) -> list[str]:
        """What the model cannot see."""
        return self._pairs("limits")

    @property
    def missing(self) -> list[str]:
        """Sources that were expected and not delivered."""
        return list(self.content["missing"])

    @property
    def sources(self) -> list[dict[str, Any]]:
        """The rows by what they are, in the order of their marks: of each kind a few, and the rest to be unfolded."""
        kinds: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            kinds.setdefault((row.title, row.table), []).append(row)
        return [{"title": title, "table": table, "n": len(rows), "rows": rows[:FEW], "rest": rows[FEW:]} for (title, table), rows in kinds.items()]

    @property
    def days(self) -> list[dict[str, Any]]:
        """When what happened: rows of one kind within a month are one entry."""
        months: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            if row.day:
                months.setdefault((row.day[:7], row.title), []).append(row)
        return [
            {"day": rows[0].day if len({r.day for r in rows}) == 1 else month, "lane": "fact", "text": title, "mark": "".join(r.mark for r in rows[:FEW]), "more": len(rows[FEW:])}
            for (month, title), rows in months.items()
        ]

    def _pairs(self, name: str) -> list[str]:
        return [p[0 if self.language == "zh" else 1] for p in self.content[name]]

    def _statement(self, told: Mapping[str, Any]) -> dict[str, Any]:
        parts = [
            {"title": part[self.language], "table": part["table"], "total": part["total"], "rows": [self._row(row, part[self.language]) for row in part["rows"]]}
            for part in told["parts"]
        ]
        marks = list(dict.fromkeys(row.mark for part in parts for row in part["rows"]))
        return {
            "feature": told["feature"], "says": told[self.language], "comparison": told.get(f"comparison_{self.language}", ""), "value": told["value"],
            "legal_basis": told["legal_basis"], "parts": parts, "marks": marks, "total": sum(p["total"] for p in parts), "contribution": told["contribution"],
            "unknown": told["value"] is None,
        }

    def _reason(self, told: Mapping[str, Any]) -> dict[str, Any]:
        strongest = max((abs(r["contribution"]) for r in (*self.content["reasons_for"], *self.content["reasons_against"])), default=1.0) or 1.0
        return {
            **self._statement(told["statement"]), "also": [self._statement(s) for s in told["also"]],
            "share": round(100 * abs(told["contribution"]) / strongest), "weight": told["contribution"],
        }

    def _row(self, row: Mapping[str, Any], title: str) -> Row:
        key = (row["table"], row["digest"])
        there = self._number.get(key)
        cells = {**row["shown"], **(there.cells if there else {}), **self.names.get((row["table"], row["row"]), {})}
        number = there.number if there else len(self.rows) + 1
        day = next((text for text in cells.values() if len(text) >= 10 and text[4:5] == "-" and text[7:8] == "-"), "")[:10]
        made = Row(number, row["table"], there.title if there else title, row["row"], row["batch"], row["line"], row["digest"], cells, day)
        self._number[key] = made
        if there:
            self.rows[number - 1] = made
        else:
            self.rows.append(made)
        return made

    def promise(self) -> dict[str, Any]:
        """What is known about lists of this model: share of confirmed among labelled ones with interval, in percent."""
        told = self.content["promise"]
        measured = told.get("metrics", {}).get("precision_at_capacity")
        audit = told.get("audit", {})
        return {
            "confirmed": told.get("confirmed"), "labelled": told.get("labelled"), "capacity": told.get("capacity"),
            "precision": [round(100 * x) for x in measured] if measured and None not in measured else None,
            "audit": [round(100 * x) for x in audit["rate"]] if audit.get("rate") and None not in audit["rate"] else None, "audit_n": audit.get("n"),
        }
