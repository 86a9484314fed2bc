"""Walking: a session found further on than its run is caught up with, status by status; none is skipped."""

import msgspec

from runs.domain.documents import iso
from runs.domain.events import Draft, EventType, JsonObject, SessionState
from runs.domain.lifecycle import TERMINAL, RunStatus, path_between
from runs.recorder import RunWriter


def walk(writer: RunWriter, status: RunStatus, *, source: str = "observer") -> None:
    """The run has passed every status on its way to `status`, and is there unless that is an ending."""
    for stop in path_between(RunStatus(writer.run.status), status) or []:
        if stop not in TERMINAL:
            writer.append([msgspec.structs.replace(_arrival(writer, stop), source_name=source)])


def _arrival(writer: RunWriter, status: RunStatus) -> Draft:
    run = writer.run
    data: JsonObject = {"runStatus": status.value, "modeName": run.mode_name}
    match status:
        case RunStatus.STARTING:
            data |= {"status": status.value, "runtimeKind": run.runtime_kind, "startedAt": iso(writer.clock())}
            return _about_run(run_id=str(run.id), kind=EventType.RUN_STARTED, data=data, trace_id=run.trace_id)
        case RunStatus.SUSPENDED:
            data = {"status": status.value, "runStatus": status.value, "runtimeSessionId": run.session_id}
            return _about_run(run_id=str(run.id), kind=EventType.RUN_SUSPENDED, data=data, trace_id=run.trace_id)
        case RunStatus.BINDING_SESSION:
            kind = EventType.SESSION_BOUND
        case _:
            kind, data = EventType.SESSION_STATE_CHANGED, {**data, "state": _known_state(writer)}
    data["sessionId"] = run.session_id
    return Draft(type=kind, data=data, subject_kind="session", subject_id=run.session_id)


def _known_state(writer: RunWriter) -> str:
    """The session's last known state, or open: a run that is running has a session. One that is over is not open again."""
    return writer.context.session_state or SessionState.OPEN.value


def _about_run(*, run_id: str, kind: EventType, data: JsonObject, trace_id: str | None) -> Draft:
    if trace_id:
        data["traceId"] = trace_id
    return Draft(type=kind, data=data, subject_kind="run", subject_id=run_id)
