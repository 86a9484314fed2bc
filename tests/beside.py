"""Commands of Signalbox as processes beside the test, on the database the test writes to."""

from collections.abc import Mapping

from tests.processes import ManageCommand
from tests.service import database_url


def beside(*arguments: str, environment: Mapping[str, str] | None = None) -> ManageCommand:
    """`manage.py ...` with the real settings, and `environment` on top."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url(),
        "LOG_LEVEL": "info",
        "LOG_FORMAT": "text",
        "RUNTIME_ALLOW_INSECURE": "true",
        "RUNTIME_DEV_SENDERS": "true",
        **(environment or {}),
    }
    return ManageCommand(*arguments, environment=settings)
