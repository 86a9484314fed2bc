"""Commits a session of any mode after it has heard so many messages of one type: the initiator's last word."""

from collections.abc import Callable

from macp_sdk import DecisionSession, HandoffSession, ProposalSession, QuorumSession, TaskSession
from macp_sdk.base_session import BaseSession

from tests.sdk_agents.seat import arguments, client_of, heard, leave_after

MODES: dict[str, Callable[..., BaseSession]] = {
    "decision": DecisionSession,
    "proposal": ProposalSession,
    "task": TaskSession,
    "handoff": HandoffSession,
    "quorum": QuorumSession,
}


def close_after(session: BaseSession, message_type: str, *, count: int, action: str, positive: bool) -> None:
    """The session is committed, and the Commitment was heard."""
    missing = count
    for envelope in heard(session):
        missing -= envelope.message_type == message_type
        if missing == 0 and envelope.message_type == message_type:
            session.commit(
                action=action, authority_scope="session", reason=f"{count} x {message_type}", outcome_positive=positive
            )


def main() -> None:
    parser = arguments("An initiator that commits.")
    parser.add_argument("--mode", choices=MODES, required=True)
    parser.add_argument("--after", required=True, metavar="TYPE")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--action", required=True)
    parser.add_argument("--negative", action="store_true")
    wanted = parser.parse_args()
    with client_of(wanted) as client:
        session = MODES[wanted.mode](client, session_id=wanted.session)
        close_after(session, wanted.after, count=wanted.count, action=wanted.action, positive=not wanted.negative)


if __name__ == "__main__":
    leave_after(main)
