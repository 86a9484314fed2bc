"""A run is taken over from whatever status it has, one test for each line of the design; how it went is an event (T12)."""

import asyncio
import logging
from collections.abc import Sequence

import orjson
import pytest
from pytest_django.fixtures import Settings

from runs.bridge import rows
from runs.domain.endings import EndingCode
from runs.domain.events import Envelope, Observation, ObservationKind, SessionState
from runs.errors import RuntimeRejected, RuntimeTimedOut, RuntimeUnavailable, SessionNotFound
from runs.models import Event, OutboundMessage, Run
from runs.observer import launch_steps, session
from runs.observer.decided import Decided
from runs.observer.launcher import bring_up
from runs.observer.owned import load_owned
from runs.observer.patience import Patience
from runs.recorder import record
from runs.runtimes.plan import KickoffMessage
from runs.runtimes.port import Sent
from tests.cast import MODE, ack, envelope, fresh, session_now
from tests.integration.runs.test_lease import owned_by_the_dead
from tests.integration.runs.test_observe_run import ended, observe_until
from tests.invariants import assert_invariants, types_of
from tests.played import OPENED, Line, Silence
from tests.puppet import ACCEPTED, START, Puppet, PuppetRuntime, Stage, answered
from tests.settling import ending_of
from tests.sweeping import make_due, swept
from tests.underway import bound, launched, running, starting, taken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]

ALREADY_EXISTS = answered(ok=False, code="SESSION_ALREADY_EXISTS", message="there is one already")
QUIET: list[Line] = [OPENED, START, Silence()]


@pytest.fixture
def quick(settings: Settings, stage: Stage) -> None:
    settings.STREAM_BACKOFF_BASE_MS, settings.STREAM_BACKOFF_MAX_MS = 1, 20


def start_of(run: Run, message_id: object = None) -> Observation:
    """The SessionStart at the beginning of a session: ours, or that of somebody else."""
    message_id = str(message_id or launch_steps.start_id(run.id))
    body = Envelope(
        mode=MODE, message_type="SessionStart", message_id=message_id, session_id="s", sender="lead", payload=b"{}"
    )
    return Observation(kind=ObservationKind.ENVELOPE, body=body, raw=b"start", source_id=f"env:{message_id}")


def orphan(stage: Stage, run: Run, **session: object) -> tuple[Run, Puppet]:
    """The run of an observer that is dead, and its session as it is found."""
    run = owned_by_the_dead(run)
    stage.sessions[str(run.session_id)] = puppet = Puppet(**session)  # type: ignore[arg-type]
    return run, puppet


def taken_over(run: Run, *, until: str = "running") -> Run:
    """The run, once another observer has brought it to a status."""
    asyncio.run(observe_until(lambda: fresh(run).status == until))
    assert_invariants()
    return fresh(run)


def recoveries(run: Run) -> list[str]:
    """How the log says that it was taken up."""
    log = Event.objects.filter(run_id=run.id, type="session.stream.opened").order_by("seq")
    said = [orjson.loads(data) for data in log.values_list("data", flat=True)]
    return [one["recovery"] for one in said if one["status"] == "recovered"]


def statuses(run: Run) -> list[str]:
    """What the run's log says it passed."""
    log = Event.objects.filter(run_id=run.id).order_by("seq").values_list("data", flat=True)
    return [one["runStatus"] for one in map(orjson.loads, log) if "runStatus" in one]


# -- queued: launched


def test_a_queued_run_is_launched_and_that_was_fresh_t12(stage: Stage) -> None:
    run = launched()
    taken(run)
    run, puppet = orphan(stage, run)
    run = taken_over(run)
    assert len(puppet.started) == 1
    assert (run.lease_epoch, recoveries(run)) == (2, ["fresh"])


def test_a_run_that_had_no_owner_before_tells_of_no_recovery(stage: Stage) -> None:
    run = launched()
    assert recoveries(taken_over(run)) == []


# -- starting, without an ack: the same bytes again


@pytest.mark.parametrize("answer", [ACCEPTED, answered(duplicate=True)], ids=["accepted", "duplicate"])
def test_a_start_of_unknown_fate_goes_out_again_as_the_same_bytes_and_a_duplicate_is_ours_t12(
    answer: object, stage: Stage
) -> None:
    run, puppet = orphan(stage, starting(), starts=[answer])
    run = taken_over(run)
    assert puppet.started == [b"the stored start"]
    assert (recoveries(run), run.session.start_acked_at is not None) == (["rerun"], True)
    assert statuses(run) == ["starting", "binding_session", "running"]


TOO_FAST = answered(ok=False, code="RATE_LIMITED", message="slow down")


def test_a_start_that_came_too_fast_goes_out_again_as_the_same_bytes(stage: Stage) -> None:
    run, puppet = orphan(stage, starting(), starts=[TOO_FAST, TOO_FAST, ACCEPTED])
    assert taken_over(run).status == "running"
    assert puppet.started == [b"the stored start"] * 3


@pytest.mark.usefixtures("stage")
def test_a_call_that_came_too_fast_is_made_again_however_often_and_its_runtime_is_not_away(settings: Settings) -> None:
    settings.RUNTIME_UNREACHABLE_TIMEOUT_MS, settings.STREAM_MAX_RETRIES = 1, 2
    refused = RuntimeRejected("Initialize: slow down", runtime_code="RATE_LIMITED")
    answers = [refused] * 6

    async def initialize() -> str:
        if answers:
            raise answers.pop()
        return "welcome"

    assert asyncio.run(Patience(asyncio.Semaphore(1)).ask(initialize)) == "welcome"


def test_a_re_attach_that_came_too_fast_is_tried_again(stage: Stage) -> None:
    refused = RuntimeRejected("slow down", runtime_code="RATE_LIMITED")
    run, puppet = orphan(stage, running(), streams=[[refused], [refused], [OPENED, START, Silence()]])
    asyncio.run(observe_until(lambda: recoveries(run) == ["reattached"]))
    assert (fresh(run).status, len(puppet.subscribed)) == ("running", 3)


class OutOfTime(Puppet):
    """A session whose run may not be launched any more once it has been asked twice."""

    async def start(self, start: bytes) -> Sent:
        if len(self.started) == 1:
            await rows(make_due, column="admission_deadline")
        return await super().start(start)


@pytest.mark.usefixtures("stage")
def test_a_start_that_stays_too_fast_is_given_up_at_the_admission_deadline() -> None:
    run = starting()
    puppet = OutOfTime(starts=[TOO_FAST])
    patience = Patience(asyncio.Semaphore(1))
    with pytest.raises(Decided) as decided:
        asyncio.run(bring_up(load_owned(run.id, run.lease_epoch), PuppetRuntime(), puppet, patience))  # type: ignore[arg-type]
    verdict = decided.value.verdict
    assert (verdict.code, verdict.runtime_code) == (EndingCode.RUNTIME_REJECTED, "RATE_LIMITED")
    assert puppet.started == [b"the stored start"] * 2


def test_a_session_that_exists_already_is_ours_if_it_begins_with_our_start(stage: Stage) -> None:
    run = starting()
    ours: list[Line] = [OPENED, start_of(run), Silence()]
    run, puppet = orphan(stage, run, starts=[ALREADY_EXISTS], streams=[ours])
    run = taken_over(run)
    # It should be read from the beginning to see whose it is, and again to record it.
    assert puppet.subscribed[:2] == [0, 0]
    assert (recoveries(run), run.session.cursor) == (["rerun"], 1)


def test_a_session_that_begins_with_another_start_is_not_ours_and_left_alone(stage: Stage) -> None:
    run = starting()
    theirs: list[Line] = [OPENED, start_of(run, "somebody-elses"), Silence()]
    run, puppet = orphan(stage, run, starts=[ALREADY_EXISTS], streams=[theirs])
    run = taken_over(run, until="failed")
    ending = ending_of(run)
    assert (ending["code"], ending["error"]["runtimeCode"]) == ("runtime_rejected", "SESSION_ALREADY_EXISTS")
    swept()
    assert (puppet.cancelled, fresh(run).cleanup_status) == (0, "done")
    assert "session.bound" not in types_of(run.id)


@pytest.mark.parametrize(
    "broken",
    [
        [RuntimeUnavailable("cut")],
        [RuntimeTimedOut("too slow")],
        [OPENED, RuntimeUnavailable("cut")],
        [OPENED],
    ],
    ids=["away", "silent", "breaks", "closes"],
)
def test_a_runtime_that_is_away_while_it_is_asked_whose_session_it_is_is_asked_again(
    broken: Sequence[Line], stage: Stage
) -> None:
    run = starting()
    ours: list[Line] = [OPENED, start_of(run), Silence()]
    run, puppet = orphan(stage, run, starts=[ALREADY_EXISTS], streams=[broken, ours])
    assert taken_over(run).status == "running"
    assert len(puppet.subscribed) >= 3


def test_a_runtime_that_says_nothing_while_it_is_asked_whose_session_it_is_is_asked_again(
    stage: Stage, settings: Settings
) -> None:
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 200
    run = starting()
    ours: list[Line] = [OPENED, start_of(run), Silence()]
    run, _ = orphan(stage, run, starts=[ALREADY_EXISTS], streams=[[OPENED, Silence()], ours])
    assert taken_over(run).status == "running"


def test_a_session_whose_beginning_we_may_not_read_is_not_ours(stage: Stage) -> None:
    refusal = RuntimeRejected("not for you", runtime_code="FORBIDDEN")
    run, _ = orphan(stage, starting(), starts=[ALREADY_EXISTS], streams=[[refusal]])
    assert ending_of(taken_over(run, until="failed"))["code"] == "runtime_rejected"


def test_an_agents_session_is_waited_for_again(stage: Stage) -> None:
    opened = session_now(SessionState.OPEN, count=0)
    run, puppet = orphan(
        stage, starting(opener="agent"), states=[SessionNotFound("not yet"), SessionNotFound("not yet"), opened]
    )
    run = taken_over(run)
    assert (puppet.started, recoveries(run)) == ([], ["fresh"])


# -- starting, with an ack: never sent again


def acknowledged() -> Run:
    run = starting()
    launch_steps.record_accepted(load_owned(run.id, run.lease_epoch), None)
    return run


def test_a_start_that_was_acknowledged_is_never_sent_again_and_its_session_is_bound(stage: Stage) -> None:
    run, puppet = orphan(stage, acknowledged())
    run = taken_over(run)
    assert (puppet.started, recoveries(run)) == ([], ["reattached"])
    assert run.hard_deadline is not None


def test_that_a_start_was_taken_is_on_record_before_its_run_has_a_turn_to_subscribe(stage: Stage) -> None:
    run, puppet = starting(), Puppet()
    patience = Patience(asyncio.Semaphore(1))
    asyncio.run(bring_up(load_owned(run.id, run.lease_epoch), PuppetRuntime(), puppet, patience))  # type: ignore[arg-type]
    assert (puppet.started, fresh(run).status) == ([b"the stored start"], "starting")

    # Its owner has died while it waited for that turn.
    run, found = orphan(stage, fresh(run))
    run = taken_over(run)
    assert (found.started, recoveries(run)) == ([], ["reattached"])


def test_if_its_session_is_gone_it_is_lost_loudly_t08_t12(stage: Stage) -> None:
    gone = SessionNotFound("never heard of it")
    run, puppet = orphan(stage, acknowledged(), states=[gone], streams=[[gone]])
    run = taken_over(run, until="failed")
    assert puppet.started == []
    assert (ending_of(run)["code"], recoveries(run)) == ("session_lost", ["lost"])
    # It should be told before the ending.
    assert types_of(run.id)[-2:] == ["session.stream.opened", "run.failed"]


# -- binding_session: the kickoff is finished


def test_a_kickoff_that_was_begun_is_finished_in_order(stage: Stage) -> None:
    run = acknowledged()
    owned = load_owned(run.id, run.lease_epoch)
    messages = [
        KickoffMessage(sender="lead", recipients=("alice",), kind="context", message_type="Note", payload={"n": number})
        for number in range(3)
    ]
    launch_steps.bind(owned, kickoff=[(one, f"bytes {index}".encode()) for index, one in enumerate(messages)])
    first = OutboundMessage.objects.get(run_id=run.id, position=0)

    class Remembering(Puppet):
        def __init__(self) -> None:
            super().__init__()
            self.sent: list[bytes] = []

        async def send(self, message: bytes) -> Sent:
            self.sent.append(message)
            acknowledged = ack(str(launch_steps.kickoff_id(run.id, int(message.split()[1]))))
            return Sent(ack=acknowledged.body, observation=acknowledged)  # type: ignore[arg-type]

    # The first of them was accepted under the former owner.
    record(run.id, [ack(str(first.message_id))], epoch=run.lease_epoch)
    run = owned_by_the_dead(run)
    stage.sessions[str(run.session_id)] = puppet = Remembering()
    run = taken_over(run)
    assert puppet.sent == [b"bytes 1", b"bytes 2"]
    assert set(OutboundMessage.objects.values_list("status", flat=True)) == {"accepted"}
    assert recoveries(run) == ["reattached"]


# -- running and suspended: subscribed from the cursor, reconciled


def test_a_running_run_is_read_on_from_its_cursor_t12_b10_e20(stage: Stage) -> None:
    run = running()
    record(run.id, [START, envelope(1), envelope(2)], epoch=run.lease_epoch)
    further: list[Line] = [OPENED, envelope(3), session_now(SessionState.RESOLVED, count=3), Silence()]
    run, puppet = orphan(stage, run, states=[session_now(SessionState.RESOLVED, count=3)], streams=[further])
    run = taken_over(run, until="completed")
    assert (puppet.subscribed, puppet.started, recoveries(run)) == ([3], [], ["reattached"])
    assert types_of(run.id).count("message.received") == 4


def test_a_quiet_session_is_taken_over_although_it_says_nothing_t12(stage: Stage) -> None:
    run, _ = orphan(stage, running(), streams=[[OPENED, Silence()]])
    asyncio.run(observe_until(lambda: recoveries(run) == ["reattached"]))
    assert fresh(run).status == "running"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (SessionState.SUSPENDED, "suspended"),
        (SessionState.OPEN, "running"),
        (SessionState.RESOLVED, "completed"),
        (SessionState.EXPIRED, "failed"),
        (SessionState.CANCELLED, "cancelled"),
    ],
)
def test_a_suspended_run_is_found_as_its_session_is_now(state: SessionState, status: str, stage: Stage) -> None:
    run = running()
    record(run.id, [START, session_now(SessionState.SUSPENDED)], epoch=run.lease_epoch)
    now = session_now(state, count=0)
    run, _ = orphan(stage, run, states=[now], streams=[[OPENED, now, Silence()]])
    asyncio.run(observe_until(lambda: recoveries(run) != [] and fresh(run).status == status))
    assert_invariants()


def test_a_running_run_whose_session_was_suspended_meanwhile_is_suspended(stage: Stage) -> None:
    now = session_now(SessionState.SUSPENDED, count=0)
    run, _ = orphan(stage, running(), states=[now], streams=[[OPENED, now, Silence()]])
    assert taken_over(run, until="suspended").hard_deadline_awake is not None


def test_a_running_run_whose_session_is_gone_is_lost_t08_c25(stage: Stage) -> None:
    gone = SessionNotFound("gone")
    run, _ = orphan(stage, running(), states=[gone], streams=[[gone]])
    run = taken_over(run, until="failed")
    assert (ending_of(run)["code"], recoveries(run)) == ("session_lost", ["lost"])


# -- found further on than the run


@pytest.mark.parametrize("status", ["binding_session", "running"])
@pytest.mark.parametrize("state", [SessionState.RESOLVED, SessionState.EXPIRED, SessionState.CANCELLED])
def test_a_session_found_over_is_walked_to_and_no_status_is_skipped(
    state: SessionState, status: str, stage: Stage
) -> None:
    run = bound() if status == "binding_session" else running()
    over = session_now(state, count=0)
    run, _ = orphan(stage, run, states=[over], streams=[[OPENED, START, over, Silence()]])
    asyncio.run(observe_until(ended(run.id)))
    passed = statuses(run)
    assert passed[:2] == ["starting", "binding_session"]
    assert passed[-1] == fresh(run).status
    if state is SessionState.RESOLVED:
        assert passed == ["starting", "binding_session", "running", "completed"]
    assert_invariants()


# -- limits


def test_a_run_that_was_taken_from_the_dead_too_often_is_given_up(stage: Stage, settings: Settings) -> None:
    settings.RUN_RECOVERY_MAX_ATTEMPTS = 5
    run = running()
    Run.objects.update(recovery_attempts=4)
    fifth, _ = orphan(stage, run, streams=[[OPENED, Silence()]])
    asyncio.run(observe_until(lambda: recoveries(fifth) == ["reattached"]))
    assert fresh(run).recovery_attempts == 5

    owned_by_the_dead(run)
    sixth = taken_over(run, until="failed")
    ending = ending_of(sixth)
    assert (ending["code"], ending["decidedBy"]) == ("recovery_exhausted", "observer")
    # The runtime has been asked all the same, and the session is ours to clean up.
    assert ending["evidence"]["runtimeAsked"] == "SESSION_STATE_OPEN"
    assert sixth.cleanup_status is not None


def test_its_attempts_are_forgotten_once_it_has_been_read_for_a_while(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session.FORGIVEN_AFTER_SECONDS == 60.0
    monkeypatch.setattr(session, "FORGIVEN_AFTER_SECONDS", 0.1)
    run = running()
    Run.objects.update(recovery_attempts=3)
    run, _ = orphan(stage, run, streams=[[OPENED, Silence()]])
    asyncio.run(observe_until(lambda: fresh(run).recovery_attempts == 0))
    assert recoveries(run) == ["reattached"]


def test_they_are_not_forgotten_while_it_cannot_be_read(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RUNTIME_CIRCUIT_BREAKER_THRESHOLD = 1_000
    monkeypatch.setattr(session, "FORGIVEN_AFTER_SECONDS", 0.1)
    run = running()
    Run.objects.update(recovery_attempts=3)
    away = RuntimeUnavailable("nobody there")
    run, puppet = orphan(stage, run, states=[away], streams=[[away]])
    asyncio.run(observe_until(lambda: len(puppet.subscribed) > 20))
    assert fresh(run).recovery_attempts == 4


# -- what it came to


def test_the_log_of_the_take_over_says_how_each_run_was_taken_up(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    gone = SessionNotFound("gone")
    quiet, _ = orphan(stage, running(), streams=[[OPENED, Silence()]])
    again, _ = orphan(stage, starting())
    lost, _ = orphan(stage, running(), states=[gone], streams=[[gone]])
    broken, _ = orphan(stage, running())
    Run.objects.filter(id=broken.id).update(request='{"from": "another world"}')

    with caplog.at_level(logging.INFO, "signalbox.observer"):
        asyncio.run(observe_until(lambda: any(line.startswith("take-over: ") for line in caplog.messages)))
    (told,) = [line.removeprefix("take-over: ") for line in caplog.messages if line.startswith("take-over: ")]
    report = orjson.loads(told)
    counts = [report[name] for name in ("claimed", "recovered", "failed", "skipped")]
    assert counts == [4, 2, 2, 0]
    modes = {one["runId"]: (one["mode"], one.get("code")) for one in report["runs"]}
    assert modes == {
        str(quiet.id): ("reattached", None),
        str(again.id): ("rerun", None),
        str(lost.id): ("lost", "session_lost"),
        str(broken.id): ("lost", "internal_error"),
    }
