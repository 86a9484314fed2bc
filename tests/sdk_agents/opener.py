"""Opens a decision, proposes, and commits once every other participant has voted: the lead of an agent-opened run."""

from macp_sdk import DecisionSession

from tests.sdk_agents.closer import close_after
from tests.sdk_agents.seat import arguments, client_of, leave_after


def main() -> None:
    parser = arguments("The initiator of a decision that it opens itself.")
    parser.add_argument("--participants", required=True, help="comma separated, the initiator included")
    parser.add_argument("--ttl-ms", type=int, default=60_000)
    wanted = parser.parse_args()
    participants = wanted.participants.split(",")
    with client_of(wanted) as client:
        session = DecisionSession(client, session_id=wanted.session)
        session.start(intent="decide", participants=participants, ttl_ms=wanted.ttl_ms)
        session.propose("p1", "ship it", rationale="it is ready")
        close_after(session, "Vote", count=len(participants) - 1, action="decision.selected", positive=True)


if __name__ == "__main__":
    leave_after(main)
