"""Where the drafts of one observation come from, and the trace they belong to."""

from collections.abc import Mapping

import msgspec

from runs.domain.events import RUNTIME, Draft, EventType, JsonObject
from runs.domain.normaliser import members
from runs.domain.normaliser.context import Context

_TRACE_ID = members.named("traceId")
_SPAN_ID = members.named("spanId")
_PARENT_SPAN_ID = members.named("parentSpanId")
_TRACEPARENT_PARTS = 4
_LONGEST_ID = 64


class Trace(msgspec.Struct, frozen=True):
    """The ids of a trace as a payload names them, None where it names none."""

    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None


NO_TRACE = Trace()


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The source of every draft made from one observation."""

    name: str
    raw_type: str
    raw_seq: int
    trace: Trace

    def draft(self, event_type: EventType, subject_kind: str, subject_id: str, data: JsonObject) -> Draft:
        """A draft with this source and trace. An empty `subject_id` means that there is no subject."""
        return Draft(
            type=event_type.value,
            data=data,
            source_kind=RUNTIME,
            source_name=self.name,
            subject_kind=subject_kind if subject_id else None,
            subject_id=subject_id or None,
            raw_type=self.raw_type,
            raw_seq=self.raw_seq,
            trace_id=self.trace.trace_id,
            span_id=self.trace.span_id,
            parent_span_id=self.trace.parent_span_id,
        )


def origin_of(context: Context, raw_type: str, raw_seq: int, trace: Trace = NO_TRACE) -> Origin:
    """The origin of an observation of this run; without a trace of its own it belongs to the run's."""
    if trace.trace_id is None:
        trace = Trace(context.trace_id, trace.span_id, trace.parent_span_id)
    return Origin(name=context.source_name, raw_type=raw_type, raw_seq=raw_seq, trace=trace)


def trace_in(payload: Mapping[str, object]) -> Trace:
    """The trace a payload names: its own members, or those of its `trace` or `metadata`, or a W3C `traceparent`."""
    metadata = payload.get("metadata")
    for holder in (payload, payload.get("trace"), metadata, metadata.get("trace") if type(metadata) is dict else None):
        if isinstance(holder, dict):
            trace = _trace_of(holder)
            if trace is not None:
                return trace
    return NO_TRACE


def _trace_of(holder: JsonObject) -> Trace | None:
    trace = Trace(_id(holder, _TRACE_ID), _id(holder, _SPAN_ID), _id(holder, _PARENT_SPAN_ID))
    if trace != NO_TRACE:
        return trace
    return _from_traceparent(holder.get("traceparent"))


def _from_traceparent(value: object) -> Trace | None:
    parts = value.split("-") if isinstance(value, str) else []
    if len(parts) < _TRACEPARENT_PARTS or len(parts[1]) != 32 or len(parts[2]) != 16:
        return None
    return Trace(parts[1], parts[2])


def _id(holder: JsonObject, name: members.Name) -> str | None:
    value = members.text(holder, name)
    return value if value is not None and len(value) <= _LONGEST_ID else None
