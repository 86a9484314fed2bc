"""How our subscription stands, and what a runtime says a session is."""

from runs.domain.events import (
    TERMINAL_SESSION_STATES,
    Draft,
    EventType,
    JsonObject,
    ObservationKind,
    SessionSnapshot,
    SessionState,
    StreamStatus,
)
from runs.domain.lifecycle import RunStatus
from runs.domain.normaliser.context import Context
from runs.domain.normaliser.members import present
from runs.domain.normaliser.origin import Origin, origin_of
from runs.domain.text import clean

PRODUCED = frozenset(
    {
        EventType.SESSION_STREAM_OPENED,
        EventType.SESSION_STATE_CHANGED,
        EventType.RUN_SUSPENDED,
        EventType.RUN_RESUMED,
    }
)

_OPENING = frozenset({"opened", "reconnecting", "recovered"})


def stream_status_drafts(status: StreamStatus, context: Context, raw_seq: int) -> list[Draft]:
    """`session.stream.opened`; nothing where the stream was closed."""
    if status.status not in _OPENING:
        return []
    detail = context.redactor.redact_text(clean(status.detail)) or None
    data = present((("status", status.status), ("detail", detail)))
    origin = origin_of(context, ObservationKind.STREAM_STATUS.value, raw_seq)
    return [origin.draft(EventType.SESSION_STREAM_OPENED, "session", context.session_id, data)]


def snapshot_drafts(snapshot: SessionSnapshot, kind: ObservationKind, context: Context, raw_seq: int) -> list[Draft]:
    """`session.state.changed` where the state differs from the last known one, and what it means for the run.

    A terminal state stays: whatever a slow watch says later is stale. The ending that follows from one is not ours.
    """
    state = snapshot.state
    if state == context.session_state or state == SessionState.UNSPECIFIED:
        return []
    if context.session_state in TERMINAL_SESSION_STATES:
        return []
    lifecycle = kind == ObservationKind.LIFECYCLE
    raw_type = ObservationKind.LIFECYCLE if lifecycle else ObservationKind.SNAPSHOT
    origin = origin_of(context, raw_type.value, raw_seq)
    session_id = clean(snapshot.session_id) or context.session_id
    changed = origin.draft(
        EventType.SESSION_STATE_CHANGED, "session", session_id, _state_data(snapshot, session_id, context)
    )
    return [changed, *_run_drafts(state, session_id, context, origin)]


def _state_data(snapshot: SessionSnapshot, session_id: str, context: Context) -> JsonObject:
    def shown(text: str) -> str:  # a caller's words, as the runtime repeats them
        return context.redactor.redact_text(clean(text))

    return {
        "sessionId": session_id,
        "state": str(snapshot.state),
        "modeName": clean(snapshot.mode_name),
        "modeVersion": shown(snapshot.mode_version),
        "configurationVersion": shown(snapshot.configuration_version),
        "policyVersion": shown(snapshot.policy_version),
        **present(
            (
                ("startedAtUnixMs", snapshot.started_at_unix_ms or None),
                ("expiresAtUnixMs", snapshot.expires_at_unix_ms or None),
            )
        ),
    }


def _run_drafts(state: SessionState, session_id: str, context: Context, origin: Origin) -> list[Draft]:
    if state == SessionState.SUSPENDED and context.status == RunStatus.RUNNING:
        return [_run_draft(EventType.RUN_SUSPENDED, RunStatus.SUSPENDED, session_id, context, origin)]
    if state == SessionState.OPEN and context.status == RunStatus.SUSPENDED:
        return [_run_draft(EventType.RUN_RESUMED, RunStatus.RUNNING, session_id, context, origin)]
    return []


def _run_draft(event_type: EventType, status: RunStatus, session_id: str, context: Context, origin: Origin) -> Draft:
    data: JsonObject = {"status": status.value, "runStatus": status.value, "runtimeSessionId": session_id}
    if reason := context.reasons.get(status):
        data["reason"] = context.redactor.redact_text(clean(reason))
    if context.trace_id:
        data["traceId"] = context.trace_id
    return origin.draft(event_type, "run", context.run_id, data)
