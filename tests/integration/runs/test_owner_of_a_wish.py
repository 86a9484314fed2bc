"""What the owner of a run makes of a wish, whatever the runtime answers and whenever it answers."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import transaction

from runs.audit import Actor
from runs.bridge import rows
from runs.domain.endings import DecidedBy
from runs.domain.events import SessionState
from runs.domain.wishes import WishKind
from runs.errors import (
    BreakerOpen,
    CallbackFailed,
    Conflict,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
    SessionNotFound,
)
from runs.models import Event, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.observer import cancelling, lease, wish_calls
from runs.observer.decided import Decided
from runs.observer.owned import OwnedRun, load_owned
from runs.observer.wish_rows import answer_fulfilled, open_wish
from runs.observer.wishes import fulfil_wish
from runs.operations.wish import Wanted, Wish, answer_to, commit_wish
from tests.cast import envelope, fresh, running_run, session_now
from tests.integration.runs.test_cancel_run import agent_session
from tests.integration.runs.test_observe_run import launch
from tests.invariants import assert_invariants, types_of
from tests.played import OPENED, Line, Silence, owned
from tests.steered import (
    Answer,
    SteeredSession,
    agreed,
    answer_in,
    becomes,
    beside,
    bind,
    cancel,
    certificate,
    denied,
    evidence,
    owning,
    suspend,
)
from tests.underway import running

pytestmark = pytest.mark.django_db(transaction=True)

OPEN, SUSPENDED, CANCELLED = SessionState.OPEN, SessionState.SUSPENDED, SessionState.CANCELLED
RESOLVED, EXPIRED = SessionState.RESOLVED, SessionState.EXPIRED
AT_ONCE_SECONDS = 5.0  # an idle stream would be asked about after 120 s
QUIET: list[Line] = [OPENED, session_now(OPEN, count=0), Silence()]


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wish_calls, "ASK_SECONDS", 0.3)
    monkeypatch.setattr(cancelling, "CONCLUDE_SECONDS", 60.0)  # no test below waits for it but the one that says so
    monkeypatch.setattr(cancelling, "CALLED_BACK_SECONDS", 0.3)
    monkeypatch.setattr(cancelling, "LOOK_SECONDS", 0.02)


def a_run() -> Run:
    """A running run that a living observer owns."""
    run = running_run()
    lease.claim(lease.register(), 1)
    return fresh(run)


def wish(run: Run | OwnedRun, kind: str, **changes: Any) -> Wish:
    """The wish is committed, as a request does it before it waits."""
    wanted: dict[str, Any] = {
        "kind": WishKind(kind),
        "project_id": DEFAULT_PROJECT_ID,
        "run_id": run.id,
        "actor": Actor("tester"),
        "through": DecidedBy.API,
        "reason": None,
        "request_id": None,
    }
    with transaction.atomic():
        return commit_wish(Wanted(**(wanted | changes)), Run.objects.lock(run.id, epoch=None))


def nothing() -> None:
    """Nobody reads the stream."""


def steered(
    *, answers: dict[str, Sequence[Answer]], states: Sequence[Line], stream: Sequence[Line] = QUIET
) -> SteeredSession:
    return SteeredSession([stream], states, answers)


def until_ended(run: Run, session: SteeredSession) -> float:
    """The run's owner has carried out its wish and written the ending; how many seconds that took."""

    ours = owned(run)

    async def scene() -> float:
        began = time.monotonic()
        async with owning(ours, session):
            await becomes(lambda: fresh(run).has_ended)
        return time.monotonic() - began

    seconds = asyncio.run(scene())
    assert_invariants()
    return seconds


def until_answered(run: Run, session: SteeredSession) -> dict[str, object]:
    """The owner's answer to the wish; the run goes on."""

    ours = owned(run)

    async def scene() -> None:
        async with owning(ours, session):
            await becomes(lambda: fresh(run).wanted is None)

    asyncio.run(scene())
    assert not fresh(run).has_ended
    assert_invariants()
    return answer_in(run.id)


def test_a_cancel_is_not_held_up_by_a_stream_that_says_nothing_c18() -> None:
    run = a_run()
    wish(run, "cancel", reason="enough")
    session = steered(answers={"cancel": [agreed(CANCELLED)]}, states=[session_now(CANCELLED)])
    assert until_ended(run, session) < AT_ONCE_SECONDS

    assert session.asked == [("cancel", "enough")]
    assert (certificate(run.id)["code"], certificate(run.id)["decidedBy"]) == ("cancelled", "api")
    assert types_of(run.id)[-2:] == ["session.state.changed", "run.cancelled"]
    assert evidence(run.id)["sessionState"] == evidence(run.id)["runtimeAsked"] == "SESSION_STATE_CANCELLED"


def test_a_stream_that_is_being_waited_on_is_not_waited_for_c18() -> None:
    run = a_run()
    ours = owned(run)
    session = steered(answers={"cancel": [agreed(CANCELLED)]}, states=[session_now(CANCELLED)])

    async def scene() -> float:
        async with owning(ours, session) as owner:
            await becomes(lambda: types_of(run.id)[-1] == "session.state.changed")
            await rows(wish, run, "cancel")
            began = time.monotonic()
            owner.look()
            await becomes(lambda: fresh(run).has_ended)
            return time.monotonic() - began

    assert asyncio.run(scene()) < AT_ONCE_SECONDS
    assert evidence(run.id)["sessionState"] == "SESSION_STATE_CANCELLED"


def test_the_last_envelopes_of_a_cancelled_session_are_read_before_the_ending() -> None:
    run = a_run()
    wish(run, "cancel")
    stream: list[Line] = [OPENED, session_now(OPEN, count=0), envelope(1), envelope(2), envelope(3), Silence()]
    states = [session_now(CANCELLED, count=2)]
    until_ended(run, steered(answers={"cancel": [agreed(CANCELLED)]}, states=states, stream=stream))

    assert types_of(run.id).count("message.received") == 3
    assert evidence(run.id)["missing"] is None


@pytest.mark.parametrize(
    ("state", "status", "code"), [(RESOLVED, "completed", "resolved"), (EXPIRED, "failed", "session_expired")]
)
def test_a_session_that_was_over_decides_and_its_last_envelopes_are_read_first(
    state: SessionState, status: str, code: str
) -> None:
    run = a_run()
    wish(run, "cancel")
    stream: list[Line] = [OPENED, session_now(OPEN, count=0), envelope(1), envelope(2), Silence()]
    until_ended(run, steered(answers={"cancel": [agreed(state)]}, states=[session_now(state, count=1)], stream=stream))

    assert fresh(run).status == status
    assert (certificate(run.id)["code"], certificate(run.id)["decidedBy"]) == (code, "runtime")
    assert types_of(run.id).count("message.received") == 2


def test_where_the_ack_does_not_tell_the_state_the_session_is_asked() -> None:
    run = a_run()
    wish(run, "cancel")
    answers: dict[str, Sequence[Answer]] = {"cancel": [agreed(SessionState.UNSPECIFIED)]}
    until_ended(run, steered(answers=answers, states=[session_now(RESOLVED)]))
    assert fresh(run).status == "completed"


@pytest.mark.usefixtures("stage")
def test_a_runtime_that_agreed_but_tells_no_end_does_not_keep_the_run_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling, "CONCLUDE_SECONDS", 0.3)
    run = running()
    wish(run, "cancel")
    until_ended(run, steered(answers={"cancel": [agreed(CANCELLED)]}, states=[session_now(OPEN, count=0)]))
    # It should say what the runtime said last, not what it had agreed to: then the session is cleaned up.
    assert (fresh(run).status, evidence(run.id)["runtimeAsked"]) == ("cancelled", "SESSION_STATE_OPEN")
    assert fresh(run).cleanup_status == "pending"


@pytest.mark.parametrize(
    ("silence", "words"),
    [
        (Silence(), "CancelSession: no answer within 0.3 s"),
        (RuntimeUnavailable("CancelSession: connection refused"), "CancelSession: connection refused"),
        (RuntimeTimedOut("CancelSession: deadline"), "CancelSession: deadline"),
        (BreakerOpen(), "Calls to the runtime are suspended after repeated failures."),
    ],
)
def test_a_runtime_that_does_not_answer_does_not_keep_a_run_from_being_cancelled_l09(
    silence: BaseException, words: str
) -> None:
    run = a_run()
    wish(run, "cancel")
    seconds = until_ended(run, steered(answers={"cancel": [silence]}, states=[session_now(OPEN, count=0)]))

    assert seconds < AT_ONCE_SECONDS
    assert fresh(run).status == "cancelled"
    assert evidence(run.id)["runtimeAsked"] == "no_answer"
    assert certificate(run.id)["error"] == {"message": None, "runtimeCode": None, "cleanupErrors": [words]}


def test_a_session_the_runtime_no_longer_knows_is_cancelled() -> None:
    run = a_run()
    wish(run, "cancel")
    gone = SessionNotFound("CancelSession: not found", runtime_code="SESSION_NOT_FOUND")
    until_ended(run, steered(answers={"cancel": [gone]}, states=[gone]))
    assert (fresh(run).status, certificate(run.id)["code"]) == ("cancelled", "cancelled")
    assert evidence(run.id)["runtimeAsked"] == "SESSION_NOT_FOUND"


@pytest.mark.parametrize(
    ("refusal", "code", "details"),
    [
        (denied("FORBIDDEN"), "RUNTIME_REJECTED", {"runtimeCode": "FORBIDDEN"}),
        (RuntimeRejected("no", runtime_code="FORBIDDEN"), "RUNTIME_REJECTED", {"runtimeCode": "FORBIDDEN"}),
        (RuntimeUnsupported("UNIMPLEMENTED", runtime_code="X"), "NOT_IMPLEMENTED", {"runtimeCode": "X"}),
    ],
)
def test_a_refused_cancel_is_answered_and_the_run_goes_on(
    refusal: Answer, code: str, details: dict[str, object]
) -> None:
    run = a_run()
    asked = wish(run, "cancel")
    answer = until_answered(run, steered(answers={"cancel": [refusal]}, states=[session_now(OPEN, count=0)]))

    assert (answer["ok"], answer["errorCode"], answer["details"]) == (False, code, details)
    found = answer_to(asked)
    assert found is not None
    assert found.refusal().code == code


def test_the_words_of_a_refusal_hold_no_secret_and_nothing_a_row_cannot_keep() -> None:
    run = a_run()
    wish(run, "suspend")
    refusal = denied("FOR\0BIDDEN", "no\0 way: Bearer abcdefghijklmnop")
    answer = until_answered(run, steered(answers={"suspend": [refusal]}, states=[session_now(OPEN, count=0)]))
    assert "abcdefghijklmnop" not in str(answer)
    assert "\0" not in str(answer)


@pytest.mark.parametrize("verb", ["suspend", "resume"])
@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (denied("SESSION_NOT_OPEN"), "RUNTIME_REJECTED"),
        (RuntimeUnsupported("UNIMPLEMENTED"), "NOT_IMPLEMENTED"),
        (RuntimeUnavailable(), "RUNTIME_UNAVAILABLE"),
        (BreakerOpen(), "CIRCUIT_BREAKER_OPEN"),
        (Silence(), "RUNTIME_TIMEOUT"),
    ],
)
def test_what_stands_in_the_way_of_a_move_is_the_answer_and_the_status_stays(
    verb: str, failure: Answer, code: str
) -> None:
    run = a_run()
    wish(run, verb)
    now = session_now(OPEN if verb == "suspend" else SUSPENDED, count=0)
    answer = until_answered(run, steered(answers={verb: [failure]}, states=[now], stream=[OPENED, Silence()]))

    assert (answer["wanted"], answer["ok"], answer["errorCode"]) == (verb, False, code)
    assert fresh(run).status == "running"


def test_a_runtime_that_cannot_even_be_asked_where_the_session_stands_is_the_answer() -> None:
    run = a_run()
    wish(run, "suspend")
    session = steered(answers={}, states=[RuntimeUnavailable()])
    assert until_answered(run, session)["errorCode"] == "RUNTIME_UNAVAILABLE"
    assert session.asked == []


@pytest.mark.parametrize("answer", [agreed(SUSPENDED), RuntimeTimedOut(), RuntimeUnavailable()])
def test_a_move_whose_answer_is_lost_is_found_in_the_session(answer: Answer) -> None:
    run = a_run()
    wish(run, "suspend", reason="lunch")
    states: list[Line] = [session_now(OPEN, count=0), session_now(SUSPENDED, count=0)]
    given = until_answered(run, steered(answers={"suspend": [answer]}, states=states, stream=[OPENED, Silence()]))

    assert given["ok"] is True
    assert fresh(run).status == "suspended"
    assert '"reason":"lunch"' in Event.objects.get(run_id=run.id, type="run.suspended").data


def test_a_move_that_a_former_owner_had_asked_for_is_not_asked_for_again() -> None:
    run = a_run()
    wish(run, "suspend")
    session = steered(answers={}, states=[session_now(SUSPENDED, count=0)], stream=[OPENED, Silence()])
    assert until_answered(run, session)["ok"] is True

    assert session.asked == []
    assert fresh(run).status == "suspended"
    assert types_of(run.id).count("run.suspended") == 1


def test_a_session_that_is_over_cannot_be_suspended_and_ends_its_run() -> None:
    run = a_run()
    wish(run, "suspend")
    until_ended(run, steered(answers={}, states=[session_now(RESOLVED)]))
    assert answer_in(run.id)["errorCode"] == "INVALID_STATE_TRANSITION"
    assert fresh(run).status == "completed"


def test_an_answer_is_known_from_those_to_older_wishes() -> None:
    run = a_run()
    first = wish(run, "suspend")
    ours = owned(run)
    found = open_wish(ours)
    assert found is not None
    second = wish(run, "cancel")
    answer_fulfilled(ours, found, [])

    # It should be the answer to the first alone, and leave the second open.
    assert answer_to(first) is not None
    assert answer_to(second) is None
    assert fresh(run).wanted == "cancel"


def test_whose_wish_lost_its_place_is_told_so() -> None:
    run = a_run()
    first = wish(run, "suspend")
    wish(run, "cancel")
    with pytest.raises(Conflict):
        answer_to(first)


def test_a_former_owner_finds_nothing_to_do() -> None:
    run = a_run()
    wish(run, "cancel")
    former = owned(run)
    Run.objects.filter(id=run.id).update(lease_epoch=run.lease_epoch + 1)
    assert open_wish(former) is None


def an_agents_run() -> OwnedRun:
    """A running run whose session an agent opened, with a callback to cancel it."""
    run_id = launch(session=agent_session(cancelCallback={"url": "https://agent.example/cancel"}))
    bind(run_id)
    [owned_now] = lease.claim(lease.register(), 1)
    return load_owned(run_id, owned_now.epoch)


async def refuses(run: OwnedRun, reason: str | None) -> None:
    raise CallbackFailed("the cancel callback answered 500")


def test_an_agent_that_does_not_agree_is_the_answer_and_the_run_goes_on() -> None:
    run = an_agents_run()
    wish(run, "cancel")
    session = steered(answers={}, states=[session_now(OPEN, count=0)])
    asyncio.run(fulfil_wish(run, session, recheck=nothing, call_back=refuses))

    answer = answer_in(run.id)
    assert (answer["errorCode"], answer["message"]) == ("CALLBACK_FAILED", "the cancel callback answered 500")
    assert (Run.objects.get(id=run.id).wanted, session.asked) == (None, [])


def test_once_its_agent_has_agreed_a_session_ends_by_itself() -> None:
    run = an_agents_run()
    wish(run, "cancel", reason="enough")
    called: list[str | None] = []
    session = steered(answers={}, states=[session_now(OPEN, count=0)] * 3 + [session_now(CANCELLED, count=0)])

    async def agrees(_: OwnedRun, reason: str | None) -> None:
        called.append(reason)

    async def scene() -> None:
        rechecked = asyncio.Event()
        fulfilling = asyncio.create_task(fulfil_wish(run, session, recheck=rechecked.set, call_back=agrees))
        await asyncio.wait_for(rechecked.wait(), AT_ONCE_SECONDS)
        fulfilling.cancel()

    asyncio.run(scene())
    # It should leave the wish, and with it the ending, to whoever reads the session's stream.
    assert (called, Run.objects.get(id=run.id).wanted) == (["enough"], "cancel")


def test_a_session_that_stays_open_though_its_agent_agreed_does_not_keep_the_run_open() -> None:
    run = an_agents_run()
    wish(run, "cancel")

    async def agrees(_: OwnedRun, reason: str | None) -> None:
        """The agent answers with success, and does nothing."""

    session = steered(answers={}, states=[session_now(OPEN, count=0)])
    with pytest.raises(Decided) as decided:
        asyncio.run(fulfil_wish(run, session, recheck=nothing, call_back=agrees))
    verdict = decided.value.verdict
    assert (verdict.code, verdict.decided_by, verdict.runtime_asked) == ("cancelled", "api", "SESSION_STATE_OPEN")


def test_a_session_that_is_over_already_is_not_called_about_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling, "CONCLUDE_SECONDS", 0.0)
    run = an_agents_run()
    wish(run, "cancel")
    session = steered(answers={}, states=[session_now(CANCELLED, count=0)])
    with pytest.raises(Decided):
        asyncio.run(fulfil_wish(run, session, recheck=nothing, call_back=refuses))


def test_nothing_is_asked_where_nothing_is_wanted() -> None:
    run = a_run()
    session = steered(answers={}, states=[])
    asyncio.run(fulfil_wish(owned(run), session, recheck=nothing))
    assert (session.asked, session.states_asked) == ([], 0)


def test_whoever_waits_hears_the_owners_answer() -> None:
    run = a_run()
    session = steered(answers={"suspend": [denied()], "cancel": [denied()]}, states=[session_now(OPEN, count=0)])

    ours = owned(run)

    async def scene() -> None:
        for operation in (suspend, cancel):
            waiting = asyncio.create_task(beside(operation, run.id))
            await becomes(lambda: fresh(run).wanted is not None)
            async with owning(ours, session):
                with pytest.raises(RuntimeRejected) as refused:
                    await waiting
            assert refused.value.details == {"runtimeCode": "FORBIDDEN"}

    asyncio.run(scene())
    assert not fresh(run).has_ended
    assert_invariants()
