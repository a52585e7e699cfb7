"""One number of one unit, with its source rows: what `jcml features evidence` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jcml.errors import InputMissing, UsageError, nearest

if TYPE_CHECKING:
    from jcml.engines.engine import Calendar
    from jcml.tables.store import Store
    from jcml.workspace.workspace import Model


def look_at(store: Store, model: Model, calendar: Calendar, feature: str, unit: str) -> dict[str, Any]:
    """The value of a feature, recomputed from its evidence rows, and these rows.

    Raises
    ------
    UsageError
        JC3101, if the model has no such feature.
    InputMissing
        JC3102, if no unit of that key is in the cohort on that day.
    """
    from jcml.engines.inventory import settle_question
    from jcml.engines.plain import PlainEngine
    from jcml.features.wording import Wording
    from jcml.query import Peers, Question, walk
    from jcml.serving.clues import peer_summaries
    from jcml.serving.shown import Shown

    definition = model.definition
    if feature not in definition.features:
        raise UsageError("JC3101", feature=feature, model=model.name, nearest=nearest(feature, definition.features))
    keys = unit_keys(store, model, unit)
    question = definition.full_question
    narrow = settle_question(Question(question.unit, None, tuple((n, v) for n, v in question.values if n == feature), question.relations))
    asked = [(keys, calendar.days[0])]
    with store.engine(definition.tables) as engine:
        evidence = engine.evidence(narrow, calendar, asked)
        if not evidence.rows:
            raise InputMissing("JC3102", unit=unit, as_of=calendar.days[0])
        found = evidence.of(asked[0], feature)
        tables: dict[str, list[dict[str, Any]]] = {}
        for table in sorted({t for _, _, t, _ in found}):
            tables[table] = engine.rows(table, {v for _, _, t, v in found if t == table})
        summaries = peer_summaries(engine, question, narrow, calendar, asked) if any(isinstance(n, Peers) for n in walk(narrow.values[0][1])) else {}
        facts = engine.facts()
    own, behind = evidence.behind(asked[0], feature, {t: {r["_version"]: r for r in rows} for t, rows in tables.items()})
    value = PlainEngine(own, facts).recompute(narrow, calendar, asked[0], feature, {n: s[asked[0]] for n, s in summaries.items()}, behind)
    wording, shown = Wording(definition), Shown(store.tables, store.vault)
    number = value if isinstance(value, float) else None
    rows = []
    for _, role, table, version in found:
        row = next(r for r in tables[table] if r["_version"] == version)
        made = shown.rows(table, role, [row])[0]  # type: ignore[arg-type]
        rows.append({"table": table, "role": role, "row": made.row, "digest": made.digest, "batch": made.batch, "line": made.line, "shown": dict(made.shown)})
    return {
        "feature": feature, "unit": list(keys), "as_of": str(calendar.days[0]), "recomputed": value, "says": wording.sentence(feature, number, "zh"),
        "says_en": wording.sentence(feature, number, "en"), "formula": wording.formula(feature, "zh"), "rows": rows,
    }


def unit_keys(store: Store, model: Model, unit: str) -> tuple[str, ...]:
    """The unit's pseudonyms from what a person typed: pseudonyms, or the office's own numbers."""
    from jcml.tables.cleaning import join_key

    table = model.definition.unit_table
    parts = unit.split("|")
    made = []
    for key, part in zip(model.definition.keys, parts, strict=False):
        column = table.columns[key]
        known = store.vault.reveal(column.entity, [part])
        made.append(part if known else store.pseudonyms.of(column.entity, join_key(part, column.identifier)))
    return tuple(made)
