"""Commands of Signalbox as processes beside the test, on the database the test writes to."""

import os
from collections.abc import Mapping

from tests.processes import ManageCommand
from tests.service import database_url


def beside(*arguments: str, environment: Mapping[str, str] | None = None) -> ManageCommand:
    """`manage.py ...` with the real settings, and `environment` on top."""
    return ManageCommand(*arguments, environment={**_settings(), **(environment or {})})


def environment_of(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of any process that shall use the real settings and this test's database."""
    return {**os.environ, **_settings(), **(more or {})}


def _settings() -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url(),
        "SECRET_KEY": "a key of this test alone",
        "LOG_LEVEL": "info",
        "LOG_FORMAT": "text",
        "RUNTIME_ALLOW_INSECURE": "true",
        "RUNTIME_DEV_SENDERS": "true",
        "THROTTLE_LIMIT": "1000000",  # counted, but tests may ask as often as they like
    }
