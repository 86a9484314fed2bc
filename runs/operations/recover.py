"""Recover: a live run that nobody watches is taken over at once, not only when its owner's lease is over.

its owner lives        nothing is done: it is being read
its owner fell silent  it is declared lost, as a sweep would do later on, and the observers are called
nobody owns it         the observers are called

Nothing of the run is written here. Whoever takes it raises its epoch, as ever, and that fences whoever owned it before; what
the run then comes to, an ending too, is its new owner's to say.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db import transaction

from runs import hub
from runs.audit import Actor, note
from runs.crashpoint import committing
from runs.domain.lifecycle import RunStatus
from runs.errors import Conflict, InvalidTransition, NoOwner, RunEnded, RunNotFound, RuntimeTimedOut
from runs.models import Observer, Run
from runs.operations.owner_wait import await_owner
from runs.queries import some_observer_beats

RECOVERED = "run.recovery_requested"
NOBODY_THERE = "no observer is there to take the run; the next one that starts will"
NOT_YET = "no observer has taken the run yet; one still may"


class Found(StrEnum):
    """Who watched the run when its recovery was asked for."""

    OWNER_LIVES = "owner_lives"
    OWNER_SILENT = "owner_silent"  # not heard of for so long that it has ended itself, if it can
    OWNER_LOST = "owner_lost"
    NO_OWNER = "no_owner"


@dataclass(frozen=True, slots=True)
class Recovery:
    """What came of it: the run's status now, and whether another observer has taken it over."""

    run_id: UUID
    status: str
    found: Found
    is_taken_over: bool


@dataclass(frozen=True, slots=True)
class _Standing:
    status: str
    observer_id: UUID | None
    epoch: int


def recover_run(*, project_id: UUID, run_id: UUID, actor: Actor, request_id: str | None) -> Recovery:
    """The run is watched: by its living owner, or by an observer that has taken it over now.

    Raises RunNotFound, InvalidTransition for a run that has ended, Conflict where observers take nothing over, NoOwner
    without an observer, RuntimeTimedOut where none takes it in time. After the last two the next one that can will take it.
    """
    with transaction.atomic():
        standing = _standing(project_id, run_id)
        found = _found(standing)
        if found is not Found.OWNER_LIVES:
            _require_takers(standing)
            hub.call_observers()
        note(
            project_id=project_id,
            actor=actor,
            action=RECOVERED,
            resource="run",
            resource_id=str(run_id),
            details={"found": found.value, "leaseEpoch": standing.epoch},
            request_id=request_id,
        )
        committing("recover")
    if found is Found.OWNER_LIVES:
        return Recovery(run_id, standing.status, found, is_taken_over=False)
    return Recovery(run_id, _status_once_taken(run_id, standing.epoch), found, is_taken_over=True)


def _standing(project_id: UUID, run_id: UUID) -> _Standing:
    """How it stands with the run, which is not locked: a former owner that stands still may hold that lock."""
    columns = ("status", "observer_id", "lease_epoch", "ending_seq")
    row = Run.objects.filter(id=run_id, project_id=project_id).values_list(*columns).first()
    if row is None:
        raise RunNotFound
    status, observer_id, epoch, ending_seq = row
    if ending_seq is not None:
        raise InvalidTransition(f"run is {status}: there is nothing to recover", details={"from": status})
    return _Standing(status, observer_id, epoch)


def _found(standing: _Standing) -> Found:
    """Who watches the run; an owner that fell silent is lost from now on."""
    if standing.observer_id is None:
        return Found.NO_OWNER
    if Observer.objects.give_up(standing.observer_id):
        return Found.OWNER_SILENT
    is_lost = not Observer.objects.filter(id=standing.observer_id, lost_at=None).exists()
    return Found.OWNER_LOST if is_lost else Found.OWNER_LIVES


def _require_takers(standing: _Standing) -> None:
    if standing.status != RunStatus.QUEUED and not settings.RUN_RECOVERY_ENABLED:
        message = "observers take no runs over here (RUN_RECOVERY_ENABLED); manage.py recover_runs --run does"
        raise Conflict(message, details={"reason": "recovery_disabled"})


def _status_once_taken(run_id: UUID, former_epoch: int) -> str:
    try:
        return await_owner(lambda: _taken(run_id, former_epoch), has_owner=some_observer_beats, unowned_s=0)
    except NoOwner:
        raise NoOwner(NOBODY_THERE) from None
    except RuntimeTimedOut:
        raise RuntimeTimedOut(NOT_YET) from None


def _taken(run_id: UUID, former_epoch: int) -> str | None:
    """The run's status once it has a new owner. Raises RunNotFound, and RunEnded where it ended without one."""
    row = Run.objects.filter(id=run_id).values_list("status", "lease_epoch", "ending_seq").first()
    if row is None:
        raise RunNotFound
    status, epoch, ending_seq = row
    if epoch > former_epoch:
        return str(status)
    if ending_seq is not None:
        raise RunEnded(f"run is {status}: it ended before anybody took it over", details={"from": status})
    return None
