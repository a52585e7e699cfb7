"""The Django application."""

from django.apps import AppConfig


class Review(AppConfig):
    """The workbench."""

    name = "jcml.review"
    label = "review"
    default_auto_field = "django.db.models.BigAutoField"
