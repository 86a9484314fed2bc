"""Before Signalbox ends a run on its own account it asks the runtime once, outside any transaction, and prefers its answer.

over (RESOLVED, EXPIRED, CANCELLED)  that is the ending, once the rest of the session is recorded
OPEN                                 our code stands; cancelling the session becomes clean-up
SUSPENDED                            a deadline does not count: the run is suspended, and is no ending
NOT_FOUND                            session_lost; resolved if the log holds an accepted Commitment
no answer, or our breaker is open    our code stands

Where nobody has answered our SessionStart, somebody else's session may stand under the id: it is asked too who opened it.
Theirs says nothing of the run: our code stands, and nothing of it is recorded.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import msgspec
from django.conf import settings

from runs.bridge import rows
from runs.domain import deadlines
from runs.domain.endings import NO_ANSWER, NOT_OURS, SESSION_NOT_FOUND, DecidedBy, EndingCode, Verdict, verdict_of
from runs.domain.events import Draft, Observation, SessionSnapshot, SessionState
from runs.domain.lifecycle import RunStatus
from runs.ending.election import Still, end_run
from runs.ending.opening import is_opened_by, unanswered_start
from runs.ending.rest import record_rest
from runs.ending.walk import walk
from runs.errors import Fenced, NoLongerDue, RunEnded, RuntimeFault, SessionNotFound
from runs.models import Run
from runs.queries import accepted_commitment
from runs.recorder import writing
from runs.runtimes.port import Session

log = logging.getLogger("signalbox.ending")

ASK_SECONDS = 5.0
AT_ONCE = 64
WHOSE = "nobody knows whose session it is"

# A session that never came to be is no lost one.
_BEFORE_A_SESSION = frozenset({EndingCode.NEVER_STARTED})
# Clocks that stand still, or are moved, while a session is suspended.
_DEADLINES = frozenset({*deadlines.CODE_OF_CLOCK.values(), EndingCode.RUNTIME_UNREACHABLE})
# The clock that is put off where a suspended session changes nothing about its run.
_ASKED_AGAIN = {RunStatus.QUEUED: "admission", RunStatus.STARTING: "admission", RunStatus.SUSPENDED: "hard"}


class Outcome(StrEnum):
    """What became of the wish to end a run."""

    ENDED = "ended"
    SUSPENDED = "suspended"  # its session is, so its clocks are set anew
    NOT_DUE = "not_due"  # what decided it did not hold any more under the lock
    LOST = "lost"  # somebody else ended it, or owns it now


@dataclass(frozen=True, slots=True)
class Answer:
    """What the runtime said: a session state, SESSION_NOT_FOUND, `not_ours`, or `no_answer`; then `fault` says why."""

    asked: str
    snapshot: Observation | None = None
    fault: str | None = None

    @property
    def session(self) -> SessionSnapshot | None:
        """The session as the runtime describes it."""
        body = self.snapshot.body if self.snapshot is not None else None
        return body if isinstance(body, SessionSnapshot) else None


class Questions:
    """Asks runtimes, at most 64 at a time and 5 s each. One for a process; belongs to one event loop."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def ask(self, session: Session, *, unanswered: UUID | None = None) -> Answer:
        """The runtime's answer. A refusal to say, and our own open breaker, count as no answer.

        `unanswered` is our SessionStart where the session may not be ours: of one that is not, or may not be, nothing counts.
        """
        doing = "GetSession"
        try:
            async with self._slots, asyncio.timeout(ASK_SECONDS):
                snapshot = await session.snapshot()
                doing = WHOSE
                if unanswered is not None and not await is_opened_by(unanswered, session):
                    return Answer(NOT_OURS)
        except SessionNotFound:
            return Answer(SESSION_NOT_FOUND)
        except TimeoutError:
            return Answer(NO_ANSWER, fault=f"{doing}: no answer within {ASK_SECONDS:.0f} s")
        except RuntimeFault as fault:
            return Answer(NO_ANSWER, fault=f"{doing}: {fault.message}")
        except Exception as error:  # a defect of ours must not keep a run open for ever
            log.exception("a runtime could not be asked")
            return Answer(NO_ANSWER, fault=f"{doing}: internal error: {type(error).__name__}")
        assert isinstance(snapshot.body, SessionSnapshot)
        return Answer(snapshot.body.state.value, snapshot)


async def settle(
    run_id: UUID,
    verdict: Verdict,
    session: Session,
    questions: Questions,
    *,
    epoch: int | None,
    batch: Sequence[Observation | Draft] = (),
    still: Still | None = None,
) -> Outcome:
    """The run has ended as `verdict` says or as its runtime knows better, unless the outcome says otherwise.

    `batch` is recorded with the ending. Raises database errors; losing the election is an outcome.
    """
    try:
        if verdict.runtime_asked is None and await rows(_may_have_session, run_id):
            answer = await questions.ask(session, unanswered=await rows(unanswered_start, run_id))
            if answer.asked == SessionState.SUSPENDED and verdict.code in _DEADLINES:
                return await rows(_suspend, run_id, answer, epoch, still)
            verdict, batch = await _preferred(run_id, verdict, batch, answer, session, epoch)
        await rows(end_run, run_id, verdict, epoch=epoch, batch=batch, still=_unless_over(verdict, still))
    except NoLongerDue:
        return Outcome.NOT_DUE
    except (RunEnded, Fenced) as lost:
        log.info("run %s: somebody else wrote the ending: %s", run_id, lost)
        return Outcome.LOST
    return Outcome.ENDED


def _may_have_session(run_id: UUID) -> bool:
    """True if a session may exist at the runtime: a start was sent, or an agent may have opened one."""
    found = Run.objects.filter(id=run_id).values_list("session_opener", "status", "session__start_sent_at").get()
    opener, status, start_sent_at = found
    return start_sent_at is not None or (opener == "agent" and status != RunStatus.QUEUED)


def _unless_over(verdict: Verdict, still: Still | None) -> Still | None:
    """A session that is over ends its run whatever the clocks say by now."""
    return None if verdict.decided_by is DecidedBy.RUNTIME else still


async def _preferred(
    run_id: UUID,
    verdict: Verdict,
    batch: Sequence[Observation | Draft],
    answer: Answer,
    session: Session,
    epoch: int | None,
) -> tuple[Verdict, Sequence[Observation | Draft]]:
    """What ends the run after the runtime has answered, and what is recorded with it."""
    if answer.asked == SESSION_NOT_FOUND:
        return await rows(_without_session, run_id, verdict), batch
    if (over := verdict_of(answer.asked)) is not None and answer.snapshot is not None:
        missing = await _rest(run_id, session, answer, epoch)
        return msgspec.structs.replace(over, missing=missing), [*batch, answer.snapshot]
    errors = (*verdict.cleanup_errors, answer.fault) if answer.fault else verdict.cleanup_errors
    return msgspec.structs.replace(verdict, runtime_asked=answer.asked, cleanup_errors=errors), batch


async def _rest(run_id: UUID, session: Session, answer: Answer, epoch: int | None) -> dict[str, object] | None:
    seen = answer.session
    expected = None if seen is None or seen.message_count is None else seen.message_count + 1
    run = await rows(Run.objects.select_related("session").defer("request").get, id=run_id)
    return await record_rest(run_id, session, cursor=run.session.cursor, expected=expected, epoch=epoch)


def _without_session(run_id: UUID, verdict: Verdict) -> Verdict:
    """The runtime does not know the session: lost, or resolved if a Commitment was accepted, or never there."""
    asked = SESSION_NOT_FOUND
    run = Run.objects.select_related("session").defer("request").get(id=run_id)
    was_there = run.session.start_acked_at is not None
    if verdict.code in _BEFORE_A_SESSION or not was_there:
        return msgspec.structs.replace(verdict, runtime_asked=asked)
    return lost_session(run_id, decided_by=verdict.decided_by, also=verdict.message)


def lost_session(run_id: UUID, *, decided_by: DecidedBy, also: str | None = None) -> Verdict:
    """The verdict on a run whose runtime does not know its session any more; `also` is what else was wrong."""
    commitment = accepted_commitment(run_id)
    if commitment is not None:
        return Verdict(
            code=EndingCode.RESOLVED,
            decided_by=DecidedBy.OBSERVER,
            runtime_asked=SESSION_NOT_FOUND,
            commitment_seq=commitment,
        )
    return Verdict(
        code=EndingCode.SESSION_LOST,
        decided_by=decided_by,
        message="the runtime no longer knows the session",
        runtime_code="NOT_FOUND",
        runtime_asked=SESSION_NOT_FOUND,
        cleanup_errors=(also,) if also else (),
    )


def _suspend(run_id: UUID, answer: Answer, epoch: int | None, still: Still | None) -> Outcome:
    """The run is suspended like its session, its clocks set anew: a deadline that stood still has not passed.

    One that is suspended already is asked about again later, and so is one that is not bound yet: its owner binds it.
    """
    assert answer.snapshot is not None
    with writing(run_id, epoch=epoch, step="suspend") as writer:
        if still is not None and not still(writer):
            raise NoLongerDue
        status = RunStatus(writer.run.status)
        if status in _ASKED_AGAIN:
            clock, grace_ms = _ASKED_AGAIN[status], settings.RUN_HARD_GRACE_MS
            writer.change_run(**deadlines.asked_again(writer.clock(), clock=clock, grace_ms=grace_ms))
        else:
            writer.append([answer.snapshot])
            walk(writer, RunStatus.SUSPENDED)
    return Outcome.SUSPENDED
