"""/healthz and /readyz: is this process alive, and can it serve."""

import socket
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from config.http.json_text import to_json
from config.remembered import Remembered

SERVICE = "signalbox"
PROBE_TIMEOUT_S = 1.0
REMEMBER_S = 5.0
DEFAULT_PORT = 50051

BEATING_OBSERVER = """
    SELECT 1 FROM runs_observer
     WHERE lost_at IS NULL AND beat_at > clock_timestamp() - make_interval(secs => %s)
     LIMIT 1
"""


@csrf_exempt
@require_safe
async def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers at all; touches nothing else."""
    return _json({"ok": True, "service": SERVICE, "status": "ok"}, 200)


@csrf_exempt
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """503 without a database or its migrations; otherwise 200, `degraded` if a runtime or an observer is away."""
    body = readiness()
    return _json(body, 503 if body["status"] == "unavailable" else 200)


def readiness() -> dict[str, object]:
    """The body of /readyz."""
    database = database_answers()
    migrated = database and not missing_migrations()
    observed = migrated and an_observer_beats()
    runtime = runtime_health()
    ok = migrated and observed and runtime["ok"] is True
    return {
        "ok": ok,
        "service": SERVICE,
        "status": "ok" if ok else "degraded" if migrated else "unavailable",
        "database": "ok" if database else "unhealthy",
        "runtime": runtime,
        "streamConsumer": "ok" if observed else "unhealthy",
        "circuitBreaker": "CLOSED",
    }


def database_answers() -> bool:
    """True if the database answers a question right now."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError):
        return False
    return True


def an_observer_beats() -> bool:
    """True if any observer has said lately that it lives."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(BEATING_OBSERVER, [settings.OBSERVER_LEASE_S])
            return cursor.fetchone() is not None
    except DatabaseError:
        return False


def unapplied_migrations() -> list[str]:
    """Names of the migrations this code has and the database lacks. Raises DatabaseError."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def probe_runtime() -> dict[str, object]:
    """Whether the default runtime can be reached; a probe never counts for the circuit breaker."""
    kind = settings.RUNTIME_KIND
    if kind != "macp":
        return {"ok": True, "runtimeKind": kind}
    if not settings.RUNTIME_ADDRESS:
        return {"ok": False, "runtimeKind": kind, "detail": "RUNTIME_ADDRESS is not set"}
    try:
        socket.create_connection(host_and_port(settings.RUNTIME_ADDRESS), timeout=PROBE_TIMEOUT_S).close()
    except (OSError, ValueError) as error:
        return {"ok": False, "runtimeKind": kind, "detail": f"cannot connect: {type(error).__name__}"}
    return {"ok": True, "runtimeKind": kind}


def host_and_port(address: str) -> tuple[str, int]:
    """Host and port of a gRPC address (`host:port`, `dns:///host:port`, `ipv6:[::1]:50051`). Raises ValueError."""
    for scheme in ("dns:", "ipv4:", "ipv6:"):
        address = address.removeprefix(scheme)
    parts = urlsplit("//" + address.rpartition("/")[2])
    if not parts.hostname:
        raise ValueError("the address names no host")
    return parts.hostname, parts.port or DEFAULT_PORT


runtime_health = Remembered(probe_runtime, seconds=REMEMBER_S)
missing_migrations = Remembered(unapplied_migrations, seconds=REMEMBER_S)


def _json(body: dict[str, object], status: int) -> HttpResponse:
    return HttpResponse(to_json(body), status=status, content_type="application/json")
