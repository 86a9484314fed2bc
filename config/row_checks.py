"""What only the database knows and stops a start: missing migrations, and that nobody could enter.

A database that is away is no fault: who has started serves as soon as it is back.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage
from django.db import DatabaseError, InterfaceError, connection

from config.checks import Check, refuse, refuse_if
from config.schema import unapplied_migrations

LONG_LIVED = frozenset({"web", "observer", "queue"})


def check_migrations(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """E009: a long-lived process does not start while migrations are missing."""
    if settings.SIGNALBOX_PROCESS not in LONG_LIVED:
        return []
    try:
        missing = unapplied_migrations()
    except (DatabaseError, InterfaceError):
        return []
    finally:
        # The queue forks its workers next: a connection must not be inherited.
        connection.close()
    return refuse_if(
        bool(missing),
        "E009",
        f"The database lacks {len(missing)} migrations, first {missing[0] if missing else ''}.",
        "Run `manage.py migrate`; `manage.py up` does it by itself.",
    )


def check_api_keys(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """E001: a web process in production does not start where it would let nobody in.

    Other processes need no key: runs go on being watched after the last one was revoked.
    """
    if not settings.PRODUCTION or settings.AUTH_API_KEYS or settings.SIGNALBOX_PROCESS != "web":
        return []
    try:
        has_key = apps.get_model("runs", "ApiKey").objects.valid().exists()
    except (DatabaseError, InterfaceError):  # also a table that is still missing: E009 says so
        return []
    finally:
        connection.close()
    return refuse_if(
        not has_key,
        "E001",
        "AUTH_API_KEYS is empty and no valid key is stored: nobody could use the API.",
        "Make one with `manage.py create_api_key NAME --all-scopes`, or set AUTH_API_KEYS=name=key with a key of at least "
        "32 random characters.",
    )


OF_ROWS: tuple[Check, ...] = (check_migrations, check_api_keys)


def refuse_without_keys() -> None:
    """For a server that runs no system checks, also where an event loop runs already. Raises ImproperlyConfigured."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(refuse, (check_api_keys,)).result()
