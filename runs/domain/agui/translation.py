"""The log of a run as AG-UI events: how a stream begins, what each event becomes, and how it ends.

    opening   RUN_STARTED, MESSAGES_SNAPSHOT, STATE_SNAPSHOT, then what is open at that moment
    translate one event of the log -> one or more AG-UI events
    ending    whatever is open is closed, then RUN_FINISHED; or RUN_ERROR

Pure: what a stream has opened is all that is remembered (`Opened`).
"""

from collections.abc import Iterable, Mapping

from runs.domain.agui import events
from runs.domain.agui.message import data_of, message_of, speaker_of, streamed
from runs.domain.agui.opened import Opened
from runs.domain.events import ENDING_TYPES, EventType, JsonObject, moved_status
from runs.domain.lifecycle import TERMINAL
from runs.domain.projection.members import number, text

LONGEST_STEP = 200
DONE = 100


def opened_at(run_id: str, state: Mapping[str, object]) -> Opened:
    """What is open where a run is in this (projected) state; a run that has ended is at nothing any more."""
    opened = Opened(run_id)
    for participant in _objects(state.get("participants")):
        if name := text(participant.get("participantId")):
            opened.enter(name)
    run = state.get("run")
    status = text(run.get("status")) if isinstance(run, dict) else None
    if status in TERMINAL:
        return opened
    opened.phase = status
    progress = state.get("progress")
    for entry in _objects(progress.get("entries") if isinstance(progress, dict) else None):
        if name := text(entry.get("participantId")):
            opened.enter(name)  # the state forgets participants, where there are very many
        _report(entry, opened)
    return opened


def announcements(opened: Opened, state: Mapping[str, object]) -> list[JsonObject]:
    """The events that open what is open, for a reader who was told nothing yet."""
    roles = {one.get("participantId"): text(one.get("role")) for one in _objects(state.get("participants"))}
    found = [events.subagent_started(opened.subagent(name), name, roles.get(name)) for name in opened.participants]
    if opened.phase:
        found.append(events.step_started(opened.phase))
    found += [events.step_started(step, opened.subagent(name)) for name, step in opened.steps.items()]
    return found


def translate(document: JsonObject, opened: Opened) -> list[JsonObject]:
    """What an event of the log is in AG-UI, at least one event; what is open then is in `opened`."""
    speaker = speaker_of(document)
    found = _announced(document, speaker, opened)
    is_told = document["type"] == EventType.PARTICIPANT_SEEN and bool(found)
    found += _steps(document, opened)
    if (message := message_of(document, opened)) is not None:
        is_told = True
        found += streamed(message)
    if not is_told:
        found.append(events.custom(document, speaker and opened.subagent(speaker)))
    timestamp = events.unix_ms(str(document["ts"]))
    return [event | {"timestamp": timestamp} for event in found]


def ending(end: Mapping[str, object], opened: Opened, *, thread_id: str) -> list[JsonObject]:
    """How a stream ends: `end` has the status, the code and, of a run that failed, the error."""
    status, code = str(end["status"]), str(end["code"])
    if status == "failed":
        return [events.run_error(message=text(end.get("error")) or code, code=code)]
    return [
        *_closed(opened),
        events.run_finished(thread_id=thread_id, run_id=opened.run_id, status=status, code=code),
    ]


def _closed(opened: Opened) -> Iterable[JsonObject]:
    for participant, step in opened.steps.items():
        yield events.step_finished(step, opened.subagent(participant))
    for participant in opened.participants:
        yield events.subagent_finished(opened.subagent(participant))
    if opened.phase:
        yield events.step_finished(opened.phase)


def _announced(document: JsonObject, speaker: str | None, opened: Opened) -> list[JsonObject]:
    if speaker is None or not opened.enter(speaker):
        return []
    role = text(data_of(document).get("role")) if document["type"] == EventType.PARTICIPANT_SEEN else None
    return [events.subagent_started(opened.subagent(speaker), speaker, role)]


def _steps(document: JsonObject, opened: Opened) -> list[JsonObject]:
    kind, data = str(document["type"]), data_of(document)
    if kind == EventType.PROGRESS_REPORTED:
        return _report(data, opened)
    status = moved_status(kind, data)
    # With the ending the phase is closed in its turn, after all that belongs to it.
    if not status or status == opened.phase or kind in ENDING_TYPES:
        return []
    found = [events.step_finished(opened.phase)] if opened.phase else []
    opened.phase = status
    return [*found, events.step_started(status)]


def _report(data: Mapping[str, object], opened: Opened) -> list[JsonObject]:
    """A participant is at what it says it is at, until it says something else or that it is done."""
    participant = text(data.get("participantId")) or text(data.get("sender"))
    if participant is None:
        return []
    before = opened.steps.get(participant)
    is_done = (number(data.get("percentage")) or 0) >= DONE
    step = None if is_done else (text(data.get("message")) or before or "")[:LONGEST_STEP] or None
    if step == before:
        return []
    subagent = opened.subagent(participant)
    found = []
    if opened.steps.pop(participant, None) is not None:
        found.append(events.step_finished(str(before), subagent))
    if step is not None:
        opened.steps[participant] = step
        found.append(events.step_started(step, subagent))
    return found


def _objects(value: object) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
