"""Envelopes of a session, and frames that nobody could read."""

from base64 import b64encode
from collections.abc import Callable

from runs.domain.events import Draft, Envelope, EventType, JsonObject, Observation, ObservationKind, Undecodable
from runs.domain.normaliser.context import Context
from runs.domain.normaliser.decisions import policy_denial
from runs.domain.normaliser.members import identifier, present
from runs.domain.normaliser.message import Message, read_message
from runs.domain.normaliser.origin import origin_of
from runs.domain.normaliser.progress import task_progress
from runs.domain.normaliser.signals import llm_call
from runs.domain.normaliser.vocabulary import Derived, derived_of
from runs.domain.text import clean

PRODUCED = frozenset({EventType.PARTICIPANT_SEEN, EventType.MESSAGE_RECEIVED})

EXTRAS: tuple[Callable[[Message, Context], Draft | None], ...] = (task_progress, llm_call, policy_denial)
"""Events beside the derived one, in their order; each reads for itself whether it has something to say."""

_SHOWN_BYTES = 1024  # of a frame that could not be read


def envelope_drafts(envelope: Envelope, context: Context, raw_seq: int) -> list[Draft]:
    """`participant.seen` for a new sender, `message.received`, at most one derived event, then the extras."""
    message = read_message(envelope, context, raw_seq)
    drafts = [] if not message.sender or message.sender in context.seen else [_participant_seen(message, context)]
    drafts.append(message.draft(EventType.MESSAGE_RECEIVED, "message", None, message.received()))
    derived = derived_of(message.type)
    if derived is not None:
        drafts.append(_derived_draft(message, derived))
    drafts += [draft for extra in EXTRAS if (draft := extra(message, context)) is not None]
    return drafts


def undecodable_drafts(body: Undecodable, observation: Observation, context: Context, raw_seq: int) -> list[Draft]:
    """`message.received` that shows the beginning of the frame: it is on record, and nobody is blamed for it."""
    shown = context.redactor.redact_bytes(observation.raw)[:_SHOWN_BYTES]
    frame_id = clean(observation.source_id or "") or f"raw-{raw_seq}"
    data: JsonObject = {
        "modeName": context.mode_name,
        "messageType": ObservationKind.UNDECODABLE.value,
        "messageId": frame_id,
        "sessionId": context.session_id,
        "sender": "",
        "error": context.redactor.redact_text(clean(body.reason)),
        "payload": {
            "payloadBase64": b64encode(shown).decode(),
            "sizeBytes": len(observation.raw),
        },
    }
    origin = origin_of(context, ObservationKind.UNDECODABLE.value, raw_seq)
    return [origin.draft(EventType.MESSAGE_RECEIVED, "message", frame_id, data)]


def _participant_seen(message: Message, context: Context) -> Draft:
    facts, shown = context.roles.get(message.sender), context.redactor.redact_text
    data = present(
        (
            ("participantId", message.sender),
            ("role", (shown(facts.role) or None) if facts else None),
            ("transportIdentity", (shown(facts.transport_identity) or None) if facts else None),
            ("status", "idle"),
        )
    )
    return message.draft(EventType.PARTICIPANT_SEEN, "participant", message.sender, data)


def _derived_draft(message: Message, derived: Derived) -> Draft:
    data = message.derived()
    if derived.detail is not None:
        data |= derived.detail(message)
    subject_id = next((found_id for name in derived.ids if (found_id := identifier(message.members, name))), None)
    return message.draft(derived.event_type, derived.subject_kind, subject_id, data)
