"""Which events an endpoint hears, and under which names they go out.

An event goes out under its own type. With one exception: `run.started` is what the first event is called with which its run
is running. The canonical event of that type only says that an observer has claimed the run, and goes out under no name.
"""

import functools
from collections.abc import Mapping, Sequence

from runs.domain.catalogue import CATALOGUE
from runs.domain.events import ENDING_TYPES, EventType
from runs.domain.lifecycle import RunStatus

STARTED = EventType.RUN_STARTED.value

# What an endpoint hears that names nothing.
SIX = (
    STARTED,
    EventType.RUN_COMPLETED.value,
    EventType.RUN_FAILED.value,
    EventType.RUN_CANCELLED.value,
    EventType.RUN_SUSPENDED.value,
    EventType.RUN_RESUMED.value,
)

_KNOWN = frozenset(kind.value for kind in EventType)
_STATUS = "runStatus"
_WITH_STATUS = frozenset(kind.value for kind, entry in CATALOGUE.items() if _STATUS in entry.members + entry.optional)

# The types whose events say which status the run has from then on.
MOVING = _WITH_STATUS | {kind for kind in _KNOWN if kind.startswith("run.")}
# Those among which the first is that with which a run is running.
MAY_START = _WITH_STATUS - ENDING_TYPES - {STARTED}


def is_wanted(events: Sequence[str], event_type: str) -> bool:
    """True if an endpoint that names these `events` hears what goes out as `event_type`; naming none means the six.

    A name may be a pattern: `run.*` is whatever begins with `run.`, and `*` is everything.
    """
    return any(_matches(name, event_type) for name in events or SIX)


def unknown_names(events: Sequence[str]) -> list[str]:
    """The names among `events` that no event goes out under, patterns that match none included; each once."""
    return [name for name in dict.fromkeys(events) if not any(_matches(name, known) for known in _KNOWN)]


def sources_of(events: Sequence[str]) -> frozenset[str]:
    """The canonical types whose events may go out to an endpoint that names these `events`."""
    return _sources_of(tuple(events))


def says_running(event_type: str, data: Mapping[str, object]) -> bool:
    """True if the run is running with this event; `run.started` goes out for the first of them."""
    return event_type in MAY_START and data.get(_STATUS) == RunStatus.RUNNING


def names_of(event_type: str, *, is_first_running: bool) -> tuple[str, ...]:
    """The names that an event goes out under, each as a delivery of its own."""
    own = () if event_type == STARTED else (event_type,)
    return (*own, STARTED) if is_first_running else own


@functools.lru_cache(maxsize=1_000)
def _sources_of(events: tuple[str, ...]) -> frozenset[str]:
    own = frozenset(kind for kind in _KNOWN - {STARTED} if is_wanted(events, kind))
    return own | MAY_START if is_wanted(events, STARTED) else own


def _matches(name: str, event_type: str) -> bool:
    if name.endswith(".*"):
        return event_type.startswith(name[:-1])
    return name in ("*", event_type)
