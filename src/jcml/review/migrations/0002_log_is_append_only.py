"""The database itself refuses to change or delete an event."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations

SQLITE = """
CREATE TRIGGER review_event_no_{lower} BEFORE {upper} ON review_event
BEGIN SELECT RAISE(ABORT, 'events are neither changed nor deleted'); END
"""
POSTGRESQL = (
    """
    CREATE FUNCTION review_event_kept() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'events are neither changed nor deleted'; END $$
    """,
    """
    CREATE TRIGGER review_event_kept BEFORE UPDATE OR DELETE ON review_event
    FOR EACH ROW EXECUTE FUNCTION review_event_kept()
    """,
)


def forbid(apps: Any, schema_editor: Any) -> None:
    """Make the triggers."""
    if schema_editor.connection.vendor == "sqlite":
        for upper in ("UPDATE", "DELETE"):
            schema_editor.execute(SQLITE.format(upper=upper, lower=upper.lower()))
    elif schema_editor.connection.vendor == "postgresql":
        for statement in POSTGRESQL:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    """Triggers on the log."""

    dependencies: ClassVar[list[Any]] = [("review", "0001_initial")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(forbid, migrations.RunPython.noop)]
