"""The circuit breakers of all processes: what state they are in together, and closing them by hand.

A reset is a row. Observers notice it within a second, web processes before their next call; neither looks for one while
its own breaker is closed.
"""

from uuid import UUID

from django.db import transaction

from runs import hub
from runs.audit import Actor, note
from runs.models import BreakerChange
from runs.queries.breakers import observers_breaker_states
from runs.runtimes.breaker import BreakerState
from runs.runtimes.breaker_log import RESET
from runs.runtimes.calls import own_breaker_state

_WORST_FIRST: tuple[BreakerState, ...] = ("OPEN", "HALF_OPEN", "CLOSED")


def breaker_state(kind: str) -> BreakerState:
    """The worst state of a breaker of `kind`: of this process and of every living observer."""
    states = {own_breaker_state(kind), *observers_breaker_states(kind)}
    return next(state for state in _WORST_FIRST if state in states)


def reset_breaker(*, kind: str, project_id: UUID, actor: Actor, request_id: str | None) -> BreakerState:
    """The breakers of `kind` are closed, in every process as soon as it notices."""
    with transaction.atomic():
        BreakerChange.objects.create(kind=kind, state="CLOSED", reason=RESET, is_reset=True)
        note(
            project_id=project_id,
            actor=actor,
            action="breaker.reset",
            resource="breaker",
            resource_id=kind,
            request_id=request_id,
        )
        hub.call_observers()
    return "CLOSED"
