"""Archive and unarchive: a run is put on the shelf, where lists do not show it, and is brought back."""

from collections.abc import Callable
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from runs import hub
from runs.audit import Actor, note
from runs.crashpoint import committing
from runs.domain.documents import RunRow
from runs.errors import RunNotFound
from runs.models import Run
from runs.queries import run_row

ARCHIVED = "archived"


def archive_run(*, project_id: UUID, run_id: UUID, actor: Actor, request_id: str | None) -> RunRow:
    """The run is archived, since now or since earlier, and has the tag `archived` once. Raises RunNotFound."""
    return _shelve(project_id, run_id, _onto_the_shelf, action="run.archived", actor=actor, request_id=request_id)


def unarchive_run(*, project_id: UUID, run_id: UUID, actor: Actor, request_id: str | None) -> RunRow:
    """The run is not archived, and has no tag that says so. Raises RunNotFound."""
    return _shelve(project_id, run_id, _from_the_shelf, action="run.unarchived", actor=actor, request_id=request_id)


def _onto_the_shelf(run: Run) -> dict[str, object]:
    tags = run.tags if ARCHIVED in run.tags else [*run.tags, ARCHIVED]
    return {"archived_at": run.archived_at or Now(), "tags": tags}


def _from_the_shelf(run: Run) -> dict[str, object]:
    return {"archived_at": None, "tags": [tag for tag in run.tags if tag != ARCHIVED]}


def _shelve(
    project_id: UUID,
    run_id: UUID,
    changed: Callable[[Run], dict[str, object]],
    *,
    action: str,
    actor: Actor,
    request_id: str | None,
) -> RunRow:
    """The run has the columns that `changed` says. Where it had them before, nothing was done and nothing is audited."""
    with transaction.atomic():
        # Recordings change neither column: the lock keeps out who else shelves the run, or deletes it.
        locked = Run.objects.select_for_update(no_key=True).filter(id=run_id, project_id=project_id)
        run = locked.only("archived_at", "tags").first()
        if run is None:
            raise RunNotFound
        columns = changed(run)
        if columns != {"archived_at": run.archived_at, "tags": run.tags}:
            Run.objects.filter(id=run_id).update(**columns, updated_at=Now())
            note(
                project_id=project_id,
                actor=actor,
                action=action,
                resource="run",
                resource_id=str(run_id),
                request_id=request_id,
            )
            hub.nudge(run_id)
            committing("archive")
        return run_row(project_id, run_id)
