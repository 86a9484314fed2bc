"""An observer that can no longer be sure of its runs ends itself, with exit status 70, before others may take them."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from runs.models import Observer, Run
from runs.observer.heart import EXIT_LOST_LEASE, LEASE_PART
from tests.beside import beside
from tests.integration.runs.test_observe_run import launch
from tests.processes import ManageCommand, wait_until

# A server of their own: backends that stand still may hold what the tests beside these wait for.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.acceptance,
    pytest.mark.usefixtures("own_database"),
    pytest.mark.django_db(transaction=True),
]

LEASE_S = 6
TIMES = {"OBSERVER_BEAT_S": "1", "OBSERVER_LEASE_S": str(LEASE_S), "OBSERVER_SWEEP_S": "1"}
PATIENCE_SECONDS = 60
# As observe_runs does it, but its event loop stops to answer as soon as it is asked to.
STALLING = """
import asyncio, os, signal, time
import django
django.setup()
from runs.observer.supervisor import Observer
async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, time.sleep, 600)
    await Observer().run(asyncio.Event())
asyncio.run(main())
"""


@contextlib.contextmanager
def observing(*command: str) -> Iterator[ManageCommand]:
    """An observer that beats and owns a run."""
    load = {"kind": "scripted", "options": {"scenario": "load", "events": 1_000_000, "ratePerSecond": 20}}
    run_id = launch(runtime=load)
    process = beside(*(command or ("observe_runs",)), environment=TIMES)
    try:
        wait_until(
            lambda: Run.objects.get(id=run_id).session.cursor > 3, within_s=PATIENCE_SECONDS, what="the first batches"
        )
        yield process
    finally:
        process.end()


def ends_by_itself(process: ManageCommand) -> float:
    """How many seconds it took."""
    began = time.monotonic()
    assert process.wait(within_s=PATIENCE_SECONDS) == EXIT_LOST_LEASE
    return time.monotonic() - began


def test_an_observer_that_was_declared_lost_ends_at_its_next_beat() -> None:
    with observing() as process:
        assert Observer.objects.filter(lost_at=None).count() == 1
        with connection.cursor() as cursor:
            cursor.execute("UPDATE runs_observer SET lost_at = clock_timestamp()")
        ends_by_itself(process)
        assert process.said("was declared lost; its runs belong to others now")


def test_an_observer_that_cannot_reach_the_database_ends_within_its_lease() -> None:
    with observing() as process:
        with the_database_refusing_everybody():
            ends_by_itself(process)
        assert process.said("could not beat, trying again")
        assert process.said("has not renewed its lease for")


def test_a_beat_that_hangs_in_a_connection_nobody_answers_keeps_no_observer_alive() -> None:
    with observing() as process:
        with frozen(backends()):
            took = ends_by_itself(process)
        assert process.said("has not renewed its lease for")
    # It should not have waited for its connection to give up: that takes minutes.
    assert took > LEASE_S * LEASE_PART - 2
    assert LEASE_PART == 2 / 3


def test_an_observer_whose_event_loop_stalls_stops_beating_and_ends() -> None:
    with observing("shell", "--no-imports", "-c", STALLING) as process:
        process.send(signal.SIGUSR1)
        began = time.monotonic()
        ends_by_itself(process)
        assert process.said("the event loop does not answer; not beating")
    # It should have been silent since then, but for a beat that was on its way.
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp() - beat_at) FROM runs_observer")
        silent = float(cursor.fetchone()[0])
    assert silent > (time.monotonic() - began) * LEASE_PART - 2


def test_a_database_that_does_not_answer_keeps_no_observer_that_was_asked_to_stop() -> None:
    with observing() as process, frozen(backends()):
        process.send(signal.SIGTERM)
        assert process.wait(within_s=PATIENCE_SECONDS) == 0
        assert process.said("could not hand its runs back")


@contextlib.contextmanager
def the_database_refusing_everybody() -> Iterator[None]:
    """Every session of the observer is cut, and nobody gets a new one."""
    entry = connection.settings_dict
    address = {name: str(entry[name.upper()]) for name in ("host", "port", "user", "password")}
    with psycopg.connect(**address, dbname="postgres", autocommit=True) as elsewhere:
        elsewhere.execute(f'ALTER DATABASE "{entry["NAME"]}" ALLOW_CONNECTIONS false')
        try:
            elsewhere.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [backends()])
            yield
        finally:
            elsewhere.execute(f'ALTER DATABASE "{entry["NAME"]}" ALLOW_CONNECTIONS true')


def backends() -> list[int]:
    """The server's processes that serve the observer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'signalbox-observer'"
        )
        return [pid for (pid,) in cursor.fetchall()]


@contextlib.contextmanager
def frozen(processes: list[int]) -> Iterator[None]:
    """The processes stand still: whoever asks them hears nothing, and no connection breaks."""
    assert processes
    try:
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
