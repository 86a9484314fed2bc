"""The closed list of ending codes, and the certificate every ending carries. Rules: docs/events.md, endings."""

from enum import StrEnum

import msgspec

from runs.domain.events import Draft, EventType, JsonObject, SessionState
from runs.domain.lifecycle import RunStatus


class EndingCode(StrEnum):
    """Why a run ended; the comment names the status it ends in."""

    RESOLVED = "resolved"  # completed
    SESSION_CANCELLED = "session_cancelled"  # cancelled
    CANCELLED = "cancelled"  # cancelled
    SESSION_EXPIRED = "session_expired"  # failed, as all below
    SESSION_LOST = "session_lost"
    RUNTIME_REJECTED = "runtime_rejected"
    RUNTIME_UNREACHABLE = "runtime_unreachable"
    MODE_NOT_SUPPORTED = "mode_not_supported"
    KICKOFF_FAILED = "kickoff_failed"
    NEVER_STARTED = "never_started"
    PROGRESS_TIMEOUT = "progress_timeout"
    RUN_TIMEOUT = "run_timeout"
    RECOVERY_EXHAUSTED = "recovery_exhausted"
    PROCESS_FAILED = "process_failed"
    PROCESS_KILLED = "process_killed"
    AGENT_ERROR = "agent_error"
    INTERNAL_ERROR = "internal_error"


class DecidedBy(StrEnum):
    """Who decided that a run has ended."""

    RUNTIME = "runtime"
    OBSERVER = "observer"
    SWEEPER = "sweeper"
    API = "api"
    OPERATOR = "operator"


_STATUS = {
    EndingCode.RESOLVED: RunStatus.COMPLETED,
    EndingCode.SESSION_CANCELLED: RunStatus.CANCELLED,
    EndingCode.CANCELLED: RunStatus.CANCELLED,
}

_EVENT = {
    RunStatus.COMPLETED: EventType.RUN_COMPLETED,
    RunStatus.CANCELLED: EventType.RUN_CANCELLED,
    RunStatus.FAILED: EventType.RUN_FAILED,
}

_BY_SESSION_STATE = {
    SessionState.RESOLVED: EndingCode.RESOLVED,
    SessionState.CANCELLED: EndingCode.SESSION_CANCELLED,
    SessionState.EXPIRED: EndingCode.SESSION_EXPIRED,
}


_CODES = frozenset(code.value for code in EndingCode)


def known_code(stored: object) -> str:
    """A stored code as it may be shown: one of the closed list; anything else is an error of ours (L22)."""
    return stored if isinstance(stored, str) and stored in _CODES else EndingCode.INTERNAL_ERROR.value


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided: the code, by whom, and for a failure its primary cause in words."""

    code: EndingCode
    decided_by: DecidedBy = DecidedBy.OBSERVER
    message: str | None = None
    runtime_code: str | None = None
    runtime_asked: str | None = None  # the answer of the runtime that was asked, `not_ours` or `no_answer`
    commitment_seq: int | None = None  # the accepted Commitment that stands in for a session that is gone
    cleanup_errors: tuple[str, ...] = ()
    missing: JsonObject | None = None  # {afterOrdinal, reason}: what the runtime could not replay

    @property
    def status(self) -> RunStatus:
        """The terminal status this verdict ends a run in."""
        return _STATUS.get(self.code, RunStatus.FAILED)


def verdict_of(state: str | None) -> Verdict | None:
    """What a terminal session state decides; None for every other state."""
    code = _BY_SESSION_STATE.get(SessionState(state)) if state in _TERMINAL_NAMES else None
    if code is None:
        return None
    message = "the session expired before it was resolved" if code == EndingCode.SESSION_EXPIRED else None
    return Verdict(code=code, decided_by=DecidedBy.RUNTIME, message=message, runtime_asked=state)


_TERMINAL_NAMES = frozenset(state.value for state in _BY_SESSION_STATE)

NO_ANSWER = "no_answer"
SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
NOT_OURS = "not_ours"  # somebody else has opened the session of this id: how it stands says nothing of the run


def shows_session_over(asked: str | None) -> bool:
    """True if what the runtime answered leaves nothing to cancel: the session is over, gone, or somebody else's."""
    return asked in (SESSION_NOT_FOUND, NOT_OURS) or asked in _TERMINAL_NAMES


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What was known when the run ended; times are ISO-8601."""

    last_seq: int
    runtime_cursor: int
    session_state: str | None
    lease_epoch: int
    observer: str | None
    admission_at: str | None
    progress_at: str | None
    hard_at: str | None
    missing: JsonObject | None = None


def certificate(verdict: Verdict, evidence: Evidence) -> JsonObject:
    """The certificate in `data.ending` and on the run: `{status, code, decidedBy, evidence, error}`."""
    proof: JsonObject = {
        "lastSeq": evidence.last_seq,
        "runtimeCursor": evidence.runtime_cursor,
        "sessionState": evidence.session_state,
        "leaseEpoch": evidence.lease_epoch,
        "observer": evidence.observer,
        "runtimeAsked": verdict.runtime_asked,
        "missing": evidence.missing,
        "deadlines": {
            "admissionAt": evidence.admission_at,
            "progressAt": evidence.progress_at,
            "hardAt": evidence.hard_at,
        },
    }
    if verdict.commitment_seq is not None:
        proof["commitmentSeq"] = verdict.commitment_seq
    ending: JsonObject = {
        "status": verdict.status.value,
        "code": verdict.code.value,
        "decidedBy": verdict.decided_by.value,
        "evidence": proof,
        "error": None,
    }
    if verdict.status is RunStatus.FAILED or verdict.cleanup_errors:
        ending["error"] = {
            "message": verdict.message,
            "runtimeCode": verdict.runtime_code,
            "cleanupErrors": list(verdict.cleanup_errors),
        }
    return ending


def ending_draft(
    verdict: Verdict,
    ending: JsonObject,
    *,
    run_id: str,
    session_id: str | None,
    ended_at: str,
    trace_id: str | None = None,
) -> Draft:
    """The one terminal event of a run, without its number."""
    data: JsonObject = {
        "status": verdict.status.value,
        "runStatus": verdict.status.value,
        "endedAt": ended_at,
        "ending": ending,
    }
    if session_id:
        data["runtimeSessionId"] = session_id
    if trace_id:
        data["traceId"] = trace_id
    if verdict.status is RunStatus.FAILED:
        data["error"] = verdict.message or verdict.code.value
    return Draft(
        type=_EVENT[verdict.status],
        data=data,
        source_name=_SOURCE_NAMES[verdict.decided_by],
        subject_kind="run",
        subject_id=run_id,
    )


# Endings are ours to write even where the runtime decided: `source` says who wrote, the certificate who decided.
_SOURCE_NAMES = {
    DecidedBy.RUNTIME: "observer",
    DecidedBy.OBSERVER: "observer",
    DecidedBy.SWEEPER: "sweeper",
    DecidedBy.API: "api",
    DecidedBy.OPERATOR: "operator",
}
