"""A session that somebody else opened, as the request of a run that observes it."""

from runs.domain.events import TERMINAL_SESSION_STATES, SessionSnapshot
from runs.domain.requests import (
    AGENT,
    LIVE,
    Execution,
    ExecutionRequest,
    ParticipantRequest,
    RuntimeChoice,
    SessionRequest,
)
from runs.domain.text import clean

DISCOVERY = "discovery"

LONGEST_SESSION_ID = 128
LONGEST_NAME = 255
LONGEST_VERSION = 100
LONGEST_TTL_MS = 86_400_000


def may_become_a_run(seen: SessionSnapshot) -> bool:
    """True if the session goes on, and has an id that a run can be found by."""
    name = seen.session_id
    return seen.state not in TERMINAL_SESSION_STATES and 0 < len(name) <= LONGEST_SESSION_ID and name == clean(name)


def discovered_request(kind: str, seen: SessionSnapshot) -> ExecutionRequest:
    """What would have been asked for, had somebody asked Signalbox to observe this session."""
    metadata: dict[str, object] = {"source": DISCOVERY}
    if seen.context_id:
        metadata["contextId"] = clean(seen.context_id)[:LONGEST_NAME]
    session = SessionRequest(
        opener=AGENT,
        session_id=seen.session_id,
        mode_name=clean(seen.mode_name)[:LONGEST_NAME],
        mode_version=clean(seen.mode_version)[:LONGEST_VERSION],
        configuration_version=clean(seen.configuration_version)[:LONGEST_NAME],
        policy_version=clean(seen.policy_version)[:LONGEST_NAME],
        ttl_ms=_ttl_ms(seen),
        initiator_participant_id=clean(seen.initiator)[:LONGEST_NAME] or None,
        participants=tuple(
            ParticipantRequest(id=name) for name in dict.fromkeys(map(clean, seen.participants)) if name
        ),
        metadata=metadata,
    )
    return ExecutionRequest(mode=LIVE, runtime=RuntimeChoice(kind=kind), session=session, execution=Execution())


def _ttl_ms(seen: SessionSnapshot) -> int:
    ttl_ms = seen.expires_at_unix_ms - seen.started_at_unix_ms
    return ttl_ms if seen.started_at_unix_ms and 0 < ttl_ms <= LONGEST_TTL_MS else LONGEST_TTL_MS
