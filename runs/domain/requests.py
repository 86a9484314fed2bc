"""What a caller asked for, once it is known to be valid: immutable values whose JSON form is the body of POST /runs.

A stored request is read back with `decode_request`; nothing in here checks bounds, that is done where bodies are read.
"""

import hashlib
from enum import StrEnum
from typing import cast

import msgspec
import orjson

from runs.domain.events import JsonObject

CONTROL_PLANE = "control-plane"
AGENT = "agent"
OPENERS = (CONTROL_PLANE, AGENT)

LIVE = "live"
SANDBOX = "sandbox"
MODES = (LIVE, SANDBOX)


class CancelRoute(StrEnum):
    """Whom a cancel of a bound session goes to."""

    RUNTIME = "runtime"  # CancelSession, as its initiator
    CALLBACK = "callback"  # the agent that opened it, by its cancel callback


class _Value(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    pass


class ProtoPayload(_Value, frozen=True, kw_only=True):
    """A protobuf message by its full name and its value as JSON; only an adapter can encode it."""

    type_name: str
    value: JsonObject


class PayloadEnvelope(_Value, frozen=True, kw_only=True):
    """A payload in one of four forms; `encoding` says which member holds it."""

    encoding: str
    media_type: str | None = None
    json: JsonObject | None = None
    text: str | None = None
    base64: str | None = None
    proto: ProtoPayload | None = None


class RuntimeChoice(_Value, frozen=True, kw_only=True):
    """Which runtime shall play the run, as the registry calls it, and what its adapter was told."""

    kind: str
    version: str | None = None
    options: JsonObject = {}


class ParticipantRequest(_Value, frozen=True, kw_only=True):
    """One participant of the session."""

    id: str
    role: str | None = None
    transport_identity: str | None = None
    metadata: JsonObject | None = None


class RootRequest(_Value, frozen=True, kw_only=True):
    """A resource root of the session."""

    uri: str
    name: str | None = None


class SessionRequest(_Value, frozen=True, kw_only=True):
    """The session as the caller described it; `opener` is decided, `session_id` only if the caller chose one."""

    opener: str
    mode_name: str
    mode_version: str
    configuration_version: str
    ttl_ms: int
    participants: tuple[ParticipantRequest, ...]
    session_id: str | None = None
    policy_version: str = ""
    initiator_participant_id: str | None = None
    roots: tuple[RootRequest, ...] = ()
    context: JsonObject | None = None
    context_envelope: PayloadEnvelope | None = None
    metadata: JsonObject = {}

    def text(self, name: str) -> str:
        """A recognised member of `metadata`, empty if the caller left it out."""
        value = self.metadata.get(name)
        return value if isinstance(value, str) else ""

    @property
    def cancellation_delegated(self) -> bool:
        """True if Signalbox may cancel a session that an agent opened."""
        return self.metadata.get("cancellationDelegated") is True

    @property
    def cancel_callback_url(self) -> str:
        """Where the agent that opened the session is asked to cancel it; empty if nowhere."""
        callback = self.metadata.get("cancelCallback")
        return str(callback["url"]) if isinstance(callback, dict) else ""

    @property
    def cancel_route(self) -> CancelRoute | None:
        """Who is asked to cancel the session once it is bound; None where Signalbox may ask nobody."""
        if self.opener != AGENT or self.cancellation_delegated:
            return CancelRoute.RUNTIME
        return CancelRoute.CALLBACK if isinstance(self.metadata.get("cancelCallback"), dict) else None


class KickoffRequest(_Value, frozen=True, kw_only=True):
    """One message that Signalbox sends once it has opened the session."""

    sender: str = msgspec.field(name="from")
    to: tuple[str, ...]
    kind: str
    message_type: str
    payload: JsonObject | None = None
    payload_envelope: PayloadEnvelope | None = None
    metadata: JsonObject | None = None
    reply_timeout_ms: int | None = None


class Requester(_Value, frozen=True, kw_only=True):
    """On whose behalf the caller asks."""

    actor_id: str | None = None
    actor_type: str | None = None


class Timeouts(_Value, frozen=True, kw_only=True):
    """Deadlines that win over the settings, in milliseconds; `progress_ms` 0 means none."""

    admission_ms: int | None = None
    progress_ms: int | None = None


class Execution(_Value, frozen=True, kw_only=True):
    """How the run is to be carried out."""

    idempotency_key: str | None = None
    tags: tuple[str, ...] = ()
    requester: Requester | None = None
    timeouts: Timeouts | None = None


class ExecutionRequest(_Value, frozen=True, kw_only=True):
    """A valid body of POST /runs with every default filled in."""

    mode: str
    runtime: RuntimeChoice
    session: SessionRequest
    execution: Execution
    kickoff: tuple[KickoffRequest, ...] = ()

    @property
    def initiator(self) -> str:
        """Who opens and may cancel the session."""
        requester = self.execution.requester
        return (
            self.session.initiator_participant_id
            or (self.kickoff[0].sender if self.kickoff else None)
            or (requester.actor_id if requester else None)
            or self._first_participant
        )

    @property
    def _first_participant(self) -> str:
        first = next(iter(self.session.participants), None)  # a session that was discovered may have none
        return (first.transport_identity or first.id) if first else ""

    @property
    def admission_ms(self) -> int | None:
        """How long admission may take, None to leave it to the settings."""
        return self.execution.timeouts.admission_ms if self.execution.timeouts else None

    @property
    def progress_ms(self) -> int | None:
        """How long the run may stand still; 0 means for ever, None leaves it to the settings."""
        return self.execution.timeouts.progress_ms if self.execution.timeouts else None

    @property
    def tags(self) -> list[str]:
        """The run's tags, each once; a sandbox run says so in a tag too."""
        added = (SANDBOX,) if self.mode == SANDBOX else ()
        return list(dict.fromkeys((*self.execution.tags, *added)))


def document_of(request: ExecutionRequest) -> JsonObject:
    """The request as a JSON object, defaults left out."""
    return cast(JsonObject, msgspec.to_builtins(request))


def decode_request(text: str | bytes) -> ExecutionRequest:
    """The request whose JSON document is `text`. Raises msgspec.ValidationError if it is none."""
    return msgspec.json.decode(text, type=ExecutionRequest)


def canonical(document: JsonObject) -> bytes:
    """The one JSON text of a document: equal documents give equal bytes, whatever the order of their keys."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def digest_of(request: ExecutionRequest) -> bytes:
    """32 bytes that tell a repeated request from another one under the same idempotency key."""
    return hashlib.sha256(canonical(document_of(request))).digest()


def without_bearer(document: JsonObject) -> JsonObject:
    """A request document that can be shown: the bearer of its cancel callback, sealed or not, is gone."""
    session = cast(JsonObject, document["session"])
    metadata = cast(JsonObject, session.get("metadata", {}))
    callback = metadata.get("cancelCallback")
    if not isinstance(callback, dict):
        return document
    shown = {name: value for name, value in callback.items() if name not in ("bearer", "sealedBearer")}
    return {**document, "session": {**session, "metadata": {**metadata, "cancelCallback": shown}}}
