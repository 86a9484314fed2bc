"""What the owner of a run makes of a runtime that misbehaves, word for word."""

import asyncio
from collections.abc import Sequence

import msgspec
import orjson
import pytest
from django.test import override_settings

from runs.domain.events import Observation, ObservationKind, SessionState, Undecodable
from runs.errors import BreakerOpen, RuntimeRejected, RuntimeTimedOut, RuntimeUnsupported
from runs.models import Event, RawObservation, Run
from runs.recorder import record
from tests.cast import envelope, fresh, running_run, session_now
from tests.invariants import assert_invariants, types_of
from tests.played import OPENED, Line, PlayedSession, Silence, away, observe, owned

pytestmark = pytest.mark.django_db(transaction=True)

RESOLVED = SessionState.RESOLVED
OPEN = SessionState.OPEN
QUICK = override_settings(
    STREAM_BACKOFF_BASE_MS=1,
    STREAM_BACKOFF_MAX_MS=20,
    STREAM_IDLE_TIMEOUT_MS=50,
    RUNTIME_UNREACHABLE_TIMEOUT_MS=400,
)


def play(run: Run, streams: Sequence[Sequence[Line]], states: Sequence[Line]) -> PlayedSession:
    session = PlayedSession(streams, states)
    asyncio.run(observe(owned(run), session))
    assert_invariants()
    return session


def ending_of(run: Run) -> dict[str, object]:
    ending: dict[str, object] = orjson.loads(fresh(run).ending or "{}")
    return ending


def missing_of(run: Run) -> object:
    evidence = ending_of(run)["evidence"]
    assert isinstance(evidence, dict)
    return evidence["missing"]


@QUICK
def test_a_stream_that_breaks_just_before_the_end_is_read_to_the_end_all_the_same() -> None:
    run = running_run()
    streams: list[list[Line]] = [
        [OPENED, envelope(1), away()],
        [OPENED, envelope(2), envelope(3), Silence()],
    ]
    session = play(run, streams, [session_now(RESOLVED, count=2)])
    assert types_of(run.id).count("message.received") == 3
    assert ending_of(run)["code"] == "resolved"
    assert missing_of(run) is None
    assert session.asked_after == [0, 1]


@QUICK
def test_a_stream_that_breaks_among_the_last_envelopes_is_opened_again() -> None:
    run = running_run()
    streams: list[list[Line]] = [
        [OPENED, session_now(RESOLVED, count=2), envelope(1), away()],
        [OPENED, session_now(RESOLVED, count=2), envelope(2), envelope(3), Silence()],
    ]
    play(run, streams, [session_now(RESOLVED, count=2)])
    assert types_of(run.id).count("message.received") == 3
    assert missing_of(run) is None


@QUICK
def test_what_the_runtime_will_not_replay_is_said_to_be_missing() -> None:
    run = running_run()
    streams: list[list[Line]] = [
        [OPENED, envelope(1), away()],
        [RuntimeRejected("history compacted", runtime_code="HISTORY_UNAVAILABLE")],
    ]
    play(run, streams, [session_now(RESOLVED, count=2)])
    assert missing_of(run) == {"afterOrdinal": 1, "reason": "compacted"}
    assert ending_of(run)["code"] == "resolved"


TOO_FAST = RuntimeRejected("StreamSession: slow down", runtime_code="RATE_LIMITED")


@QUICK
@pytest.mark.parametrize("streams", [[], [[OPENED, envelope(1), away()]]], ids=["at once", "at a reconnect"])
def test_a_subscription_that_came_too_fast_is_asked_for_again_until_it_stands(streams: list[list[Line]]) -> None:
    run = running_run()
    whole: list[Line] = [envelope(number) for number in (1, 2, 3)]
    rest = [OPENED, *whole[len(streams) :], session_now(RESOLVED, count=2), Silence()]
    session = play(run, [*streams, [TOO_FAST], [TOO_FAST], [TOO_FAST], rest], [session_now(RESOLVED, count=2)])
    assert (ending_of(run)["code"], missing_of(run)) == ("resolved", None)
    assert types_of(run.id).count("message.received") == 3
    assert session.asked_after[-4:] == [len(streams)] * 4
    # It should be one outage, not four.
    assert types_of(run.id).count("session.stream.opened") == 2 + len(streams)


@QUICK
def test_a_refused_subscription_gives_no_session_up_whose_state_was_asked_for_too_fast() -> None:
    run = running_run()
    streams: list[list[Line]] = [[RuntimeRejected("history compacted", runtime_code="HISTORY_UNAVAILABLE")]]
    play(run, streams, [TOO_FAST, TOO_FAST, session_now(RESOLVED, count=2)])
    assert (ending_of(run)["code"], missing_of(run)) == ("resolved", {"afterOrdinal": 0, "reason": "compacted"})


@QUICK
def test_the_last_envelopes_are_waited_for_although_their_number_was_asked_for_too_fast() -> None:
    run = running_run()
    over = msgspec.structs.replace(session_now(RESOLVED), kind=ObservationKind.LIFECYCLE)
    streams: list[list[Line]] = [
        [OPENED, envelope(1), over, Silence()],
        [OPENED, over, envelope(2), envelope(3), Silence()],
    ]
    play(run, streams, [TOO_FAST, session_now(RESOLVED, count=2)])
    assert types_of(run.id).count("message.received") == 3
    assert (ending_of(run)["code"], missing_of(run)) == ("resolved", None)


@QUICK
def test_a_runtime_that_goes_away_after_it_said_the_end_does_not_change_the_end() -> None:
    run = running_run()
    streams: list[list[Line]] = [[OPENED, envelope(1), session_now(RESOLVED, count=5), away()], [away()]]
    play(run, streams, [away()])
    assert ending_of(run)["code"] == "resolved"
    assert missing_of(run) == {"afterOrdinal": 1, "reason": "session_lost"}


@QUICK
def test_an_envelope_that_breaks_the_stream_each_time_does_not_keep_an_ended_session_open() -> None:
    run = running_run()
    streams: list[list[Line]] = [[OPENED, envelope(1), away()], [OPENED, away()]]
    session = play(run, streams, [session_now(RESOLVED, count=5)])
    assert len(session.asked_after) == 2
    assert missing_of(run) == {"afterOrdinal": 1, "reason": "compacted"}


@QUICK
def test_a_frame_that_cannot_be_read_is_not_missing() -> None:
    run = running_run()
    poison = Observation(
        kind=ObservationKind.UNDECODABLE, body=Undecodable(reason="no"), raw=b"\xff", source_id="env:sha256:ff"
    )
    streams: list[list[Line]] = [[OPENED, envelope(1), poison, envelope(3), session_now(RESOLVED, count=2), Silence()]]
    play(run, streams, [session_now(RESOLVED, count=2)])
    assert RawObservation.objects.filter(run_id=run.id, kind="undecodable").count() == 1
    assert missing_of(run) is None


@QUICK
def test_a_cursor_ahead_of_the_runtime_makes_it_read_from_the_beginning() -> None:
    run = running_run()
    record(run.id, [envelope(number) for number in range(1, 5)], epoch=None)
    # The runtime lost its last two envelopes with its disk, and went on without them.
    streams: list[list[Line]] = [
        [OPENED, session_now(OPEN, count=1), Silence()],
        [OPENED, envelope(1), envelope(2), envelope("new"), session_now(RESOLVED, count=2), Silence()],
    ]
    session = play(run, streams, [session_now(OPEN, count=1), session_now(RESOLVED, count=2)])
    assert session.asked_after[:2] == [4, 0]
    assert Event.objects.filter(run_id=run.id, data__contains="m-new").exists()


@QUICK
def test_a_runtime_that_falls_silent_is_not_waited_for_for_ever_c01() -> None:
    run = running_run()
    play(run, [[OPENED, envelope(1), Silence()], [Silence()]], [RuntimeTimedOut("GetSession: no answer")])
    assert ending_of(run)["code"] == "runtime_unreachable"


@QUICK
def test_refusals_of_our_own_breaker_add_nothing_to_the_log_c01() -> None:
    run = running_run()
    play(run, [[BreakerOpen()]], [BreakerOpen()])
    assert ending_of(run)["code"] == "runtime_unreachable"
    assert types_of(run.id).count("session.stream.opened") == 1


@QUICK
def test_a_stream_that_breaks_at_once_is_opened_with_growing_pauses_though_the_state_can_be_read_c01() -> None:
    run = running_run()
    opened: list[Line] = [session_now(OPEN, count=0)] * 6
    session = play(run, [[OPENED, away()]], [*opened, session_now(RESOLVED, count=0)])
    assert types_of(run.id).count("session.stream.opened") <= len(session.asked_after) + 1


@QUICK
def test_a_runtime_without_streams_is_no_defect_of_ours() -> None:
    run = running_run()
    play(run, [[RuntimeUnsupported("StreamSession: UNIMPLEMENTED")]], [session_now(OPEN, count=0)])
    assert ending_of(run)["code"] == "runtime_rejected"


@QUICK
def test_a_nul_in_the_words_of_a_runtime_does_not_keep_a_run_open_b09() -> None:
    run = running_run()
    refusal = RuntimeRejected("no\0 way: Bearer abcdefghijklmnop", runtime_code="FOR\0BIDDEN")
    play(run, [[refusal]], [session_now(OPEN, count=0)])
    assert ending_of(run)["code"] == "runtime_rejected"
    assert "\0" not in (fresh(run).error_message or "\0")
    assert "abcdefghijklmnop" not in (fresh(run).ending or "")


@QUICK
def test_a_stream_cancelled_by_its_adapter_is_opened_again() -> None:
    run = running_run()
    streams: list[list[Line]] = [
        [OPENED, envelope(1), asyncio.CancelledError()],
        [OPENED, session_now(RESOLVED, count=0), Silence()],
    ]
    session = play(run, streams, [session_now(OPEN, count=0)])
    assert len(session.asked_after) == 2
