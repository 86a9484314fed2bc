"""The one place that writes endings: every path on which a run can end comes through `end_run`.

The election is the run's row lock together with `ending_seq`: whoever comes second gets RunEnded and writes nothing.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

import msgspec
import orjson

from runs.domain.documents import iso
from runs.domain.endings import DecidedBy, EndingCode, Evidence, Verdict, certificate, ending_draft
from runs.domain.events import Draft, EventType, JsonObject, Observation, SessionState
from runs.domain.lifecycle import TERMINAL, RunStatus, path_between
from runs.domain.outbound import outbound_data
from runs.domain.redaction import Redactor
from runs.domain.text import clean
from runs.domain.wishes import WishKind
from runs.models import OutboundMessage, Run
from runs.recorder import Recorded, RunWriter, writing
from runs.recorder.messages import facts_of

log = logging.getLogger("signalbox.ending")


def end_run(
    run_id: UUID, verdict: Verdict, *, epoch: int | None, batch: Sequence[Observation | Draft] = ()
) -> Recorded:
    """`batch` is recorded and the run has ended as `verdict` says, in one transaction.

    Raises RunEnded when somebody else ended the run first, Fenced when `epoch` no longer owns it: nothing is written then.
    """
    with writing(run_id, epoch=epoch, step="ending") as writer:
        writer.append(batch)
        _end(writer, verdict)
    log.info("run %s ended: %s (%s)", run_id, verdict.status, verdict.code)
    return writer.recorded()


def _end(writer: RunWriter, verdict: Verdict) -> None:
    verdict = _shown(_as_wanted(writer.run, verdict), writer.context.redactor)
    _walk_to(writer, verdict.status)
    _fail_unsettled(writer)
    run, ending = writer.run, certificate(verdict, _evidence(writer, verdict))
    failed = verdict.status is RunStatus.FAILED
    writer.append_ending(
        ending_draft(verdict, ending, run_id=str(run.id), session_id=run.session_id, ended_at=iso(writer.clock())),
        ending=orjson.dumps(ending, option=orjson.OPT_SORT_KEYS).decode(),
        error_code=verdict.code.value if failed else None,
        error_message=verdict.message if failed else None,
    )


def _as_wanted(run: Run, verdict: Verdict) -> Verdict:
    """Once a cancel is committed, whoever writes the ending writes `cancelled`; only a session that was over decides more."""
    if run.wanted != WishKind.CANCEL or _was_over(verdict):
        return verdict
    return Verdict(
        code=EndingCode.CANCELLED,
        decided_by=DecidedBy(run.wanted_through or DecidedBy.API),
        runtime_asked=verdict.runtime_asked,
        cleanup_errors=verdict.cleanup_errors,
        missing=verdict.missing,
    )


def _was_over(verdict: Verdict) -> bool:
    """True if the session was resolved or had expired; an accepted Commitment stands in for one that is gone."""
    if verdict.decided_by is DecidedBy.RUNTIME:
        return verdict.code in (EndingCode.RESOLVED, EndingCode.SESSION_EXPIRED)
    return verdict.commitment_seq is not None


def _shown(verdict: Verdict, redactor: Redactor) -> Verdict:
    """The words of a runtime as a row can keep and an event may show them."""

    def shown(text: str | None) -> str | None:
        return None if text is None else redactor.redact_text(clean(text))

    return msgspec.structs.replace(
        verdict,
        message=shown(verdict.message),
        runtime_code=shown(verdict.runtime_code),
        cleanup_errors=tuple(redactor.redact_text(clean(error)) for error in verdict.cleanup_errors),
    )


def _walk_to(writer: RunWriter, status: RunStatus) -> None:
    """A session found further on than its run is walked there: no status is skipped on the way to `status`."""
    path = path_between(RunStatus(writer.run.status), status)
    for stop in path or []:
        if stop not in TERMINAL:
            writer.append([_arrival(writer, stop)])


def _arrival(writer: RunWriter, status: RunStatus) -> Draft:
    run = writer.run
    data: JsonObject = {"sessionId": run.session_id, "runStatus": status.value, "modeName": run.mode_name}
    if status is RunStatus.STARTING:
        started = {"status": status.value, "runtimeKind": run.runtime_kind, "startedAt": iso(writer.clock())}
        kind, data = EventType.RUN_STARTED, {**data, **started}
    elif status is RunStatus.BINDING_SESSION:
        kind = EventType.SESSION_BOUND
    else:
        kind, data = EventType.SESSION_STATE_CHANGED, {**data, "state": SessionState.OPEN.value}
    subject = ("run", str(run.id)) if kind is EventType.RUN_STARTED else ("session", run.session_id)
    return Draft(type=kind, data=data, subject_kind=subject[0], subject_id=subject[1])


def _fail_unsettled(writer: RunWriter) -> None:
    """Messages still queued or sent are failed, and replies still owed are unanswered, just before the ending."""
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
