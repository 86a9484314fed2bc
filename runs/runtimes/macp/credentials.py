"""Who we are towards the runtime: it derives the sender of a message from the token alone.

Three sources: our own token, one token per participant we may speak for, and, on a development runtime, the
participant's id itself. A token never appears in an error, a log line or a repr.
"""

from dataclasses import dataclass

from runs.errors import RuntimeRejected
from runs.runtimes.macp.settings import MacpSettings
from runs.runtimes.port import SessionPlan

Metadata = tuple[tuple[str, str], ...]

_OURSELVES = "control-plane"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Call metadata for each identity we hold."""

    settings: MacpSettings

    def own(self) -> Metadata:
        """Our own identity: reads, watches, policies, observing."""
        chosen = self.settings
        return self._metadata(chosen.bearer_token or chosen.dev_agent_id, chosen.dev_agent_id)

    def sender(self, participant: str) -> Metadata:
        """The identity of `participant`. Raises RuntimeRejected if we may not speak for it."""
        token = self._token_of(participant)
        if token is None:
            raise RuntimeRejected(f"no credential to send as {participant}", runtime_code="NO_SENDER_CREDENTIAL")
        return self._metadata(token, participant)

    def may_send_as(self, participant: str) -> bool:
        """True if `sender` finds a credential."""
        return self._token_of(participant) is not None

    def observer(self, plan: SessionPlan) -> Metadata:
        """Who reads the session: its initiator if we opened it, else ourselves.

        A development runtime knows no observers, so there a session is always read as its initiator.
        """
        ours = plan.opener == _OURSELVES or not self.settings.bearer_token
        return self._initiator(plan) if ours else self.own()

    def steward(self, plan: SessionPlan) -> Metadata:
        """Who cancels, suspends and resumes: the initiator if we may, else ourselves; the runtime decides."""
        return self._initiator(plan)

    def _initiator(self, plan: SessionPlan) -> Metadata:
        token = self._token_of(plan.initiator)
        return self.own() if token is None else self._metadata(token, plan.initiator)

    def _token_of(self, participant: str) -> str | None:
        chosen = self.settings
        if participant in chosen.sender_tokens:
            return chosen.sender_tokens[participant]
        if participant and chosen.dev_senders:
            return participant
        if participant and participant == chosen.dev_agent_id and not chosen.bearer_token:
            return participant
        return None

    def _metadata(self, token: str, identity: str) -> Metadata:
        bearer = (("authorization", f"Bearer {token}"),) if token else ()
        named = (("x-macp-agent-id", identity),) if self.settings.use_dev_header and identity else ()
        return bearer + named
