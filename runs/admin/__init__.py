"""What staff see of runs: everything that can be read, nothing that machines write can be changed."""

from runs.admin.api_keys import ApiKeyAdmin
from runs.admin.logs import EventAdmin, LateObservationAdmin, RawObservationAdmin
from runs.admin.machinery import MetricAdmin, ObserverAdmin, OutboxEntryAdmin, TicketAdmin
from runs.admin.parts import ArtifactAdmin, OutboundMessageAdmin, ProjectionAdmin, RuntimeSessionAdmin
from runs.admin.projects import AuditEntryAdmin, ProjectAdmin
from runs.admin.run import RunAdmin

__all__ = [
    "ApiKeyAdmin",
    "ArtifactAdmin",
    "AuditEntryAdmin",
    "EventAdmin",
    "LateObservationAdmin",
    "MetricAdmin",
    "ObserverAdmin",
    "OutboundMessageAdmin",
    "OutboxEntryAdmin",
    "ProjectAdmin",
    "ProjectionAdmin",
    "RawObservationAdmin",
    "RunAdmin",
    "RuntimeSessionAdmin",
    "TicketAdmin",
]
