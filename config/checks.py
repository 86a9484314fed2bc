"""Which settings stop a start and which draw a warning.

Errors are refusals: `manage.py` commands and `config/asgi.py` stop. Every message names the variable, every hint the
way out.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connection

from config.database import session_timeout_ms
from config.env import is_set
from config.schema import unapplied_migrations
from config.variables import VARIABLES
from runs.crashpoint import CRASH_AT, CRASH_TRACE

Check = Callable[..., list[CheckMessage]]

LONG_LIVED = frozenset({"web", "observer", "queue"})
SHORTEST_SENSIBLE_TIMEOUT_MS = 5_000
CONSOLE_PATIENCE_MS = 45_000
BEATS_PER_LEASE = 3

logger = logging.getLogger("config.start")


def check_api_keys(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """E001: production without a key would let nobody in."""
    return _refuse_if(
        settings.PRODUCTION and not settings.AUTH_API_KEYS,
        "E001",
        "AUTH_API_KEYS is empty: nobody could use the API.",
        "Set AUTH_API_KEYS=name=key with a key of at least 32 random characters.",
    )


def check_crash_points(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """E010: places at which a process kills itself are for tests."""
    return _refuse_if(
        settings.PRODUCTION and any(os.environ.get(name) for name in (CRASH_AT, CRASH_TRACE)),
        "E010",
        f"{CRASH_AT} or {CRASH_TRACE} is set: this process would kill itself, or slow down.",
        "Remove them from the environment.",
    )


def check_hosts(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """E002: production says under which names it is reached. (A missing SECRET_KEY stops the settings themselves.)"""
    return _refuse_if(
        settings.PRODUCTION and not settings.ALLOWED_HOSTS,
        "E002",
        "ALLOWED_HOSTS is empty: every request would be refused.",
        "Set ALLOWED_HOSTS to the host names of this service, separated by commas.",
    )


def check_runtime_transport(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """E003: plaintext to the runtime only if it is permitted."""
    return _refuse_if(
        settings.RUNTIME_KIND == "macp" and not settings.RUNTIME_TLS and not settings.RUNTIME_ALLOW_INSECURE,
        "E003",
        "RUNTIME_TLS is off and RUNTIME_ALLOW_INSECURE is false: the runtime cannot be reached.",
        "Set RUNTIME_TLS=true, or permit plaintext with RUNTIME_ALLOW_INSECURE=true.",
    )


def check_development_identity(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """E004, E005: identities that anybody could claim stay in development."""
    return [
        *_refuse_if(
            settings.PRODUCTION and settings.RUNTIME_USE_DEV_HEADER and not settings.RUNTIME_BEARER_TOKEN,
            "E004",
            "RUNTIME_USE_DEV_HEADER is on without RUNTIME_BEARER_TOKEN.",
            "Set RUNTIME_BEARER_TOKEN or turn RUNTIME_USE_DEV_HEADER off.",
        ),
        *_refuse_if(
            settings.PRODUCTION and settings.RUNTIME_DEV_SENDERS,
            "E005",
            "RUNTIME_DEV_SENDERS is on: participant ids would be credentials.",
            "Turn it off and give senders their tokens in RUNTIME_SENDER_TOKENS.",
        ),
    ]


def check_bounds(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """E006, E007, E008: numbers that cannot work."""
    return [
        *_refuse_if(settings.DB_POOL_MAX < 2, "E006", "DB_POOL_MAX is below 2.", "Set DB_POOL_MAX to 2 or more."),
        *_refuse_if(
            settings.DATA_RETENTION_TTL_DAYS < 1,
            "E007",
            "DATA_RETENTION_TTL_DAYS is below 1.",
            "Set DATA_RETENTION_TTL_DAYS to 1 or more.",
        ),
        *_refuse_if(
            settings.OBSERVER_BEAT_S * BEATS_PER_LEASE > settings.OBSERVER_LEASE_S,
            "E008",
            "OBSERVER_BEAT_S is more than a third of OBSERVER_LEASE_S: a late beat would cost an observer its runs.",
            "Beat more often or lengthen the lease.",
        ),
    ]


def check_session_timeouts(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """E011, E012: a session that holds a run's row must be over before its owner's lease is."""
    bounds = {
        "E011": ("idle_in_transaction_session_timeout", "Take it out of the options of DATABASE_URL."),
        "E012": ("statement_timeout", "Set DB_STATEMENT_TIMEOUT_MS to less, or leave it unset."),
    }
    return [
        message
        for number, (name, hint) in bounds.items()
        for message in _refuse_if(
            _outlives_lease(name),
            number,
            f"{name} is not shorter than OBSERVER_LEASE_S: a frozen process could keep others from taking its runs over.",
            hint,
        )
    ]


def _outlives_lease(name: str) -> bool:
    """True if the timeout is off, or not shorter than a lease, in what sessions are really opened with."""
    options = cast(Mapping[str, object], settings.DATABASES["default"].get("OPTIONS", {}))
    timeout_ms = session_timeout_ms(name, str(options.get("options", "")))
    return not 0 < timeout_ms < settings.OBSERVER_LEASE_S * 1000


def check_migrations(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """E009: a long-lived process does not start while migrations are missing; a database that is away is no fault."""
    if settings.SIGNALBOX_PROCESS not in LONG_LIVED:
        return []
    try:
        missing = unapplied_migrations()
    except (DatabaseError, InterfaceError):
        return []
    finally:
        # The queue forks its workers next: a connection must not be inherited.
        connection.close()
    return _refuse_if(
        bool(missing),
        "E009",
        f"The database lacks {len(missing)} migrations, first {missing[0] if missing else ''}.",
        "Run `manage.py migrate`; `manage.py up` does it by itself.",
    )


def check_later_settings(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """W001: a setting without code behind it never passes in silence."""
    return [
        _warning("W001", f"{name} is set and has no effect yet.", f"Remove {name}.")
        for name, variable in VARIABLES.items()
        if variable.later and is_set(name)
    ]


def check_ignored_names(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """W002: one warning for all names of earlier control planes that mean nothing here."""
    found = [name for name, variable in VARIABLES.items() if variable.ignored and os.environ.get(name)]
    return _warn_if(bool(found), "W002", f"Not used and ignored: {', '.join(found)}.", "Remove them.")


def check_runtime_identity(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """W003: a runtime in production usually wants to know who asks."""
    anonymous = not settings.RUNTIME_BEARER_TOKEN and not settings.MACP_AUTH_SERVICE_URL
    return _warn_if(
        settings.PRODUCTION and settings.RUNTIME_KIND == "macp" and anonymous,
        "W003",
        "Neither RUNTIME_BEARER_TOKEN nor MACP_AUTH_SERVICE_URL is set: the runtime sees an anonymous observer.",
        "Set one of them.",
    )


def check_patience(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """W004, W005: times that others are known not to bear."""
    return [
        *_warn_if(
            settings.RUNTIME_REQUEST_TIMEOUT_MS < SHORTEST_SENSIBLE_TIMEOUT_MS,
            "W004",
            "RUNTIME_REQUEST_TIMEOUT_MS is below 5000: session starts may be given up too early.",
            "Set it to 5000 or more.",
        ),
        *_warn_if(
            settings.STREAM_SSE_HEARTBEAT_MS >= CONSOLE_PATIENCE_MS,
            "W005",
            "STREAM_SSE_HEARTBEAT_MS is 45000 or more: consoles take such a stream for dead.",
            "Set it below 45000.",
        ),
    ]


OF_SETTINGS: tuple[Check, ...] = (
    check_api_keys,
    check_crash_points,
    check_hosts,
    check_runtime_transport,
    check_development_identity,
    check_bounds,
    check_session_timeouts,
    check_later_settings,
    check_ignored_names,
    check_runtime_identity,
    check_patience,
)


def register_checks() -> None:
    """`manage.py check` and every command that checks before it runs knows the checks of this file."""
    for check in (*OF_SETTINGS, check_migrations):
        register(check, "signalbox")


def refuse_unsound_settings() -> None:
    """Warnings are logged; raises ImproperlyConfigured with every error and its hint. Asks no database."""
    found = [message for check in OF_SETTINGS for message in check(None)]
    for message in found:
        if not message.is_serious():
            logger.warning("%s %s %s", message.id, message.msg, message.hint)
    errors = [f"{message.id} {message.msg} {message.hint}" for message in found if message.is_serious()]
    if errors:
        raise ImproperlyConfigured("; ".join(errors))


def _refuse_if(condition: bool, number: str, message: str, hint: str) -> list[CheckMessage]:
    return [Error(message, hint=hint, id=f"signalbox.{number}")] if condition else []


def _warn_if(condition: bool, number: str, message: str, hint: str) -> list[CheckMessage]:
    return [_warning(number, message, hint)] if condition else []


def _warning(number: str, message: str, hint: str) -> CheckMessage:
    return Warning(message, hint=hint, id=f"signalbox.{number}")
