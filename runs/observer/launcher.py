"""Launching: from a queued run to a bound session. Every step is committed before the next call to the runtime.

    queued -> starting -> Initialize -> SessionStart (or wait for the agent) -> binding_session

Whoever takes over goes on from the run's status: the SessionStart bytes are sent again only while no ack is stored.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from django.conf import settings

from runs.bridge import rows
from runs.domain.endings import SESSION_NOT_FOUND, EndingCode
from runs.domain.events import SessionSnapshot
from runs.domain.lifecycle import RunStatus
from runs.ending import is_opened_by
from runs.errors import RuntimeFault, RuntimeTimedOut, SessionNotFound, ValidationFailed
from runs.observer import launch_steps
from runs.observer.backoff import delay, pause
from runs.observer.decided import REFUSED, failed, failed_by
from runs.observer.owned import OwnedRun, admission_seconds_left, require_ours
from runs.observer.patience import Patience
from runs.observer.telling import is_too_fast
from runs.recorder import Recorded
from runs.runtimes.plan import KickoffMessage, kickoff_of, outgoing_of
from runs.runtimes.port import Runtime, Sent, Session

log = logging.getLogger("signalbox.observer")

Bind = Callable[[], Awaitable[Recorded]]
Kickoff = Sequence[tuple[KickoffMessage, bytes]]

ALREADY_EXISTS = "SESSION_ALREADY_EXISTS"
TTL_SECONDS = 2.0


async def bring_up(run: OwnedRun, runtime: Runtime, session: Session, patience: Patience) -> Bind | None:
    """The session exists, and our rows say so. The answer binds it and stores its kickoff; None if it was bound already.

    The caller subscribes before it binds: a session that is over soon may not be replayed. Raises Decided.
    """
    status = run.status
    if status is RunStatus.QUEUED:
        status = (await rows(launch_steps.record_started, run)).status
    if status is not RunStatus.STARTING:
        return None
    ours = run.plan.opener == "control-plane"
    kickoff = _kickoff(run, runtime) if ours else ()
    if not run.start_acked:
        start = await _meet(run, runtime, patience, start=_start(run, runtime) if ours else None)
        if start is None:
            return await _await_agent(run, session, patience)
        sent = await _open(run, session, patience, start)
        # On record before anything is waited for: whoever takes over must not take a session that is gone for one that
        # never was.
        await rows(launch_steps.record_accepted, run, sent.adapter_state)
        session.confirm(sent.adapter_state)
    return lambda: _bind(run, session, kickoff)


async def _bind(run: OwnedRun, session: Session, kickoff: Kickoff) -> Recorded:
    """The session is bound, for as long as its runtime says that it lives."""
    return await rows(launch_steps.bind, run, kickoff=kickoff, ttl_ms=await _granted_ttl(session))


async def _meet(run: OwnedRun, runtime: Runtime, patience: Patience, *, start: bytes | None) -> bytes | None:
    """What the runtime offers is stored, and with it the SessionStart to send; the answer is what was stored first."""
    try:
        info = await patience.ask(runtime.initialize)
    except RuntimeFault as fault:
        raise failed_by(EndingCode.RUNTIME_REJECTED, fault) from fault
    offered = not info.supported_modes or run.plan.mode_name in info.supported_modes
    stored = await rows(launch_steps.store_runtime, run, info, start if offered else None)
    if not offered:
        raise failed(EndingCode.MODE_NOT_SUPPORTED, f"the runtime does not offer the mode {run.plan.mode_name}")
    return stored


async def _open(run: OwnedRun, session: Session, patience: Patience, start: bytes) -> Sent:
    """The runtime has opened our session, now or at an earlier attempt."""
    try:
        sent = await _started(run, session, patience, start)
        is_ours = sent.ack.ok or (_exists_already(sent) and await patience.ask(lambda: _is_ours(run, session)))
    except RuntimeFault as fault:
        raise failed_by(EndingCode.RUNTIME_REJECTED, fault) from fault
    if not is_ours:
        error = sent.ack.error
        message = f"the runtime refused the session: {error.message if error else 'no reason given'}"
        raise failed(EndingCode.RUNTIME_REJECTED, message, runtime_code=error.code if error else None, asked=REFUSED)
    return sent


async def _started(run: OwnedRun, session: Session, patience: Patience, start: bytes) -> Sent:
    """The runtime's answer to the SessionStart; one that it takes too many of is sent again while the run may be launched."""

    async def start_it() -> Sent:
        await rows(require_ours, run)  # while it waited for its turn it may have been cancelled
        return await session.start(start)

    for attempt in itertools.count():
        sent = await patience.ask(start_it)
        if not is_too_fast(sent.ack):
            break
        log.info("run %s: its runtime takes no SessionStart right now, attempt %s", run.id, attempt + 1)
        await pause(attempt, base_ms=settings.STREAM_BACKOFF_BASE_MS, max_ms=settings.STREAM_BACKOFF_MAX_MS)
        if not await rows(admission_seconds_left, run.id):
            break
    return sent


def _exists_already(sent: Sent) -> bool:
    return sent.ack.error is not None and sent.ack.error.code == ALREADY_EXISTS


async def _is_ours(run: OwnedRun, session: Session) -> bool:
    """True if the session that is there was opened by our own SessionStart, sent by an attempt whose answer was lost.

    Raises RuntimeTimedOut or RuntimeUnavailable where the runtime does not say: that is no reason to give the session up.
    """
    try:
        async with asyncio.timeout(settings.RUNTIME_REQUEST_TIMEOUT_MS / 1000):
            return await is_opened_by(launch_steps.start_id(run.id), session)
    except TimeoutError as silence:
        raise RuntimeTimedOut("the runtime does not say whose session it is") from silence


async def _granted_ttl(session: Session) -> int | None:
    """How long the session lives by its runtime's own word; None where it does not say."""
    try:
        async with asyncio.timeout(TTL_SECONDS):
            seen = (await session.snapshot()).body
    except (RuntimeFault, TimeoutError):
        return None  # whoever subscribes next finds out what is wrong
    return launch_steps.granted_ttl_ms(seen) if isinstance(seen, SessionSnapshot) else None


def _start(run: OwnedRun, runtime: Runtime) -> bytes:
    """The exact bytes that open the session."""
    try:
        return runtime.encode_start(run.plan)
    except RuntimeFault as fault:
        raise failed_by(EndingCode.RUNTIME_REJECTED, fault) from fault


def _kickoff(run: OwnedRun, runtime: Runtime) -> Kickoff:
    """Each kickoff message with the exact bytes to send, made before anything is sent."""
    encoded = []
    for index, message in enumerate(kickoff_of(run.request)):
        outgoing = outgoing_of(message, message_id=str(launch_steps.kickoff_id(run.id, index)))
        try:
            encoded.append((message, runtime.encode_message(run.plan, outgoing)))
        except RuntimeFault as fault:
            raise failed_by(EndingCode.KICKOFF_FAILED, fault) from fault
        except ValidationFailed as fault:
            raise failed(EndingCode.KICKOFF_FAILED, fault.message) from fault
    return encoded


async def _await_agent(run: OwnedRun, session: Session, patience: Patience) -> Bind:
    """An agent opens the session; until the admission deadline "not found" is no failure."""
    attempt = 0
    deadline = time.monotonic() + await rows(admission_seconds_left, run.id)
    while True:
        try:
            snapshot = await patience.ask(session.snapshot)
        except SessionNotFound as missing:
            patience.answered()
            if time.monotonic() > deadline:
                message = "no agent opened the session before the admission deadline"
                raise failed(EndingCode.NEVER_STARTED, message, asked=SESSION_NOT_FOUND) from missing
            base_ms, max_ms = settings.SESSION_POLL_BASE_MS, settings.SESSION_POLL_MAX_MS
            await session.appears(delay(attempt, base_ms=base_ms, max_ms=max_ms))
            attempt += 1
        except RuntimeFault as fault:
            raise failed_by(EndingCode.RUNTIME_REJECTED, fault) from fault
        else:
            return lambda: rows(launch_steps.bind, run, kickoff=(), snapshot=snapshot)
