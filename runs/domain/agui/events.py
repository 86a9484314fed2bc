"""AG-UI 1.0 events as JSON objects. An absent optional is left out: null would be another value."""

from datetime import datetime

from runs.domain.events import JsonObject
from runs.domain.projection.members import present

PROTOCOL_VERSION = "1.0"


def run_started(*, thread_id: str, run_id: str, asked: JsonObject) -> JsonObject:
    """The first event of a stream; `asked` is what is public of the request."""
    # Messages are what the snapshot brings; here they would be read a second time.
    said = {"threadId": thread_id, "runId": run_id, "messages": [], "forwardedProps": asked}
    return {
        "type": "RUN_STARTED",
        "threadId": thread_id,
        "runId": run_id,
        "protocolVersion": PROTOCOL_VERSION,
        "input": said,
    }


def run_finished(*, thread_id: str, run_id: str, status: str, code: str) -> JsonObject:
    """The last event of a run that did not fail; nothing is open any more."""
    event: JsonObject = {"type": "RUN_FINISHED", "threadId": thread_id, "runId": run_id}
    if status == "cancelled":
        return event | {"outcome": {"type": "cancelled"}}
    return event | {"result": {"status": status, "code": code}}


def run_error(*, message: str, code: str) -> JsonObject:
    """The last event of a run that failed; it ends whatever is open."""
    return {"type": "RUN_ERROR", "message": message, "code": code}


def messages_snapshot(messages: list[JsonObject]) -> JsonObject:
    """The conversation so far."""
    return {"type": "MESSAGES_SNAPSHOT", "messages": messages}


def subagent_started(subagent: str, name: str, role: str | None = None) -> JsonObject:
    """A participant is there."""
    return present(type="SUBAGENT_STARTED", subagentRunId=subagent, name=name, description=role)


def subagent_finished(subagent: str) -> JsonObject:
    """A participant says nothing more."""
    return {"type": "SUBAGENT_FINISHED", "subagentRunId": subagent}


def step_started(name: str, subagent: str | None = None) -> JsonObject:
    """A phase of the run, or a step of one participant, has begun."""
    return present(type="STEP_STARTED", stepName=name, subagentRunId=subagent)


def step_finished(name: str, subagent: str | None = None) -> JsonObject:
    """It is over."""
    return present(type="STEP_FINISHED", stepName=name, subagentRunId=subagent)


def custom(document: JsonObject, subagent: str | None = None) -> JsonObject:
    """An event of the log as it is, for whoever knows Signalbox."""
    return present(type="CUSTOM", name=f"signalbox.{document['type']}", value=document, subagentRunId=subagent)


def unix_ms(ts: str) -> int:
    """The time of an event of the log, as AG-UI has it."""
    return round(datetime.fromisoformat(ts).timestamp() * 1000)
