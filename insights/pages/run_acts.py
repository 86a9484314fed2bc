"""What staff can do to a run: what its state allows, and of that what whoever looks may do."""

from django.conf import settings
from django.http import HttpRequest

from insights.pages.door import may_act
from runs.domain.lifecycle import RunStatus
from runs.models import Run

# Of a delivery, on its line in the panel of webhooks: it has no button above the log.
RESEND = "resend"
MAY_DELETE, MAY_RESEND = "runs.delete_run", "webhooks.change_delivery"

_SPEECH = ("message", "signal", "context")
_KEEPING = ("clone", "export", "artifact", "rebuild")


def acts_of(run: Run) -> tuple[str, ...]:
    """What the run's state allows, in the order of the buttons."""
    shelf = "archive" if run.archived_at is None else "unarchive"
    if run.has_ended:
        is_clean = run.cleanup_status != "pending"
        return (*_KEEPING, shelf, *(("delete",) if is_clean else ()), RESEND)
    return (*_speech(run), *_steering(run), "cancel", "recover", *_KEEPING, shelf, RESEND)


def permitted(request: HttpRequest, acts: tuple[str, ...]) -> list[str]:
    """Those of the acts that the member of staff may do; none for who may only look."""
    if not may_act(request):
        return []
    refused = {act for act, right in (("delete", MAY_DELETE), (RESEND, MAY_RESEND)) if not request.user.has_perm(right)}
    return [act for act in acts if act not in refused]


def _speech(run: Run) -> tuple[str, ...]:
    return _SPEECH if run.status == RunStatus.RUNNING and not settings.SIGNALBOX_OBSERVER_ONLY else ()


def _steering(run: Run) -> tuple[str, ...]:
    return {RunStatus.RUNNING: ("suspend",), RunStatus.SUSPENDED: ("resume",)}.get(RunStatus(run.status), ())
