"""What a transaction on a run adds to the metrics, counted once it has committed: the events say it all."""

from collections.abc import Callable, Sequence

from runs.domain.events import Event, EventType
from runs.domain.known_names import MESSAGE_TYPES, MODES, SIGNAL_TYPES, known
from runs.metrics import INBOUND_MESSAGES, OUTBOUND_MESSAGES, RUN_SECONDS, RUN_TRANSITIONS, SIGNALS, STREAM_RECONNECTS
from runs.models import Run


def count_events(events: Sequence[Event]) -> None:
    """The messages, signals and outages of committed events are counted."""
    for event in events:
        if (count := _COUNTED.get(event.type)) is not None:
            count(event)


def count_moves(statuses: Sequence[str]) -> None:
    """The run has come to these statuses."""
    for status in statuses:
        RUN_TRANSITIONS.add(status)


def count_ending(run: Run) -> None:
    """How long the run took is counted, if this transaction has ended it."""
    if run.ended_at is not None:
        lasted = run.ended_at - (run.started_at or run.created_at)
        RUN_SECONDS.observe(max(0.0, lasted.total_seconds()), run.status, known(run.mode_name, MODES))


def _received(event: Event) -> None:
    INBOUND_MESSAGES.add(known(event.data.get("modeName"), MODES), known(event.data.get("messageType"), MESSAGE_TYPES))


def _signal(event: Event) -> None:
    SIGNALS.add(known(event.data.get("signalType"), SIGNAL_TYPES))


def _outbound(event: Event) -> None:
    category, status = event.data.get("category"), event.data.get("status")
    if isinstance(category, str) and isinstance(status, str):  # else the runtime speaks of a message that is not ours
        OUTBOUND_MESSAGES.add(category, status)


def _stream(event: Event) -> None:
    if event.data.get("status") == "reconnecting":
        STREAM_RECONNECTS.add()


_COUNTED: dict[str, Callable[[Event], None]] = {
    EventType.MESSAGE_RECEIVED: _received,
    EventType.SIGNAL_EMITTED: _signal,
    EventType.MESSAGE_QUEUED: _outbound,
    EventType.MESSAGE_SENT: _outbound,
    EventType.MESSAGE_SEND_FAILED: _outbound,
    EventType.SESSION_STREAM_OPENED: _stream,
}
