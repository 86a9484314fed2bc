"""How far participants have got: always a percentage from 0 to 100, whichever message it came from."""

import math

from runs.domain.events import Draft, EventType, JsonObject
from runs.domain.normaliser import members
from runs.domain.normaliser.context import Context
from runs.domain.normaliser.message import Message

PRODUCED = frozenset({EventType.PROGRESS_REPORTED})

_PROGRESS = members.named("progress")
_TOTAL = members.named("total")
_MESSAGE = members.named("message")
_PROGRESS_TOKEN = members.named("progressToken")
_TARGET_MESSAGE_ID = members.named("targetMessageId")
_TASK_ID = members.named("taskId")
_STATUS = members.named("status")
_SUMMARY = members.named("summary")
_REASON = members.named("reason")


def percentage(progress: object, total: object = None) -> float | None:
    """0..100, or None where `progress` is no number: of `total` if that is positive, else a fraction up to 1 or a
    percentage above it."""
    value, whole = _number(progress), _number(total)
    if value is None:
        return None
    if whole is not None and whole > 0:
        return _clamped(100 * value / whole)
    return _clamped(100 * value if value <= 1 else value)


def progress_detail(message: Message) -> JsonObject:
    """What a Progress message reports."""
    payload = message.members
    return members.present(
        (
            ("participantId", message.sender),
            ("percentage", _reported(message)),
            ("message", members.text(payload, _MESSAGE)),
            ("progressToken", members.identifier(payload, _PROGRESS_TOKEN)),
            ("total", members.number(payload, _TOTAL)),
            ("targetMessageId", members.identifier(payload, _TARGET_MESSAGE_ID)),
        )
    )


def task_progress(message: Message, context: Context) -> Draft | None:
    """`progress.reported` for what a TaskUpdate, TaskComplete or TaskFail says of its task, else None."""
    read = _TASK_REPORTS.get(message.type)
    report = read(message) if read is not None else None
    if report is None:
        return None
    task_id = members.identifier(message.members, _TASK_ID)
    data = {**message.extra(), "participantId": message.sender, **members.present((("taskId", task_id),)), **report}
    return message.draft(EventType.PROGRESS_REPORTED, "message", None, data)


def _updated(message: Message) -> JsonObject | None:
    payload = message.members
    if members.found(payload, _PROGRESS) is None:
        return None
    said = members.text(payload, _MESSAGE) or members.text(payload, _STATUS)
    return members.present((("percentage", _reported(message)), ("message", said)))


def _completed(message: Message) -> JsonObject:
    return {"percentage": 100.0, "message": members.text(message.members, _SUMMARY) or "completed"}


def _failed(message: Message) -> JsonObject:
    return {"message": members.text(message.members, _REASON) or "failed"}


_TASK_REPORTS = {"TaskUpdate": _updated, "TaskComplete": _completed, "TaskFail": _failed}


def _reported(message: Message) -> float | None:
    return percentage(members.found(message.members, _PROGRESS), members.found(message.members, _TOTAL))


def _clamped(scaled: float) -> float:
    return min(max(scaled, 0.0), 100.0)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
