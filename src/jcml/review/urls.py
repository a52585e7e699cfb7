"""Every address of the workbench; `tests/review/routes.csv` says for each one who gets what."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from jcml.review.api import api
from jcml.review.views import (
    administration,
    assistance,
    audit,
    batches,
    classes,
    clue,
    desk,
    exports,
    health,
    login,
    queue,
    relations,
    scenarios,
    search,
    statistics,
    subject,
    transfers,
)

handler404 = "jcml.review.views.refusals.not_found"

urlpatterns = [
    path("api/v1/", api.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("login", login.log_in, name="login"),
    path("logout", login.log_out, name="logout"),
    path("language", login.language, name="language"),
    path("password", login.password, name="password"),
    path("", desk.desk, name="desk"),
    path("next", desk.take_next, name="next"),
    path("queue", queue.queue, name="queue"),
    path("queue/views", queue.keep_view, name="keep-view"),
    path("queue/bulk", queue.bulk_preview, name="bulk"),
    path("queue/bulk/do", queue.bulk_do, name="bulk-do"),
    path("queue/bulk/<int:bulk_id>/undo", queue.bulk_undo, name="bulk-undo"),
    path("queue/export", exports.queue_export, name="queue-export"),
    path("transfers", transfers.transfers, name="transfers"),
    path("transfers/ledger.<str:kind>", transfers.ledger, name="ledger"),
    path("transfers/<int:transfer_id>/confirm", transfers.confirm, name="transfer-confirm"),
    path("transfers/<int:transfer_id>/answer", transfers.answer, name="transfer-answer"),
    path("transfers/<int:transfer_id>/form.docx", transfers.transfer_docx, name="transfer-docx"),
    path("search", search.search, name="search"),
    path("classes", classes.classes, name="classes"),
    path("classes/<str:key>", classes.one_class, name="class"),
    path("statistics", statistics.statistics, name="statistics"),
    path("models", scenarios.scenarios, name="scenarios"),
    path("models/<str:name>", scenarios.scenario, name="scenario"),
    path("batches", batches.batches, name="batches"),
    path("administration", administration.administration, name="administration"),
    path("administration/ask", administration.ask, name="ask-change"),
    path("administration/<int:change_id>/decide", administration.decide, name="decide-change"),
    path("audit", audit.audit, name="audit"),
    path("audit/code", audit.code, name="audit-code"),
    path("audit/verify", audit.verify_now, name="audit-verify"),
    path("audit/export.csv", audit.export, name="audit-export"),
    path("help", assistance.help_page, name="help"),
    path("clues/<str:clue_id>", clue.clue, name="clue"),
    path("clues/<str:clue_id>/subject", subject.subject, name="subject"),
    path("clues/<str:clue_id>/relations", relations.relations, name="relations"),
    path("clues/<str:clue_id>/relations.json", relations.data, name="relations-data"),
    path("clues/<str:clue_id>/relations.csv", relations.table, name="relations-table"),
    path("clues/<str:clue_id>/relations/picture", relations.picture, name="relations-picture"),
    path("clues/<str:clue_id>/print", exports.clue_print, name="clue-print"),
    path("clues/<str:clue_id>/sheet.docx", exports.clue_docx, name="clue-docx"),
    path("clues/<str:clue_id>/preview", clue.preview, name="preview"),
    path("clues/<str:clue_id>/rows/<int:number>", clue.source_row, name="source-row"),
    path("clues/<str:clue_id>/draft", clue.draft, name="draft"),
    path("clues/<str:clue_id>/reasons/<str:feature>", clue.reason, name="reason"),
    path("clues/<str:clue_id>/verdict", clue.verdict, name="verdict"),
    path("clues/<str:clue_id>/decision", clue.decision, name="decision"),
    path("clues/<str:clue_id>/<str:act>", clue.act, name="act"),
]
if settings.SITE["oidc"]:
    urlpatterns = [path("oidc/", include("mozilla_django_oidc.urls")), *urlpatterns]
