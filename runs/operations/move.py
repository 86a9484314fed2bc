"""Moving a run: suspend and resume are the same wish in two directions, fulfilled when the runtime has agreed."""

from django.db import transaction

from runs.domain.documents import RunRow
from runs.domain.lifecycle import RunStatus
from runs.domain.wishes import WishAnswer, already_ended, not_permitted
from runs.errors import Conflict, NoOwner, RunEnded
from runs.models import Run
from runs.operations.owner_wait import await_owner
from runs.operations.wish import Wanted, Wish, answer_to, commit_wish, withdraw
from runs.queries import has_live_owner, require_run, run_row


def move_run(wanted: Wanted, *, source: RunStatus, unowned_s: float) -> RunRow:
    """The run is where `wanted` aims at, having been there before or moved there from `source`.

    Raises RunEnded, InvalidTransition from any other status, Conflict while something else is wanted of the run, what the
    runtime refused, RuntimeUnavailable without a living owner (nothing is wanted any more then) or RuntimeTimedOut (it may
    still happen).
    """
    require_run(wanted.project_id, wanted.run_id)
    try:
        wish = _commit(wanted, source)
        answer = None if wish is None else _answered(wish, unowned_s)
    except RunEnded as ended:
        raise already_ended(str(ended.details["from"]), wanted.kind) from ended
    if answer is not None and not answer.ok:
        raise answer.refusal()
    return run_row(wanted.project_id, wanted.run_id)


def _commit(wanted: Wanted, source: RunStatus) -> Wish | None:
    """The wish is committed; None where the run is there already."""
    with transaction.atomic():
        run = Run.objects.lock(wanted.run_id, epoch=None)
        if run.wanted not in (None, wanted.kind):
            raise Conflict(f"{run.wanted} is wanted of the run already", details={"wanted": run.wanted})
        if run.status == wanted.kind.aim:
            return None
        if run.status != source:
            raise not_permitted(run.status, wanted.kind)
        return commit_wish(wanted, run)


def _answered(wish: Wish, unowned_s: float) -> WishAnswer:
    try:
        return await_owner(lambda: answer_to(wish), has_owner=lambda: has_live_owner(wish.run_id), unowned_s=unowned_s)
    except NoOwner as nobody:
        return withdraw(wish, nobody)
