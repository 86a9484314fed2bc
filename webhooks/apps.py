"""The app that tells other systems what happened to a run."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Endpoints, what is to be delivered to them, and how each try went."""

    name = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"
