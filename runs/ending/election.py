"""The election: every path on which a run can end comes through `end_run`.

It is the run's row lock together with `ending_seq`: whoever comes second gets RunEnded and writes nothing. A database error
raises; it never reads as "lost".
"""

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
import orjson

from runs.domain.documents import iso
from runs.domain.endings import Evidence, Verdict, certificate, ending_draft
from runs.domain.events import Draft, EventType, JsonObject, Observation
from runs.domain.lifecycle import RunStatus
from runs.domain.outbound import outbound_data
from runs.domain.redaction import Redactor
from runs.domain.text import clean, shortened
from runs.ending.cleanup import owed_cleanup
from runs.ending.walk import walk
from runs.ending.wish import as_wanted, fulfils_wish
from runs.errors import NoLongerDue, RunEnded
from runs.models import OutboundMessage
from runs.recorder import Recorded, RunWriter, writing
from runs.recorder.messages import facts_of
from runs.recorder.wish_refused import note_open_refused

log = logging.getLogger("signalbox.ending")

# Asked under the lock, right before the ending is written: does what decided it still hold?
Still = Callable[[RunWriter], bool]


def end_run(
    run_id: UUID,
    verdict: Verdict,
    *,
    epoch: int | None,
    batch: Sequence[Observation | Draft] = (),
    still: Still | None = None,
) -> Recorded:
    """`batch` is recorded and the run has ended as `verdict` says, in one transaction.

    Raises RunEnded when somebody else ended the run first, Fenced when `epoch` no longer owns it, NoLongerDue when `still`
    says so: nothing is written then.
    """
    with writing(run_id, epoch=epoch, step="ending") as writer:
        if still is not None and not still(writer):
            raise NoLongerDue
        writer.append(batch)
        _end(writer, verdict)
    log.info("run %s ended: %s (%s)", run_id, writer.run.status, verdict.code)
    return writer.recorded()


def _end(writer: RunWriter, verdict: Verdict) -> None:
    verdict = _shown(as_wanted(writer.run, verdict), writer.context.redactor)
    if not fulfils_wish(writer.run, verdict):
        note_open_refused(writer.run, RunEnded.code)
    walk(writer, verdict.status)
    _fail_unsettled(writer)
    ending = certificate(verdict, _evidence(writer, verdict))
    draft = ending_draft(
        verdict,
        ending,
        run_id=str(writer.run.id),
        session_id=writer.run.session_id,
        ended_at=iso(writer.clock()),
        trace_id=writer.run.trace_id,
    )
    failed = verdict.status is RunStatus.FAILED
    writer.append_ending(
        draft,
        ending=orjson.dumps(ending, option=orjson.OPT_SORT_KEYS).decode(),
        error_code=verdict.code.value if failed else None,
        error_message=verdict.message if failed else None,
        **owed_cleanup(writer, verdict),
    )


def _shown(verdict: Verdict, redactor: Redactor) -> Verdict:
    """The words of a runtime as a row can keep and an event may show them."""

    def shown(text: str | None) -> str | None:
        return None if text is None else _words(text, redactor)

    return msgspec.structs.replace(
        verdict,
        message=shown(verdict.message),
        runtime_code=shown(verdict.runtime_code),
        runtime_asked=shown(verdict.runtime_asked),
        cleanup_errors=tuple(_words(error, redactor) for error in verdict.cleanup_errors),
    )


def _words(text: str, redactor: Redactor) -> str:
    return shortened(redactor.redact_text(clean(text)), LONGEST_WORDS)


# In bytes. Of what a runtime says in a refusal: enough to read, too little to flood a log (T16).
LONGEST_WORDS = 2_000


def _fail_unsettled(writer: RunWriter) -> None:
    """Messages still queued or sent are failed, and replies still owed are unanswered, just before the ending."""
    writer.settle()  # what is recorded with the ending may have decided some of them
    unsettled = OutboundMessage.objects.filter(run_id=writer.run.id, status__in=["queued", "sent"]).order_by("position")
    drafts = []
    for message in unsettled:
        facts = facts_of(message, writer.run.session_id or "")
        data = outbound_data(facts, status="failed", previous=message.status)
        data |= {"error": "the run ended before the message was settled", "errorCode": "run_ended"}
        drafts.append(_about_message(EventType.MESSAGE_SEND_FAILED, message, data))
    owed = OutboundMessage.objects.filter(run_id=writer.run.id, reply_status="pending").order_by("position")
    for message in owed:
        data = {"messageId": str(message.message_id), "replyTimeoutMs": message.reply_timeout_ms, "reason": "run_ended"}
        drafts.append(_about_message(EventType.MESSAGE_UNANSWERED, message, data))
    owed.update(reply_status="unanswered")
    writer.append(drafts)


def _about_message(kind: EventType, message: OutboundMessage, data: JsonObject) -> Draft:
    subject = "signal" if message.category == "signal" else "message"
    return Draft(type=kind, data=data, subject_kind=subject, subject_id=str(message.message_id))


def _evidence(writer: RunWriter, verdict: Verdict) -> Evidence:
    run = writer.run
    return Evidence(
        last_seq=run.last_seq,
        runtime_cursor=writer.session.cursor,
        session_state=writer.context.session_state,
        lease_epoch=run.lease_epoch,
        observer=str(run.observer_id) if run.observer_id else None,
        admission_at=iso(run.admission_deadline) if run.admission_deadline else None,
        progress_at=iso(run.progress_deadline) if run.progress_deadline else None,
        hard_at=iso(run.hard_deadline) if run.hard_deadline else None,
        missing=verdict.missing,
    )
