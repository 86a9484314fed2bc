"""Rebuild: the stored projection of a run is made anew from its log, whatever was stored."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from runs.audit import Actor, note
from runs.crashpoint import committing
from runs.domain.projection import ProjectionState
from runs.models import Projection, Run
from runs.models.projection import columns_of
from runs.queries import folded_state, require_run

REBUILT = "run.rebuilt"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The state that is stored now, up to which event it goes, and whether anything else was stored before."""

    run_id: UUID
    latest_seq: int
    state: ProjectionState
    has_changed: bool


def rebuild_projection(*, run_id: UUID) -> Rebuilt:
    """The run's projection is the fold of its log, byte for byte, also where its version and its number were right.

    Works for a log of any length, beside live writers, and for a run that has ended. Raises RunNotFound.
    """
    # Events never change: most of a long log is folded before the lock, and writers wait for the rest alone.
    folded = folded_state(run_id)
    with transaction.atomic():
        return _rebuild(run_id, folded)


def rebuild_asked_for(*, project_id: UUID, run_id: UUID, actor: Actor, request_id: str | None) -> Rebuilt:
    """As `rebuild_projection`, for a caller: who asked for it is in the audit list, in the same transaction.

    Raises RunNotFound, also for a run of another project.
    """
    require_run(project_id, run_id)
    folded = folded_state(run_id)
    with transaction.atomic():
        rebuilt = _rebuild(run_id, folded)
        note(
            project_id=project_id,
            actor=actor,
            action=REBUILT,
            resource="run",
            resource_id=str(run_id),
            details={"latestSeq": rebuilt.latest_seq, "changed": rebuilt.has_changed},
            request_id=request_id,
        )
    return rebuilt


def _rebuild(run_id: UUID, folded: ProjectionState) -> Rebuilt:
    run = Run.objects.lock_to_repair(run_id)
    state = folded_state(run_id, onto=folded)
    has_changed = _store(run, state)
    committing("rebuild")
    return Rebuilt(run_id, run.last_seq, state, has_changed)


def _store(run: Run, state: ProjectionState) -> bool:
    """The run's projection is `state`, also where it had none; True if anything else was stored."""
    columns = columns_of(state, run.last_seq)
    before: dict[str, object] | None = Projection.objects.filter(run_id=run.id).values(*columns).first()
    Projection.objects.update_or_create(run_id=run.id, defaults=columns)
    return before != columns
