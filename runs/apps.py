"""The app that holds what happened, and what state that leaves a run in."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """Runs, their logs and everything that follows from them."""

    name = "runs"
    default_auto_field = "django.db.models.BigAutoField"
