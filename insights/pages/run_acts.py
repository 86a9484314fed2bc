"""What staff can do to a run: what its state allows, and of that what whoever looks may do."""

from django.conf import settings
from django.http import HttpRequest

from runs.domain.lifecycle import RunStatus
from runs.domain.staff_rights import scopes_of_member
from runs.models import Run

# Of a delivery, on its line in the panel of webhooks: it has no button above the log.
RESEND = "resend"

_SPEECH = ("message", "signal", "context")
_KEEPING = ("clone", "export", "artifact", "rebuild")
_ASKED_BY = "runs:write"  # the scope that most of their routes ask for; these ask for others
_SCOPES = {
    **dict.fromkeys(_SPEECH, "signals:write"),
    **dict.fromkeys(("suspend", "resume", "cancel"), "runs:cancel"),
    "delete": "runs:delete",
    RESEND: "webhooks:manage",
}


def acts_of(run: Run) -> tuple[str, ...]:
    """What the run's state allows, in the order of the buttons."""
    shelf = "archive" if run.archived_at is None else "unarchive"
    if run.has_ended:
        is_clean = run.cleanup_status != "pending"
        return (*_KEEPING, shelf, *(("delete",) if is_clean else ()), RESEND)
    return (*_speech(run), *_steering(run), "cancel", "recover", *_KEEPING, shelf, RESEND)


def permitted(request: HttpRequest, acts: tuple[str, ...]) -> list[str]:
    """Those of the acts that their routes will let the member of staff do; none for who may only look."""
    user = request.user
    scopes = frozenset() if user.is_anonymous else scopes_of_member(user)
    return [act for act in acts if _SCOPES.get(act, _ASKED_BY) in scopes]


def _speech(run: Run) -> tuple[str, ...]:
    return _SPEECH if run.status == RunStatus.RUNNING and not settings.SIGNALBOX_OBSERVER_ONLY else ()


def _steering(run: Run) -> tuple[str, ...]:
    return {RunStatus.RUNNING: ("suspend",), RunStatus.SUSPENDED: ("resume",)}.get(RunStatus(run.status), ())
