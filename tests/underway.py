"""Runs brought to a status by the steps of a real launch, so that their rows are what a launch leaves behind."""

from uuid import UUID

import msgspec

from runs.domain.events import Observation, SessionState
from runs.models import Run
from runs.observer import launch_steps, lease
from runs.observer.owned import OwnedRun, load_owned
from runs.runtimes.port import Capabilities, RuntimeInfo
from tests.cast import envelope, fresh, session_now
from tests.integration.runs.test_observe_run import PEOPLE, body, launch
from tests.puppet import KIND

INFO = RuntimeInfo(name=KIND, version="1", protocol_version="1.0", supported_modes=(), capabilities=Capabilities())


def launched(*, opener: str = "control-plane", **changes: object) -> Run:
    """A queued run on the stage of puppets."""
    session = {**body()["session"], "opener": opener, **changes.pop("session", {})}  # type: ignore[dict-item]
    run_id = launch(**{"runtime": {"kind": KIND}, "session": session, **changes})
    return fresh(Run.objects.get(id=run_id))


def taken(run: Run, observer: UUID | None = None) -> OwnedRun:
    """The run, owned by `observer` or by a new one."""
    (owned,) = lease.claim(observer or lease.register(), 1, only=run.id)
    return load_owned(run.id, owned.epoch)


def starting(**changes: object) -> Run:
    """A run whose SessionStart is stored and may have been sent; for an agent's session, one that is waited for."""
    run = launched(**changes)  # type: ignore[arg-type]
    owned = taken(run)
    launch_steps.record_started(owned)
    start = None if owned.plan.opener == "agent" else b"the stored start"
    launch_steps.store_runtime(owned, INFO, start)
    return fresh(run)


def bound(*, ttl_ms: int | None = None, **changes: object) -> Run:
    """A run whose session is bound; its runtime grants `ttl_ms`, or does not say."""
    run = starting(**changes)
    owned = load_owned(run.id, run.lease_epoch)
    seen = None
    if owned.plan.opener == "agent":
        seen = session_now(SessionState.OPEN)
    else:
        launch_steps.record_accepted(owned, None)
    launch_steps.bind(owned, kickoff=(), snapshot=seen, ttl_ms=ttl_ms)
    return fresh(run)


def running(**changes: object) -> Run:
    """A run whose kickoff is done."""
    run = bound(**changes)  # type: ignore[arg-type]
    launch_steps.record_running(load_owned(run.id, run.lease_epoch))
    return fresh(run)


def own_start(run_id: UUID) -> Observation:
    """The SessionStart of the run as its session replays it."""
    start = envelope("start", kind="SessionStart", sender="lead")
    return msgspec.structs.replace(
        start, body=msgspec.structs.replace(start.body, message_id=str(launch_steps.start_id(run_id)))
    )


__all__ = ["PEOPLE", "bound", "launched", "own_start", "running", "starting", "taken"]
