"""Rebuild: the stored projection of a run is folded anew from its log."""

from uuid import UUID

from django.db import transaction

from runs import hub
from runs.crashpoint import committing
from runs.domain.projection import ProjectionState, empty, fold
from runs.errors import RunNotFound
from runs.models import Run
from runs.queries import iterate_events
from runs.recorder.state import store_state


def rebuild_projection(run_id: UUID, *, project_id: UUID | None = None) -> ProjectionState:
    """The stored projection is the fold of every event of the run, whatever was stored before; also of an ended run.

    Under the run's lock, so that no writer comes between; a page of events at a time is in memory. Raises RunNotFound, also
    for a run that is not of `project_id`, where given.
    """
    with transaction.atomic():
        run = Run.objects.lock_for_repair(run_id)
        if project_id is not None and run.project_id != project_id:
            raise RunNotFound
        state = fold(empty(str(run_id)), iterate_events(run_id, up_to=run.last_seq))
        store_state(run, state)
        hub.nudge(run_id)
        committing("rebuild")
    return state
