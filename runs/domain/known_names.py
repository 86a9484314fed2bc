"""Names that are known here, of all that agents may make up: a metric counts each of these apart and the rest together."""

from runs.domain.normaliser.signals import LLM_SIGNAL
from runs.domain.normaliser.vocabulary import VOCABULARY

OTHER = "other"

MODES = frozenset(
    {
        "macp.mode.decision.v1",
        "macp.mode.proposal.v1",
        "macp.mode.task.v1",
        "macp.mode.handoff.v1",
        "macp.mode.quorum.v1",
        "ext.multi_round.v1",
    }
)
MESSAGE_TYPES = frozenset({*VOCABULARY, "SessionStart", "SessionCancel", "SessionSuspend", "SessionResume"})
# What the protocol's examples and the built-in scenarios call out.
SIGNAL_TYPES = frozenset(
    {
        LLM_SIGNAL,
        "agent.stalled",
        "capacity.confirmed",
        "offer.countered",
        "quorum.reached",
        "result.ready",
        "risk.raised",
    }
)


def known(name: object, names: frozenset[str]) -> str:
    """The name, if it is one of these; else `other`."""
    return name if isinstance(name, str) and name in names else OTHER
