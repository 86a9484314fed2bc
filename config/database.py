"""How each kind of process talks to PostgreSQL."""

import re
from collections.abc import Mapping
from typing import cast

LOCK_TIMEOUT_MS = 3_000
# A silent client that holds a run's row lock must not keep others from taking the run over: it is cut off before the
# lease of its process is over, however short that is.
IDLE_IN_TRANSACTION_TIMEOUT_MS = 8_000
IDLE_PART_OF_LEASE = 2 / 3
CONNECT_TIMEOUT_S = 5
REUSE_S = 60
KEEPALIVES = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
NAME_LIMIT = 63  # PostgreSQL cuts application names here


def database_entry(
    address: Mapping[str, object],
    *,
    process: str,
    pool_max: int,
    pool_timeout_ms: int,
    statement_timeout_ms: int,
    lease_s: int,
) -> dict[str, object]:
    """An entry of DATABASES: the address, and how a process of this name keeps and bounds its sessions there.

    No session may be silent in a transaction for as long as a lease. OPTIONS of the address (`sslmode` ...) stay, and so
    do session options of its own; ours come first and so lose.
    Only the web process pools: a pool does not survive the fork of the queue's workers, and an observer's threads
    keep a connection each for as long as they live.
    """
    given = cast(Mapping[str, object], address.get("OPTIONS", {}))
    options: dict[str, object] = {
        "application_name": f"signalbox-{process}"[:NAME_LIMIT],
        "connect_timeout": CONNECT_TIMEOUT_S,
        **KEEPALIVES,
        **given,
        "options": f"{_session_options(statement_timeout_ms, lease_s)} {given.get('options', '')}".strip(),
    }
    if process == "web":
        options["pool"] = {"min_size": 1, "max_size": pool_max, "timeout": pool_timeout_ms / 1000}
    return {
        **address,
        "CONN_MAX_AGE": _connection_age(process),
        # A question before every batch would be a round trip each; the observer notices by failing, and tries again. What
        # comes out of a pool is looked at by config/pooled_database.
        "CONN_HEALTH_CHECKS": process not in {"observer", "web"},
        "OPTIONS": options,
    }


def _connection_age(process: str) -> int | None:
    if process == "web":
        return 0
    return None if process == "observer" else REUSE_S


def unset_statement_timeout_ms(default_ms: int, *, lease_s: int) -> int:
    """How long a statement may run where nobody said: never as long as a lease, however short that is."""
    return min(default_ms, lease_s * 1000 // 2)


def session_timeout_ms(name: str, options: str) -> int:
    """What these session options set the timeout `name` to, the last of several; 0 if they do not, which is never."""
    found = re.findall(rf"(?:-c\s*|--){name}=(\d+)([a-z]*)", options)
    if not found:
        return 0
    number, unit = found[-1]
    return int(number) * _MS.get(unit, 1)


_MS = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def _session_options(statement_timeout_ms: int, lease_s: int) -> str:
    timeouts = {
        "statement_timeout": statement_timeout_ms,
        "lock_timeout": LOCK_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": min(
            IDLE_IN_TRANSACTION_TIMEOUT_MS, round(lease_s * 1000 * IDLE_PART_OF_LEASE)
        ),
    }
    return " ".join(f"-c {name}={milliseconds}" for name, milliseconds in timeouts.items())
