"""How stored things are shown: each has one shape, whoever shows it (lists, streams, webhooks, exports)."""

from runs.domain.documents.clock import iso
from runs.domain.documents.event import EVENT_COLUMNS, EventRow, event_document
from runs.domain.documents.late import LateRow, late_document
from runs.domain.documents.message import MessageRow, message_document
from runs.domain.documents.raw import RawRow, raw_document
from runs.domain.documents.run import RunRow, run_document
from runs.domain.documents.summary import SummaryRow, summary_document

__all__ = [
    "EVENT_COLUMNS",
    "EventRow",
    "LateRow",
    "MessageRow",
    "RawRow",
    "RunRow",
    "SummaryRow",
    "event_document",
    "iso",
    "late_document",
    "message_document",
    "raw_document",
    "run_document",
    "summary_document",
]
