"""Observation -> drafts: what a runtime told us, as canonical events that have no number yet.

Pure (it changes nothing and asks no clock), total (no input makes it fail) and deterministic. It runs under the run's
lock, on observations that are not known yet. One observation may yield nothing: it is kept all the same.
"""

from runs.domain.events import (
    Ack,
    Draft,
    Envelope,
    EventType,
    InlineError,
    Observation,
    SessionSnapshot,
    StreamStatus,
)
from runs.domain.normaliser import decisions, fates, messages, progress, session, signals, vocabulary
from runs.domain.normaliser.context import Context, ParticipantFacts
from runs.domain.normaliser.llm import PriceTable

__all__ = ["EXEMPT", "PRODUCED", "Context", "ParticipantFacts", "PriceTable", "normalise"]

PRODUCED: frozenset[EventType] = frozenset().union(
    *(part.PRODUCED for part in (decisions, fates, messages, progress, session, signals, vocabulary))
)
"""Every type an observation can become."""

EXEMPT: dict[EventType, str] = {
    EventType.RUN_CREATED: "written when a run is accepted, before any runtime is asked",
    EventType.RUN_STARTED: "written when an observer claims the run",
    EventType.SESSION_BOUND: "written when the session is found or opened",
    EventType.RUN_COMPLETED: "an ending; only one place writes endings",
    EventType.RUN_FAILED: "an ending; only one place writes endings",
    EventType.RUN_CANCELLED: "an ending; only one place writes endings",
    EventType.MESSAGE_QUEUED: "written when a message is stored, before it leaves",
    EventType.MESSAGE_ANSWERED: "needs the reply's number, which only the recorder gives",
    EventType.MESSAGE_UNANSWERED: "a deadline passed: no observation says so",
    EventType.ARTIFACT_CREATED: "written when a run starts running, or when somebody adds an artifact",
}
"""Types that no observation becomes, and why."""


def normalise(observation: Observation, context: Context, *, raw_seq: int) -> list[Draft]:
    """The drafts that follow from one observation, in order; `context` is read, never changed."""
    body = observation.body
    if isinstance(body, Envelope):
        return messages.envelope_drafts(body, context, raw_seq)
    if isinstance(body, Ack):
        return fates.ack_drafts(body, context, raw_seq)
    if isinstance(body, SessionSnapshot):
        return session.snapshot_drafts(body, observation.kind, context, raw_seq)
    if isinstance(body, InlineError):
        return fates.inline_error_drafts(body, context, raw_seq)
    if isinstance(body, StreamStatus):
        return session.stream_status_drafts(body, context, raw_seq)
    return messages.undecodable_drafts(body, observation, context, raw_seq)
