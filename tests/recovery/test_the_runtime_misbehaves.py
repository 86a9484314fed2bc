"""F08: whatever a runtime's stream does, what it can replay is on record once, and the run ends once."""

import pytest

from runs.models import Event, LateObservation, RawObservation, Run
from tests.faults.host import ObserverHost, at_runtime
from tests.invariants import assert_invariants, types_of
from tests.recovery.scene import (
    assert_whole,
    ended,
    ending_of,
    has_read,
    launch,
    load,
    missing_of,
    run_of,
    stand_in,
    wait_until,
)
from tests.stand_in_runtime.log import RESOLVED

pytestmark = [pytest.mark.slow, pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

EVENTS = 300
LAST = EVENTS + 2
RATE = 300
# An observer that looks after a silent stream soon, and reconnects soon.
QUICK = {"STREAM_IDLE_TIMEOUT_MS": "1000", "STREAM_BACKOFF_MAX_MS": "200"}


def played(*options: str, rate: int = RATE) -> Run:
    """A run at a stand-in with faults, once it has ended."""
    with stand_in(*load(EVENTS, rate=rate), *options) as runtime:
        run_id = launch()
        with ObserverHost({**at_runtime(runtime.address), **QUICK}):
            run = ended(run_id)
    assert types_of(run.id)[-1] == f"run.{run.status}"
    assert_invariants()
    return run


def faults(*wanted: str) -> list[str]:
    return [word for fault in wanted for word in ("--fault", fault)]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(["double@50", "double@302", "swap@80", "rewind@120"], id="duplicated, reordered, begun again"),
        pytest.param(["drop@50", "close@120", "drop@302", "inline@200", "silent@2"], id="broken, closed, silent"),
        pytest.param(["skip@150"], id="gapped"),
        pytest.param([f"skip@{ordinal}" for ordinal in range(100, 200)], id="a huge gap"),
        pytest.param(["mute@150"], id="half-open"),
        pytest.param(["suspend@150", "drop@151"], id="suspended, and broken when it is resumed"),
    ],
)
def test_a_stream_that_is_not_what_it_should_be_costs_nothing(wanted: list[str]) -> None:
    assert_whole(played(*faults(*wanted)), envelopes=LAST)


def test_another_message_under_a_known_id_is_kept_apart_and_counted_i4() -> None:
    run = played(*faults("forge@150"))
    assert_whole(run, envelopes=LAST)
    assert run.late_count == 1
    assert LateObservation.objects.get(run_id=run.id).reason == "conflict"


@pytest.mark.parametrize("wanted", ["end-twice@1", "end-otherwise@1", "talk-on@5"])
def test_a_session_that_ends_twice_or_otherwise_or_talks_on_has_one_ending_b23(wanted: str) -> None:
    run = played(*faults(wanted))
    endings = Event.objects.filter(run_id=run.id, type__in=["run.completed", "run.failed", "run.cancelled"])
    assert endings.count() == 1
    assert ending_of(run)["decidedBy"] == "runtime"
    if wanted == "end-otherwise@1":
        assert run.status in ("completed", "cancelled")  # whichever it said when it was asked: never both
    else:
        assert run.status == "completed"
    recorded = RawObservation.objects.filter(run_id=run.id, kind="stream-envelope").count()
    # It should have kept the session whole, and what came after the ending, if it was heard, apart from it.
    assert LAST <= recorded <= LAST + 5
    assert recorded + LateObservation.objects.filter(run_id=run.id).count() <= LAST + 5


def test_ten_megabytes_an_unknown_type_and_garbage_neither_end_nor_block_the_stream_c17_l13() -> None:
    run = played(*faults("big@100", "strange@150", "poison@200"))
    assert (run.status, run.error_message) == ("completed", None)
    assert run.session.cursor == LAST - 1
    assert RawObservation.objects.get(run_id=run.id, kind="undecodable").body
    assert Event.objects.get(run_id=run.id, type="message.received", data__contains="Unheard")
    assert max(len(raw) for raw in RawObservation.objects.values_list("body", flat=True)) > 10_000_000


@pytest.mark.parametrize("manner", ["inline", "status"])
def test_what_was_compacted_while_nobody_listened_is_said_to_be_missing(manner: str) -> None:
    with stand_in(*load(EVENTS, rate=RATE), "--compact", manner) as runtime:
        run_id = launch()
        with ObserverHost(at_runtime(runtime.address)) as first:
            wait_until(has_read(run_id, EVENTS // 4))
            first.kill()
        read = run_of(run_id).session.cursor
        wait_until(lambda: list(runtime.states().values()) == [RESOLVED], what="the end of the session")
        with ObserverHost({**at_runtime(runtime.address), **QUICK}):
            run = ended(run_id)
    assert (run.status, run.session.cursor) == ("completed", read)
    assert missing_of(run) == {"afterOrdinal": read, "reason": "compacted"}
    assert_invariants()
