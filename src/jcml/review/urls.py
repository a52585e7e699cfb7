"""Every address of the workbench; `tests/review/routes.csv` says for each one who gets what."""

from __future__ import annotations

from django.urls import path

from jcml.review.views import clue, desk, login, queue

handler404 = "jcml.review.views.refusals.not_found"

urlpatterns = [
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
    path("clues/<str:clue_id>", clue.clue, name="clue"),
    path("clues/<str:clue_id>/preview", clue.preview, name="preview"),
    path("clues/<str:clue_id>/rows/<int:number>", clue.source_row, name="source-row"),
    path("clues/<str:clue_id>/draft", clue.draft, name="draft"),
    path("clues/<str:clue_id>/reasons/<str:feature>", clue.reason, name="reason"),
    path("clues/<str:clue_id>/verdict", clue.verdict, name="verdict"),
    path("clues/<str:clue_id>/decision", clue.decision, name="decision"),
    path("clues/<str:clue_id>/<str:act>", clue.act, name="act"),
]
