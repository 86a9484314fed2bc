"""/healthz and /readyz: is this process alive, and can it serve."""

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from config.http.json_text import to_json
from config.remembered import Remembered
from config.schema import unapplied_migrations
from runs.operations.breaker import breaker_state
from runs.runtimes.calls import own_breaker_state, runtime_health
from runs.runtimes.health import Health

SERVICE = "signalbox"
REMEMBER_S = 5.0

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
    breaker = _breaker() if migrated else own_breaker_state(settings.RUNTIME_KIND)
    ok = migrated and observed and runtime.ok and breaker != "OPEN"
    return {
        "ok": ok,
        "service": SERVICE,
        "status": "ok" if ok else "degraded" if migrated else "unavailable",
        "database": "ok" if database else "unhealthy",
        "runtime": _runtime_document(runtime),
        "streamConsumer": "ok" if observed else "unhealthy",
        "circuitBreaker": breaker,
    }


def shown_health() -> dict[str, object]:
    """How the runtime of RUNTIME_KIND is, as /readyz and the dashboard show it."""
    return _runtime_document(runtime_health())


def _breaker() -> str:
    try:
        return breaker_state(settings.RUNTIME_KIND)
    except DatabaseError:
        return own_breaker_state(settings.RUNTIME_KIND)


def _runtime_document(found: Health) -> dict[str, object]:
    document: dict[str, object] = {"ok": found.ok, "runtimeKind": found.kind}
    return document | ({"detail": found.detail} if found.detail else {})


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


missing_migrations = Remembered(unapplied_migrations, seconds=REMEMBER_S)


def _json(body: dict[str, object], status: int) -> HttpResponse:
    return HttpResponse(to_json(body), status=status, content_type="application/json")
