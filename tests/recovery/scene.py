"""What the tests of recovery say again and again: a run is launched, something is waited for, nothing is lost or doubled."""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

import orjson
from django.db import Error as DatabaseFault
from django.db import connection, connections

from runs.api.requests import read_execution_request
from runs.audit import Actor
from runs.models import Event, RawObservation, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.launch import launch_run
from tests.faults.host import PATIENT, ObserverHost, at_runtime
from tests.runtime_process import StandInRuntime

PATIENCE_SECONDS = 90
STEP_SECONDS = 0.03
EVENTS = 600
RATE = 150
WHOLE = EVENTS + 2


def launch(kind: str = "macp", *, options: dict[str, object] | None = None, **changes: object) -> UUID:
    """A queued run; `changes` are members of its request."""
    session = {
        "modeName": "macp.mode.decision.v1",
        "modeVersion": "1.0.0",
        "configurationVersion": "config.default",
        "ttlMs": 600_000,
        "participants": [{"id": "lead"}, {"id": "ann"}, {"id": "bob"}],
    }
    runtime = {"kind": kind} | ({"options": options} if options else {})
    return launch_run(
        project_id=DEFAULT_PROJECT_ID,
        request=read_execution_request({"mode": "live", "runtime": runtime, "session": session, **changes}),
        idempotency_key=None,
        traceparent=None,
        actor=Actor(name="test", kind="api_key"),
        request_id=None,
    ).run_id


@contextlib.contextmanager
def stand_in(*options: str) -> Iterator[StandInRuntime]:
    """A stand-in runtime with its own command line."""
    runtime = StandInRuntime(*options)
    try:
        yield runtime
    finally:
        runtime.child.kill()


def load(events: int, *, rate: int = 0) -> tuple[str, ...]:
    """The command line of a stand-in whose sessions play so many messages, at `rate` a second."""
    return ("--script", "load", "--events", str(events), "--rate", str(rate))


def wait_until(condition: Callable[[], bool], *, within_s: float = PATIENCE_SECONDS, what: str = "it") -> None:
    """The condition holds; a database that is away meanwhile is waited for."""
    deadline = time.monotonic() + within_s
    while not _holds(condition):
        assert time.monotonic() < deadline, f"{what} did not happen within {within_s:g} s"
        time.sleep(STEP_SECONDS)  # other processes write the rows


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except DatabaseFault:
        connections.close_all()
        return False


def run_of(run_id: UUID) -> Run:
    """The run with its session, as it is now."""
    return Run.objects.select_related("session").get(id=run_id)


@contextlib.contextmanager
def a_run_under_way() -> Iterator[tuple[UUID, ObserverHost]]:
    """A run of WHOLE envelopes, a part of them recorded, and the patient observer that owns it."""
    with stand_in(*load(EVENTS, rate=RATE)) as runtime:
        run_id = launch()
        with ObserverHost(at_runtime(runtime.address), settings=PATIENT) as host:
            wait_until(has_read(run_id, EVENTS // 6))
            yield run_id, host


def terminate_sessions(*, share: float = 1.0) -> None:
    """The sessions of observers with the database are terminated, or a share of them by chance."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'signalbox-observer' AND random() < %s",
            [share],
        )


def has_read(run_id: UUID, envelopes: int) -> Callable[[], bool]:
    """Whether so many envelopes of the run's session are on record."""
    return lambda: run_of(run_id).session.cursor >= envelopes


def ended(run_id: UUID, *, within_s: float = PATIENCE_SECONDS) -> Run:
    """The run, once it has ended."""
    try:
        wait_until(lambda: run_of(run_id).has_ended, within_s=within_s, what="the end of the run")
    except AssertionError as late:
        run = run_of(run_id)
        last = list(Event.objects.filter(run_id=run_id).order_by("-seq").values_list("type", "data")[:4])
        raise AssertionError(f"{late}: {run.status} at {run.session.cursor}, epoch {run.lease_epoch}: {last}") from late
    return run_of(run_id)


def ending_of(run: Run) -> dict[str, object]:
    """The certificate of an ended run."""
    ending: dict[str, object] = orjson.loads(run.ending or "{}")
    return ending


def missing_of(run: Run) -> object:
    """What the ending says could not be read."""
    evidence = ending_of(run)["evidence"]
    assert isinstance(evidence, dict)
    return evidence["missing"]


def assert_whole(run: Run, *, envelopes: int) -> None:
    """The run completed with every envelope of its session on record, once."""
    assert (run.status, run.error_message) == ("completed", None)
    assert missing_of(run) is None
    recorded = RawObservation.objects.filter(run_id=run.id, kind="stream-envelope")
    assert recorded.count() == recorded.values("source_id").distinct().count() == envelopes
    assert run.session.cursor == envelopes
    assert Event.objects.filter(run_id=run.id, type="message.received").count() == envelopes


def database_time() -> datetime:
    """The database's clock, the only one that counts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now = cursor.fetchone()[0]
    assert isinstance(now, datetime)
    return now


def seconds_until_owned(run_id: UUID, epoch: int, since: datetime) -> float:
    """How long after `since` somebody owned the run under `epoch`, by the database's clock."""
    found: list[datetime] = []

    def is_owned() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp(), lease_epoch FROM runs_run WHERE id = %s", [run_id])
            now, owned_under = cursor.fetchone()
        if owned_under >= epoch:
            found.append(now)
        return bool(found)

    wait_until(is_owned, what=f"epoch {epoch}")
    return (found[0] - since).total_seconds()


def epochs(run_id: UUID) -> list[int]:
    """The epoch under which each event was written, in order."""
    return list(Event.objects.filter(run_id=run_id).order_by("seq").values_list("lease_epoch", flat=True))
