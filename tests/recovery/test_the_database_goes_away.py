"""F03: the database goes away in the middle of a run."""

import contextlib
import signal
import time

import psycopg
import pytest

from tests.invariants import assert_invariants
from tests.own_database import OwnDatabase
from tests.recovery.scene import (
    WHOLE,
    a_run_under_way,
    assert_whole,
    ended,
    has_read,
    run_of,
    terminate_sessions,
    wait_until,
)
from tests.service import database_url

pytestmark = [pytest.mark.slow, pytest.mark.acceptance]


def test_a_database_that_is_restarted_fast_immediately_or_after_a_crash_costs_nothing(
    own_database: OwnDatabase,
) -> None:
    with a_run_under_way() as (run_id, _):
        for way in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            before = run_of(run_id).session.cursor
            own_database.restart(way)
            wait_until(has_read(run_id, min(before + 50, WHOLE)))
        assert_whole(ended(run_id), envelopes=WHOLE)
    assert_invariants()


def test_a_database_that_is_away_for_five_seconds_is_waited_for(own_database: OwnDatabase) -> None:
    with a_run_under_way() as (run_id, host):
        own_database.stop(signal.SIGINT)
        time.sleep(5.0)  # the fault itself
        own_database.start()
        assert_whole(ended(run_id), envelopes=WHOLE)
        assert run_of(run_id).observer_id == host.id
    assert_invariants()


def test_a_database_without_a_free_connection_is_waited_for(own_database: OwnDatabase) -> None:
    with a_run_under_way() as (run_id, host):
        with contextlib.ExitStack() as held:
            while not host.said("too many clients"):
                take_every_connection(held)
                terminate_sessions()
            before = run_of(run_id).session.cursor
        wait_until(has_read(run_id, min(before + 1, WHOLE)))
        assert_whole(ended(run_id), envelopes=WHOLE)
        assert run_of(run_id).observer_id == host.id
    assert_invariants()


def take_every_connection(held: contextlib.ExitStack) -> None:
    """The server grants no further connection until `held` is closed."""
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            held.enter_context(psycopg.connect(database_url()))
