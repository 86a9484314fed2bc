"""A reader of exported lines: rows again, for whoever takes an export in. What is not as documented makes it fail."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
import orjson

from runs.domain.documents import EventRow

Line = dict[str, object]
_FORMER_KINDS = {"macp-control-plane": "control-plane"}


class _Source(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    kind: str
    name: str
    raw_type: str | None = None
    raw_seq: int | None = None


class _EventLine(msgspec.Struct, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """A line of an event; `data` keeps its bytes."""

    type: str
    event_type: str
    id: UUID
    run_id: UUID
    seq: int
    ts: datetime
    schema_version: int
    subject: dict[str, str] | None = None
    source: _Source
    trace: dict[str, str] | None = None
    data: msgspec.Raw
    subject_kind: str | None
    subject_id: str | None
    source_kind: str
    source_name: str
    raw_type: str | None
    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    created_at: datetime


@dataclass
class Exported:
    """What an export holds; `footer` is None where it was cut."""

    header: Line
    events: list[EventRow] = field(default_factory=list)
    raw: list[Line] = field(default_factory=list)
    late: list[Line] = field(default_factory=list)
    footer: Line | None = None


def read_export(text: bytes) -> Exported:
    """The export in these lines."""
    header, *lines = text.split(b"\n")
    exported = Exported(header=orjson.loads(header))
    assert exported.header.pop("type") == "header"
    for line in _whole(lines):
        assert exported.footer is None, "nothing follows the footer"
        document = orjson.loads(line)
        match document.pop("type"):
            case "canonical_event":
                exported.events.append(_row(line))
            case "raw_event":
                exported.raw.append(document)
            case "late_observation":
                exported.late.append(document)
            case "footer":
                exported.footer = document
            case kind:
                raise AssertionError(f"no line is a {kind}")
    return exported


def _whole(lines: list[bytes]) -> Iterable[bytes]:
    """What follows the last line break was cut in the middle."""
    return lines[:-1]


def _row(line: bytes) -> EventRow:
    read = msgspec.json.decode(line, type=_EventLine)
    assert (read.source.name, read.source.raw_type) == (read.source_name, read.raw_type)
    return EventRow(
        id=read.id,
        run_id=read.run_id,
        seq=read.seq,
        ts=read.ts,
        type=read.event_type,
        subject_kind=read.subject_kind,
        subject_id=read.subject_id,
        source_kind=_FORMER_KINDS.get(read.source_kind, read.source_kind),
        source_name=read.source_name,
        raw_type=read.raw_type,
        raw_seq=read.source.raw_seq,
        trace_id=read.trace_id,
        span_id=read.span_id,
        parent_span_id=read.parent_span_id,
        created_at=read.created_at,
        data=bytes(read.data).decode(),
    )
