"""A plan of a session for tests of runtimes; say only what matters to the test."""

from typing import Any
from uuid import UUID

from runs.runtimes.port import Outgoing, Participant, SessionPlan

RUN_ID = "0190a7c2-0000-7000-8000-00000000000a"
SESSION_ID = "0190a7c2-0000-7000-8000-00000000000b"


def a_plan(**changes: Any) -> SessionPlan:
    """A decision of lead, ann and bob that the control plane opens."""
    plan: dict[str, Any] = {
        "run_id": RUN_ID,
        "session_id": SESSION_ID,
        "mode_name": "macp.mode.decision.v1",
        "mode_version": "1.0.0",
        "configuration_version": "config.default",
        "policy_version": "",
        "ttl_ms": 60_000,
        "initiator": "lead",
        "opener": "control-plane",
        "participants": (Participant(id="lead"), Participant(id="ann"), Participant(id="bob")),
    }
    return SessionPlan(**(plan | changes))


def a_message(number: int = 0, **changes: Any) -> Outgoing:
    """A proposal of the initiator; each number has a message id of its own."""
    message: dict[str, Any] = {
        "message_id": str(UUID(int=(7 << 76) | (2 << 62) | number)),
        "message_type": "Proposal",
        "sender": "lead",
        "recipients": ("ann",),
        "payload": {"proposalId": f"sent-{number}", "option": "wait a week"},
    }
    return Outgoing(**(message | changes))
