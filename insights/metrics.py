"""What is counted for one run: MetricsSummary, out of its projection, so that it equals a recount of its log."""

from uuid import UUID

from runs import queries
from runs.domain.events import JsonObject
from runs.domain.projection import ProjectionState, metrics_summary
from runs.queries.snapshot import snapshot


def metrics_of(project_id: UUID, run_id: UUID) -> JsonObject:
    """The MetricsSummary of the HTTP contract, of one moment. Raises RunNotFound."""
    with snapshot():
        state = queries.state_of(project_id, run_id)
        return metrics_document(state, late=queries.count_late(project_id, run_id))


def metrics_document(state: ProjectionState, *, late: int) -> JsonObject:
    """The MetricsSummary of a run in this state; `late` observations are no events, so no state knows of them."""
    return {**metrics_summary(state), "lateObservationCount": late}
