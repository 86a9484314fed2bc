"""Delete: an ended run and everything of it is gone, however much that is; who deleted it stays in the audit list.

Whoever reads the outbox gets what is left of the run there, while the log is still to be read. Then the log goes, without a
lock on the run: nothing is appended to it any more, and whoever has something else to do with the run need not wait. The
run's row, and whatever was added beside the log meanwhile, goes last. All in one transaction: whoever dies over it leaves
the run as it was.
"""

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from runs import hub
from runs.audit import Actor, note
from runs.crashpoint import committing
from runs.errors import InvalidTransition, RunNotFound
from runs.models import Run
from runs.models.erasing import erase_rows_of, erase_run


def delete_run(*, project_id: UUID, run_id: UUID, actor: Actor, request_id: str | None) -> None:
    """The run is gone, and who watches it, or a list it was on, is told.

    Raises RunNotFound, also for a run of another project, and InvalidTransition for one that has not ended, or has left
    something at its runtime that is still to be cleaned up: nobody would know of it any more.
    """
    run = _ended_run(project_id, run_id)
    with transaction.atomic():
        import_string(settings.OUTBOX_FLUSH)(run_id)
        erase_rows_of(run_id, last_seq=run.last_seq, last_raw_seq=run.last_raw_seq)
        if not erase_run(run_id):
            raise RunNotFound  # somebody else deleted it meanwhile
        note(
            project_id=project_id,
            actor=actor,
            action="run.deleted",
            resource="run",
            resource_id=str(run_id),
            details={"status": run.status, "lastEventSeq": run.last_seq},
            request_id=request_id,
        )
        hub.nudge(run_id)
        hub.call_queue()
        committing("delete")


def _ended_run(project_id: UUID, run_id: UUID) -> Run:
    """The run; what is read of it never changes again, but for a clean-up that is done or given up meanwhile."""
    columns = ("status", "ending_seq", "last_seq", "last_raw_seq", "cleanup_status")
    run = Run.objects.filter(id=run_id, project_id=project_id).only(*columns).first()
    if run is None:
        raise RunNotFound
    if not run.has_ended:
        raise InvalidTransition(f"run is {run.status} and cannot be deleted", details={"from": run.status})
    if run.cleanup_status == "pending":
        raise InvalidTransition(
            "its clean-up at the runtime is still to be done", details={"reason": "cleanup_pending"}
        )
    return run
