"""States to show: what the fold makes of the stories in tests/scenarios.py, and of texts that mean harm."""

import functools
from collections.abc import Sequence
from typing import Any

import orjson

from runs.domain.events import Observation
from runs.domain.projection import dump, empty, fold
from tests import scenarios
from tests.drafting import play
from tests.run_log import RUN_ID, Log

CANARY = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>\'"`{{7*7}}javascript:alert(1)\u202e'

MODES = {
    "happy decision": scenarios.DECISION,
    "veto": scenarios.DECISION,
    "negotiation": scenarios.PROPOSAL,
    "task done": scenarios.TASK,
    "task failed": scenarios.TASK,
    "handoff accepted": scenarios.HANDOFF,
    "handoff declined": scenarios.HANDOFF,
    "quorum reached": scenarios.QUORUM,
    "convergence": scenarios.MULTI_ROUND,
}
PEOPLE = ("lead", "alice", "bob", "carol")


def state_of(log: Log) -> dict[str, Any]:
    """What the API would answer for a run with this log."""
    public, _ = dump(fold(empty(str(RUN_ID)), log.events))
    state: dict[str, Any] = orjson.loads(public)
    return state


def told(name: str, *, first: int | None = None, ended: bool = True) -> dict[str, Any]:
    """The state after a story, or after its first so many observations."""
    observations: Sequence[Observation] = scenarios.ALL[name][:first]
    log = Log()
    log.bind(PEOPLE, modeName=MODES.get(name, scenarios.DECISION))
    for person, role in zip(PEOPLE, ("proposer", "voter", "voter", "voter"), strict=True):
        log.see(person, role)
    log.write("session.state.changed", {"state": "SESSION_STATE_OPEN", "runStatus": "running"})
    for draft in play(observations):
        subject = (draft.subject_kind, draft.subject_id) if draft.subject_kind and draft.subject_id else None
        log.write(draft.type, draft.data, subject)
    if ended and first is None:
        log.end()
    return state_of(log)


@functools.cache
def whole_stories() -> tuple[dict[str, Any], ...]:
    """The states of all stories after every second step, and in the end."""
    return tuple(
        state
        for name, story in scenarios.ALL.items()
        for state in (*(told(name, first=first) for first in range(0, len(story) + 1, 2)), told(name))
    )


def hostile() -> dict[str, Any]:
    """The state of a run in which every text that an agent chooses is the canary."""
    return state_of(hostile_log(CANARY))


def hostile_log(canary: str) -> Log:
    """The log of such a run."""
    log = Log()
    log.bind((canary, "bob"), modeName=canary, policyVersion=canary)
    log.see(canary, canary)
    log.see("bob", "voter")
    payload: dict[str, object] = {
        **dict.fromkeys(("option", "rationale", "prompt", "requestedAssignee", "reason"), canary),
        "confidence": 0.5,
    }
    log.hear(canary, canary, payload, canary)
    log.derive("proposal.created", canary, canary, payload, ("proposal", canary))
    log.answer("bob", "Vote", canary, {"vote": "APPROVE", "reason": canary})
    log.write(
        "policy.resolved", {"policyVersion": canary, "policyDescription": canary, "expectedCommitments": [canary]}
    )
    log.write("policy.denied", {"commitmentId": canary, "reasons": [canary]}, ("policy", canary))
    signal = {"signalType": canary, "severity": canary, "dataJson": {canary: canary}}
    log.derive("signal.emitted", canary, "Signal", signal, ("signal", canary))
    log.write("signal.acknowledged", {"sender": canary}, ("signal", canary))
    log.write("progress.reported", {"participantId": canary, "sender": canary, "percentage": 5, "message": canary})
    log.send("queued", None, canary, canary, to=[canary])
    log.write("artifact.created", {"artifactId": canary}, ("artifact", canary))
    supersedes = {"sessionId": canary, "commitmentHash": canary}
    final = {"action": canary, "reason": canary, "supersedes": supersedes}
    log.derive("decision.finalized", canary, "Commitment", final, ("decision", canary))
    return log
