"""The shape of a slice: a table that says what it does at which type of event."""

from collections.abc import Callable, Mapping

from runs.domain.events import Event, EventType
from runs.domain.projection.sketch import Sketch

Handler = Callable[[Sketch, Event], None]
Handlers = Mapping[EventType, Handler]
