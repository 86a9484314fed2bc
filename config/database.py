"""How each kind of process talks to PostgreSQL."""

from collections.abc import Mapping

LOCK_TIMEOUT_MS = 3_000
# A silent client that holds a run's row lock must not keep others from taking the run over.
IDLE_IN_TRANSACTION_TIMEOUT_MS = 8_000
CONNECT_TIMEOUT_S = 5
REUSE_S = 60
KEEPALIVES = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
NAME_LIMIT = 63  # PostgreSQL cuts application names here


def connection_settings(
    process: str, *, pool_max: int, pool_timeout_ms: int, statement_timeout_ms: int
) -> dict[str, object]:
    """OPTIONS and connection life for a process of this name, to be merged into an entry of DATABASES.

    Only the web process pools: a pool does not survive the fork of the queue's workers, and an observer's threads
    keep a connection each for as long as they live.
    """
    options: dict[str, object] = {
        "application_name": f"signalbox-{process}"[:NAME_LIMIT],
        "connect_timeout": CONNECT_TIMEOUT_S,
        "options": _session_options(statement_timeout_ms),
        **KEEPALIVES,
    }
    if process == "web":
        options["pool"] = {"min_size": 1, "max_size": pool_max, "timeout": pool_timeout_ms / 1000}
    return {"CONN_MAX_AGE": _connection_age(process), "CONN_HEALTH_CHECKS": True, "OPTIONS": options}


def database_entry(address: Mapping[str, object], connection: Mapping[str, object]) -> dict[str, object]:
    """An entry of DATABASES; the options a DATABASE_URL names (`sslmode` ...) win over ours."""
    ours, named = connection["OPTIONS"], address["OPTIONS"]
    assert isinstance(ours, dict), "connection_settings makes a dict"
    assert isinstance(named, dict), "django_database makes a dict"
    return {**address, **connection, "OPTIONS": {**ours, **named}}


def _connection_age(process: str) -> int | None:
    if process == "web":
        return 0
    return None if process == "observer" else REUSE_S


def _session_options(statement_timeout_ms: int) -> str:
    timeouts = {
        "statement_timeout": statement_timeout_ms,
        "lock_timeout": LOCK_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_MS,
    }
    return " ".join(f"-c {name}={milliseconds}" for name, milliseconds in timeouts.items())
