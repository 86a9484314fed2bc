"""Reads of a run's state."""

from uuid import UUID

from runs.domain.projection import SCHEMA_VERSION, dump, empty, fold
from runs.errors import RunNotFound
from runs.models import Projection
from runs.queries.events import iterate_events


def state_text(project_id: UUID, run_id: UUID) -> bytes:
    """The public state of a run as JSON text, always equal to the fold of its events. Raises RunNotFound."""
    stored = (
        Projection.objects.filter(run_id=run_id, run__project_id=project_id)
        .values_list("state", "schema_version")
        .first()
    )
    if stored is None:
        raise RunNotFound
    state, schema_version = stored
    return state.encode() if schema_version == SCHEMA_VERSION else folded_text(run_id)


def folded_text(run_id: UUID) -> bytes:
    """The public state made anew from every event of the run."""
    public, _ = dump(fold(empty(str(run_id)), iterate_events(run_id)))
    return public
