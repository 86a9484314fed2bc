"""Cancel: the run ends as cancelled, by whoever can end it best.

no session is bound yet           here and now
a living owner                    it asks the runtime, or the agent that opened the session, and writes the ending
no living owner for some seconds  here, under a lease that is taken for it
"""

from uuid import UUID

from django.db import transaction

from runs.audit import Actor
from runs.domain.documents import RunRow
from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.domain.lifecycle import RunStatus
from runs.domain.requests import AGENT, decode_request
from runs.domain.wishes import WishKind, already_ended, not_permitted
from runs.ending import end_run
from runs.errors import NoOwner, RunEnded
from runs.models import Run
from runs.operations.owner_wait import UNOWNED_SECONDS, await_owner
from runs.operations.wish import Wanted, Wish, answer_to, commit_wish, note_wish
from runs.queries import has_live_owner, require_run, run_row

UNBOUND = frozenset({RunStatus.QUEUED, RunStatus.STARTING})
ONLY_BY_ITS_AGENT = "only the agent that opened its session can end it, and named no cancelCallback"


def cancel_run(
    *,
    project_id: UUID,
    run_id: UUID,
    reason: str | None,
    actor: Actor,
    through: DecidedBy,
    request_id: str | None,
    unowned_s: float = UNOWNED_SECONDS,
) -> RunRow:
    """The run has ended as cancelled, now or earlier.

    Raises RunEnded if it ended otherwise, InvalidTransition if nobody may be asked to cancel its session, what the runtime
    or the agent refused, RuntimeTimedOut if its owner takes too long: it may still be cancelled then.
    """
    require_run(project_id, run_id)
    wanted = Wanted(
        kind=WishKind.CANCEL,
        project_id=project_id,
        run_id=run_id,
        actor=actor,
        through=through,
        reason=reason,
        request_id=request_id,
    )
    try:
        wish = _commit(wanted)
        if wish is not None:
            _await_ending(wish, wanted, unowned_s)
    except RunEnded:
        pass  # by whom and how, the row says
    row = run_row(project_id, run_id)
    if row.status != RunStatus.CANCELLED:
        raise already_ended(row.status, WishKind.CANCEL)
    return row


def _commit(wanted: Wanted) -> Wish | None:
    """The wish is committed; None where the run could be ended at once, and was."""
    with transaction.atomic():
        run = Run.objects.lock(wanted.run_id, epoch=None)
        if run.status in UNBOUND:
            end_run(run.id, _cancelled(wanted), epoch=None)
            note_wish(wanted)
            return None
        _require_route(run)
        return commit_wish(wanted, run)


def _require_route(run: Run) -> None:
    if run.session_opener != AGENT:
        return
    request = decode_request(Run.objects.values_list("request", flat=True).get(id=run.id))
    if request.session.cancel_route is None:
        raise not_permitted(run.status, WishKind.CANCEL, why=ONLY_BY_ITS_AGENT, reason="no_cancel_route")


def _await_ending(wish: Wish, wanted: Wanted, unowned_s: float) -> None:
    """The run has ended without an owner. Raises RunEnded where its owner has ended it, or the refusal it answered."""
    try:
        answer = await_owner(
            lambda: answer_to(wish), has_owner=lambda: has_live_owner(wish.run_id), unowned_s=unowned_s
        )
    except NoOwner:
        with transaction.atomic():
            epoch = Run.objects.take(wish.run_id)
            end_run(wish.run_id, _cancelled(wanted), epoch=epoch)
    else:
        raise answer.refusal()


def _cancelled(wanted: Wanted) -> Verdict:
    return Verdict(code=EndingCode.CANCELLED, decided_by=wanted.through)
