"""How stored things are shown: each has one shape, whoever shows it (lists, streams, webhooks, exports)."""

from runs.domain.documents.artifact import ArtifactRow, artifact_document
from runs.domain.documents.audit import AuditRow, audit_document
from runs.domain.documents.clock import iso
from runs.domain.documents.event import EVENT_COLUMNS, EventRow, EventText, event_columns_as_shown, event_document
from runs.domain.documents.late import LateRow, late_document
from runs.domain.documents.message import MessageRow, message_document
from runs.domain.documents.raw import RawRow, raw_document
from runs.domain.documents.run import RUN_COLUMNS, RunRow, run_document
from runs.domain.documents.summary import SummaryRow, summary_document

__all__ = [
    "EVENT_COLUMNS",
    "RUN_COLUMNS",
    "ArtifactRow",
    "AuditRow",
    "EventRow",
    "EventText",
    "LateRow",
    "MessageRow",
    "RawRow",
    "RunRow",
    "SummaryRow",
    "artifact_document",
    "audit_document",
    "event_columns_as_shown",
    "event_document",
    "iso",
    "late_document",
    "message_document",
    "raw_document",
    "run_document",
    "summary_document",
]
