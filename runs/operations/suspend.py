"""Suspend: a running run stands still, once its runtime has agreed."""

from uuid import UUID

from runs.audit import Actor
from runs.domain.documents import RunRow
from runs.domain.endings import DecidedBy
from runs.domain.lifecycle import RunStatus
from runs.domain.wishes import WishKind
from runs.operations.move import move_run
from runs.operations.owner_wait import UNOWNED_SECONDS
from runs.operations.wish import Wanted


def suspend_run(
    *,
    project_id: UUID,
    run_id: UUID,
    reason: str | None,
    actor: Actor,
    through: DecidedBy,
    request_id: str | None,
    unowned_s: float = UNOWNED_SECONDS,
) -> RunRow:
    """The run is suspended, now or already. Raises as `move_run` says."""
    wanted = Wanted(
        kind=WishKind.SUSPEND,
        project_id=project_id,
        run_id=run_id,
        actor=actor,
        through=through,
        reason=reason,
        request_id=request_id,
    )
    return move_run(wanted, source=RunStatus.RUNNING, unowned_s=unowned_s)
