"""One envelope, read once: what every draft made from it needs."""

from collections.abc import Mapping

import msgspec

from runs.domain.events import Draft, Envelope, EventType, JsonObject
from runs.domain.normaliser.context import Context
from runs.domain.normaliser.members import unwrapped
from runs.domain.normaliser.origin import Origin, origin_of, trace_in
from runs.domain.normaliser.payloads import read_payload
from runs.domain.text import clean

_REDACTED_PATHS = 50  # so many are listed


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope with clean identifiers and its payload as shown.

    `subject_id` is the message id, or the raw number where the runtime gave none; `members` is the payload's object
    whatever it is wrapped in.
    """

    header: JsonObject  # modeName, messageType, messageId, sessionId, sender
    type: str
    id: str
    sender: str
    subject_id: str
    payload: JsonObject
    members: Mapping[str, object]
    redacted: list[str]
    type_name: str | None
    origin: Origin

    def draft(self, event_type: EventType, subject_kind: str, subject_id: str | None, data: JsonObject) -> Draft:
        """A draft about this message; without a subject id of its own its subject is the message."""
        return self.origin.draft(event_type, subject_kind, subject_id or self.subject_id, data)

    def received(self) -> JsonObject:
        """The data of `message.received`."""
        data: JsonObject = {**self.header, "payload": self.payload}
        if self.redacted:
            data["redacted"] = self.redacted[:_REDACTED_PATHS]
        return data

    def derived(self) -> JsonObject:
        """The data every derived event begins with."""
        data = dict(self.header)
        if self.payload:
            data["decodedPayload"] = self.payload
        if self.type_name:
            data["payloadTypeName"] = self.type_name
        return data

    def extra(self) -> JsonObject:
        """What an event beside the derived one says of the message."""
        return {"sender": self.sender, "messageId": self.id}


def read_message(envelope: Envelope, context: Context, raw_seq: int) -> Message:
    """The envelope, ready to be turned into drafts. An ambient one takes its session and mode from the run."""
    payload = read_payload(envelope, context.redactor)
    message_type, message_id, sender = clean(envelope.message_type), clean(envelope.message_id), clean(envelope.sender)
    members = unwrapped(payload.shown)
    return Message(
        header={
            "modeName": clean(envelope.mode) or context.mode_name,
            "messageType": message_type,
            "messageId": message_id,
            "sessionId": clean(envelope.session_id) or context.session_id,
            "sender": sender,
        },
        type=message_type,
        id=message_id,
        sender=sender,
        subject_id=message_id or f"raw-{raw_seq}",
        payload=payload.shown,
        members=members,
        redacted=payload.redacted,
        type_name=clean(envelope.type_name) if envelope.type_name else None,
        origin=origin_of(context, message_type, raw_seq, trace_in(members)),
    )
