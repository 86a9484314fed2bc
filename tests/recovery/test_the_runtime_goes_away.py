"""F09 and C25: a runtime is restarted with and without its sessions, stands still, or does not know a session any more."""

import time

import pytest

from runs.models import Event
from tests.faults.host import ObserverHost, at_runtime
from tests.faults.proxy import Proxy
from tests.invariants import assert_invariants, types_of
from tests.recovery.scene import EVENTS as SCENE_EVENTS
from tests.recovery.scene import (
    RATE,
    WHOLE,
    assert_whole,
    ended,
    ending_of,
    has_read,
    launch,
    load,
    run_of,
    stand_in,
    wait_until,
)

pytestmark = [pytest.mark.slow, pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

QUICK = {"STREAM_IDLE_TIMEOUT_MS": "1000", "STREAM_BACKOFF_MAX_MS": "200"}


def test_a_runtime_that_is_restarted_with_its_sessions_costs_nothing_a12(tmp_path: object) -> None:
    with stand_in(*load(SCENE_EVENTS, rate=RATE), "--data", str(tmp_path)) as runtime:
        run_id = launch()
        with ObserverHost({**at_runtime(runtime.address), **QUICK}):
            for part in (4, 2):
                wait_until(has_read(run_id, SCENE_EVENTS // part))
                runtime.restart()
            assert_whole(ended(run_id), envelopes=WHOLE)
    assert_invariants()


@pytest.mark.parametrize("way", ["restart", "forget"])
def test_t08_a_session_the_runtime_no_longer_knows_ends_its_run_loudly_and_is_never_begun_afresh_c25(way: str) -> None:
    with stand_in(*load(SCENE_EVENTS, rate=RATE)) as runtime:
        run_id = launch()
        with ObserverHost({**at_runtime(runtime.address), **QUICK}):
            wait_until(has_read(run_id, SCENE_EVENTS // 6))
            if way == "restart":
                runtime.restart()
            else:
                runtime.forget()
                runtime.fault(f"drop@{run_of(run_id).session.cursor + 20}")
            run = ended(run_id)
        assert runtime.seen()["calls"].get("Start", 0) == (0 if way == "restart" else 1)
    assert (run.status, run.error_code) == ("failed", "session_lost")
    assert ending_of(run)["evidence"]["runtimeAsked"] == "SESSION_NOT_FOUND"  # type: ignore[index]
    assert_invariants()


@pytest.mark.parametrize("cause", ["frozen", "network"])
def test_a_runtime_that_stands_still_is_waited_for_and_adds_one_event_an_outage_c01(cause: str) -> None:
    with stand_in(*load(SCENE_EVENTS, rate=RATE)) as runtime, Proxy("127.0.0.1", runtime.port) as proxy:
        run_id = launch()
        with ObserverHost({**at_runtime(proxy.address, RUNTIME_REQUEST_TIMEOUT_MS="700"), **QUICK}):
            wait_until(has_read(run_id, SCENE_EVENTS // 6))
            if cause == "frozen":
                runtime.freeze()
            else:
                proxy.go_away()
            wait_until(lambda: said_reconnecting(run_id) == 1, what="the end of the patience with the stream")
            time.sleep(2.0)  # the fault itself, some attempts long
            if cause == "frozen":
                runtime.thaw()
            else:
                proxy.pass_through()
            assert_whole(ended(run_id), envelopes=WHOLE)
    assert said_reconnecting(run_id) == 1
    assert types_of(run_id).count("run.started") == 1
    assert_invariants()


def said_reconnecting(run_id: object) -> int:
    return Event.objects.filter(run_id=run_id, data__contains='"reconnecting"').count()
