"""The rows: one noun per file. The rules of the schema are in docs/database.md."""

from runs.models.api_key import ApiKey
from runs.models.artifact import Artifact
from runs.models.audit import AuditEntry
from runs.models.breaker_change import BreakerChange
from runs.models.event import Event, RawObservation
from runs.models.keyed_request import KeyedRequest
from runs.models.late import LateObservation
from runs.models.message import OutboundMessage
from runs.models.metric import Metric
from runs.models.metric_source import MetricSource
from runs.models.observer import Observer
from runs.models.outbox import OutboxEntry
from runs.models.project import Project
from runs.models.projection import Projection
from runs.models.rate_window import RateWindow
from runs.models.run import Run
from runs.models.session import RuntimeSession
from runs.models.ticket import Ticket

__all__ = [
    "ApiKey",
    "Artifact",
    "AuditEntry",
    "BreakerChange",
    "Event",
    "KeyedRequest",
    "LateObservation",
    "Metric",
    "MetricSource",
    "Observer",
    "OutboundMessage",
    "OutboxEntry",
    "Project",
    "Projection",
    "RateWindow",
    "RawObservation",
    "Run",
    "RuntimeSession",
    "Ticket",
]
