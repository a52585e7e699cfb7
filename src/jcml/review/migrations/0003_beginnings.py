"""Reason codes, departments and terms that every workbench begins with; a site changes them under Administration."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django.db import migrations

TERMS = (
    ("high", 5, "本系统推定，由办案单位确定"), ("medium", 10, "本系统推定，由办案单位确定"), ("low", 15, "本系统推定，由办案单位确定"),
    ("decision", 3, "本系统推定，由办案单位确定"), ("pending", 20, "本系统推定，由办案单位确定"), ("transfer", 3, "行刑反向衔接内部移送三个工作日；其他移送由办案单位确定"),
)
DEPARTMENTS = (
    ("criminal", "刑事检察", "Criminal"), ("civil_supervision", "民事检察", "Civil"), ("administrative", "行政检察", "Administrative"),
    ("public_interest", "公益诉讼检察", "Public interest"), ("general", "综合业务", "General"),
)
REASONS = (
    ("lawful_explanation", "有合法理由", "a lawful explanation"), ("already_handled", "已经处理", "already handled"), ("below_threshold", "未达标准", "below the threshold"),
    ("time_barred", "已过时效", "time-barred"), ("insufficient_evidence", "证据不足", "insufficient evidence"),
)


def begin(apps: Any, schema_editor: Any) -> None:
    """Write the rows."""
    for what, days, basis in TERMS:
        apps.get_model("review", "DueRule").objects.create(what=what, days=days, working=True, basis=basis)
    for code, zh, en in DEPARTMENTS:
        apps.get_model("review", "Department").objects.create(code=code, zh=zh, en=en)
    for code, zh, en in REASONS:
        apps.get_model("review", "ReasonCode").objects.create(code=code, zh=zh, en=en, verdict="explained", active_from=date(2026, 1, 1))


class Migration(migrations.Migration):
    """First rows."""

    dependencies: ClassVar[list[Any]] = [("review", "0002_log_is_append_only")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(begin, migrations.RunPython.noop)]
