"""Task mode: one task is requested, accepted, worked on and completed."""

from runs.domain.events import JsonObject, SessionState
from runs.runtimes.scripted.scenarios.script import Cast, Line, WrittenScript, in_base64

TASK = "task-1"


def task(cast: Cast) -> WrittenScript:
    """The first of the others does the work in three updates; the initiator commits `task.completed`."""
    worker = cast.others[0]
    lines = [
        Line(cast.initiator, "TaskRequest", _request(cast, worker)),
        Line(worker, "TaskAccept", {"taskId": TASK, "assignee": worker, "reason": "there is capacity"}),
        cast.calls_a_model(worker, 380, 120),
        _updates(worker, 0.25, "sources collected"),
        cast.progresses(worker, 40, "drafting"),
        _updates(worker, 0.6, "draft written"),
        cast.calls_a_model(worker, 900, 310),
        _updates(worker, 0.9, "draft reviewed"),
        cast.signals(worker, "result.ready", {"severity": "low", "taskId": TASK}, confidence=0.9),
        Line(worker, "TaskComplete", _result(worker)),
        cast.commits("task.completed", "the result meets the request", positive=True),
    ]
    return WrittenScript(lines, SessionState.RESOLVED)


def _request(cast: Cast, worker: str) -> JsonObject:
    instructions = cast.plan.intent or "summarise the findings of the last week"
    return {"taskId": TASK, "title": "Weekly summary", "instructions": instructions, "requestedAssignee": worker}


def _updates(worker: str, progress: float, message: str) -> Line:
    content: JsonObject = {"taskId": TASK, "status": "in_progress", "progress": progress, "message": message}
    return Line(worker, "TaskUpdate", content)


def _result(worker: str) -> JsonObject:
    output = in_base64({"pages": 2, "sources": 7})
    return {"taskId": TASK, "assignee": worker, "output": output, "summary": "two pages from seven sources"}
