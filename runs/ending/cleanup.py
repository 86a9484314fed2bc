"""Clean-up: what is left to do at the runtime once an ending of our own has committed. It never touches the event.

A session that may still be open is cancelled, if it is ours: where nobody has answered our SessionStart, somebody else's may
stand under the id, and one of which nobody can say whose it is stays. That is a durable task of the run: due at once, done by
any sweep, 15 s a try, five tries; how it went is shown beside the ending. That the session is not there settles it, unless
our SessionStart may still be under way: then it is looked for again.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from runs.bridge import rows
from runs.crashpoint import autocommitting, committing
from runs.domain.endings import SESSION_NOT_FOUND, DecidedBy, Verdict, shows_session_over
from runs.domain.events import SessionSnapshot
from runs.domain.requests import decode_request
from runs.domain.text import clean
from runs.ending.opening import is_opened_by, unanswered_start
from runs.ending.rest import batches
from runs.errors import RuntimeFault, RuntimeUnsupported, SessionNotFound
from runs.models import Run, RuntimeSession
from runs.recorder import RunWriter, quarantine
from runs.recorder.context import redactor
from runs.runtimes.port import Session

log = logging.getLogger("signalbox.ending")

TRY_SECONDS = 15
TRIES = 5
AT_ONCE = 64
LATE_MOST = 10_000
LONGEST_ERROR = 500

THEIRS = "the session of this id was opened by somebody else: it is left alone"
NOT_THERE = "the session is not there"
WHOSE = "the session is left alone, nobody knows whose it is"

# The claim is a lease of one try: whoever dies with it leaves the clean-up to a later sweep. Waits: 30 s, 60 s, 90 s ...
# What is due is read once, as an array: `IN` may read it anew for each run, past its limit, where there seem to be few.
_CLAIM = """
UPDATE runs_run SET cleanup_attempts = cleanup_attempts + 1,
       cleanup_due_at = clock_timestamp() + make_interval(secs => %(wait)s * (cleanup_attempts + 1))
 WHERE id = ANY(ARRAY(
    SELECT id FROM runs_run WHERE cleanup_status = 'pending' AND cleanup_due_at <= clock_timestamp()
     ORDER BY cleanup_due_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id, cleanup_attempts
"""


@dataclass(frozen=True, slots=True)
class DueCleanup:
    """One claimed try."""

    run_id: UUID
    attempt: int
    is_last: bool = False


def owed_cleanup(writer: RunWriter, verdict: Verdict) -> dict[str, object]:
    """The columns of an ending that may leave a session open which is ours to cancel; none otherwise.

    Also where the SessionStart was refused: an earlier attempt, whose answer was lost, may have opened it all the same.
    """
    if verdict.decided_by is DecidedBy.RUNTIME or _leaves_nothing(writer.session, verdict.runtime_asked):
        return {}
    if writer.session.start_sent_at is None and not _is_delegated(writer.run):
        return {}
    return {"cleanup_status": "pending", "cleanup_due_at": writer.clock()}


def _leaves_nothing(session: RuntimeSession, asked: str | None) -> bool:
    """True if the session is over. One that is not there may still come: nobody has answered its SessionStart."""
    is_under_way = session.start_sent_at is not None and session.start_acked_at is None
    return shows_session_over(asked) and not (asked == SESSION_NOT_FOUND and is_under_way)


def _is_delegated(run: Run) -> bool:
    if run.session_opener != "agent" or run.hard_deadline is None:
        return False
    try:
        return decode_request(run.request).session.cancellation_delegated
    except Exception:
        # A run that cannot be read must end all the same, and nobody knows that its session is ours to cancel.
        log.exception("what was asked for of run %s cannot be read", run.id)
        return False


def claim_cleanups(limit: int = AT_ONCE) -> list[DueCleanup]:
    """Up to `limit` due clean-ups, each for this caller alone until it is due again: so it must not wait for its turn."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, {"wait": TRY_SECONDS * 2, "limit": limit})
            claimed = [DueCleanup(run_id, attempt) for run_id, attempt in cursor.fetchall()]
        if claimed:
            committing("cleanup.claim")
    return claimed


async def clean_up(due: DueCleanup, session: Session) -> None:
    """The try is over: the session is cancelled or gone, or the error is kept and the next try planned."""
    if due.attempt > TRIES:
        await rows(give_up, due, "the last try was broken off")
        return
    unanswered = await rows(unanswered_start, due.run_id)
    error = await _cancelled(session, unanswered)
    if error == NOT_THERE and unanswered is not None and _is_early(due):
        log.info("run %s: its SessionStart may still be under way, it is looked for again", due.run_id)
        return
    if error == NOT_THERE:
        error = None
    elif error is None:
        await _keep_late(due.run_id, session)
    await rows(_note, due, error)


def _is_early(due: DueCleanup) -> bool:
    """True while a SessionStart that was sent before the ending may still arrive: a request is not waited for any longer."""
    waited = TRY_SECONDS * due.attempt * (due.attempt - 1)  # the waits before this try, together
    return due.attempt < TRIES and waited * 1000 < settings.RUNTIME_REQUEST_TIMEOUT_MS


def give_up(due: DueCleanup, why: str) -> None:
    """There is no further try, and `why` is shown."""
    _note(DueCleanup(due.run_id, due.attempt, is_last=True), why)


async def _cancelled(session: Session, unanswered: UUID | None) -> str | None:
    """None once the session is over, NOT_THERE where the runtime does not know it; else what went wrong.

    `unanswered` is our SessionStart where the session may not be ours.
    """
    doing = "CancelSession"
    try:
        async with asyncio.timeout(TRY_SECONDS):
            if unanswered is not None:
                doing = WHOSE
                if not await is_opened_by(unanswered, session):
                    return THEIRS
                doing = "CancelSession"
            sent = await session.cancel("the run has ended")
    except SessionNotFound:
        return NOT_THERE
    except TimeoutError:
        return f"{doing}: no answer within {TRY_SECONDS} s"
    except RuntimeUnsupported as fault:
        return f"{doing}: {fault.message} (not supported)"
    except RuntimeFault as fault:
        return f"{doing}: {fault.message}"
    except Exception as error:  # a defect of ours is no reason to try for ever
        log.exception("a session could not be cancelled")
        return f"{doing}: internal error: {type(error).__name__}"
    refusal = sent.ack.error
    return None if sent.ack.ok else f"CancelSession was refused: {refusal.message if refusal else 'no reason given'}"


async def _keep_late(run_id: UUID, session: Session) -> None:
    """What the session said between the ending and the cancelling is kept as late data, as far as it is still told."""
    cursor = await rows(_cursor_of, run_id)
    try:
        async with asyncio.timeout(TRY_SECONDS):
            enough = min(await _said(session) - cursor, LATE_MOST)
            async with contextlib.aclosing(batches(session, cursor, enough=enough)) as heard:
                async for late in heard:
                    await rows(quarantine, run_id, late)
    except (RuntimeFault, TimeoutError) as fault:  # the ending stands, and the runtime has told what it tells
        log.info("run %s: its late data could not be read to the end: %s", run_id, fault)


async def _said(session: Session) -> int:
    """How many envelopes the session holds; 0 where its runtime does not say."""
    seen = (await session.snapshot()).body
    counted = seen.message_count if isinstance(seen, SessionSnapshot) else None
    return 0 if counted is None else counted + 1


def _cursor_of(run_id: UUID) -> int:
    return Run.objects.select_related("session").only("session__cursor").get(id=run_id).session.cursor


@autocommitting("cleanup.note")
def _note(due: DueCleanup, error: str | None) -> None:
    run = Run.objects.filter(id=due.run_id, cleanup_status="pending", cleanup_attempts=due.attempt)
    if error is None:
        changed = run.update(cleanup_status="done", cleanup_due_at=None)
    else:
        shown = redactor().redact_text(clean(error))[:LONGEST_ERROR]
        log.warning("clean-up of run %s, try %s: %s", due.run_id, due.attempt, shown)
        earlier = Run.objects.filter(id=due.run_id).values_list("cleanup_errors", flat=True).first() or []
        changed = run.update(cleanup_errors=[*earlier, shown], **_status_after(due, error))
    log.debug("clean-up of run %s noted in %s rows", due.run_id, changed)


def _status_after(due: DueCleanup, error: str) -> dict[str, object]:
    if error == THEIRS:  # nothing of ours is left to do
        return {"cleanup_status": "done", "cleanup_due_at": None}
    is_last = due.is_last or due.attempt >= TRIES
    return {"cleanup_status": "failed", "cleanup_due_at": None} if is_last else {}
