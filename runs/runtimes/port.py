"""The port: what Signalbox needs from an agent runtime, and what may go wrong.

An adapter owns its wire protocol alone. No protobuf object, no `Any` and no foreign error crosses this file: an adapter
translates into the values of `runs.domain.events` and raises only

- `RuntimeUnavailable` (not reachable; the same call may be repeated), `RuntimeTimedOut` (fate unknown),
- `RuntimeRejected` (the runtime answered and refused; `runtime_code` is its own word), `SessionNotFound`,
- `RuntimeUnsupported` (the runtime lacks the capability).

Adapters are found by dotted path (settings.RUNTIME_ADAPTERS), so nothing else imports them. The contract suite
`tests/contracts/test_runtime_port.py` runs over every one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

import msgspec

from runs.domain.events import Ack, JsonObject, Observation
from runs.errors import FieldFault
from runs.runtimes.offer import Offer, Root


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a runtime says it can do; None where it left the capability out."""

    sessions: bool | None = None
    cancellation: bool | None = None
    progress: bool | None = None
    manifest: bool | None = None
    mode_registry: bool | None = None
    roots: bool | None = None
    watch_sessions: bool | None = None
    policy_registry: bool | None = None


class RuntimeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What Initialize answered."""

    name: str
    version: str
    protocol_version: str
    supported_modes: tuple[str, ...]
    capabilities: Capabilities


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """One participant of a session as the request named it."""

    id: str
    role: str = ""
    transport_identity: str = ""


class SessionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an adapter must know of a run's session; the same for every attempt to launch or attach.

    `options` is `runtime.options` of the request, `scenario` is `session.metadata.scenario`. `run_id` seeds whatever a
    deterministic adapter makes up.
    """

    run_id: str
    session_id: str
    mode_name: str
    mode_version: str
    configuration_version: str
    policy_version: str
    ttl_ms: int
    initiator: str
    opener: str
    participants: tuple[Participant, ...]
    roots: tuple[Root, ...] = ()
    intent: str = ""
    context_id: str = ""
    context: bytes = b""  # UTF-8 JSON or the envelope's bytes; empty = none
    context_type: str = (
        ""  # full name of the protobuf message that the JSON in `context` describes, where one was named
    )
    options: JsonObject = {}
    scenario: str = ""
    traceparent: str = ""  # W3C Trace Context of whoever launched the run
    kickoff_count: int = 0  # messages the run sends first; a scripted session speaks only after them

    @property
    def members(self) -> frozenset[str]:
        """Who may speak in the session, as the request says: its initiator and its participants."""
        return frozenset({self.initiator, *(participant.id for participant in self.participants)})


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One message to encode: `payload` is a JSON object for the mode's message type, `payload_bytes` wins over it.

    `payload_type` is the full name of the protobuf message that `payload` describes, where the caller named one.
    """

    message_id: str
    message_type: str
    sender: str
    recipients: tuple[str, ...] = ()
    payload: JsonObject | None = None
    payload_bytes: bytes | None = None
    payload_type: str = ""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a send. `observation` is the ack as an observation; `adapter_state` replaces the stored one."""

    ack: Ack
    observation: Observation
    adapter_state: bytes | None = None


class Session(Protocol):
    """One session at a runtime, as one run's owner holds it. Not shared between tasks of different runs."""

    async def start(self, start: bytes) -> Sent:
        """Send the stored SessionStart bytes. A refusal is an ack with ok=False, never an exception."""

    def observe(self, after: int) -> AsyncIterator[Observation]:
        """Observations after `after` session envelopes, then live ones, until the runtime's stream ends.

        Raises SessionNotFound while an agent has not opened the session yet, RuntimeUnavailable when the stream breaks.
        The caller closes it (aclose); a terminal session state does not.
        """

    async def appears(self, timeout: float) -> None:
        """Return as soon as the runtime tells of the session, at the latest after `timeout` seconds. A hint, no proof."""

    async def send(self, message: bytes) -> Sent:
        """Send stored message bytes as their sender. A refusal is an ack with ok=False.

        RuntimeTimedOut and RuntimeUnavailable leave the fate unknown: the same bytes may be sent again.
        """

    def may_repeat(self, message: bytes) -> bool:
        """True if stored message bytes do nothing more when they are sent again: the session knows them by their id.

        False for what the session does not count, such as a signal. Makes no call.
        """

    def confirm(self, adapter_state: bytes | None) -> None:
        """The state a send returned is committed: what follows from it may now be observed."""

    async def snapshot(self) -> Observation:
        """What the session is right now (kind SNAPSHOT). Raises SessionNotFound when the runtime does not know it."""

    async def cancel(self, reason: str) -> Sent:
        """Ask the runtime to cancel the session, as its initiator. Cancelling an ended session is ok=True."""

    async def suspend(self, reason: str) -> Sent:
        """Ask the runtime to suspend the session."""

    async def resume(self, reason: str) -> Sent:
        """Ask the runtime to resume the session."""

    async def close(self) -> None:
        """Let go of streams and tasks of this session; the session itself goes on."""


class Runtime(Protocol):
    """One runtime, as one process talks to it. Safe to use from many tasks of one event loop."""

    source_name: str  # `source.name` of the events it causes

    @property
    def offer(self) -> Offer:
        """What the runtime offers beside its sessions. Makes no call."""

    async def initialize(self) -> RuntimeInfo:
        """Agree on a protocol version and learn what the runtime offers."""

    def option_faults(self, options: Mapping[str, object], scenario: str) -> Sequence[FieldFault]:
        """What is wrong with `runtime.options` (paths relative to it), before anything is stored. Makes no call."""

    def encode_start(self, plan: SessionPlan) -> bytes:
        """The exact bytes of the SessionStart for `plan`; its message id is `uuid5(run, "start")`."""

    def encode_message(self, plan: SessionPlan, message: Outgoing) -> bytes:
        """The exact bytes of one session-bound message. Raises RuntimeRejected if the payload does not fit its type."""

    def may_send_as(self, plan: SessionPlan, participant: str) -> bool:
        """True if we hold what it takes to send into the session of `plan` as `participant`. Makes no call."""

    def attach(self, plan: SessionPlan, *, adapter_state: bytes | None) -> Session:
        """A handle on the session of `plan`, going on from the committed `adapter_state`. Makes no call."""

    async def policy_known(self, policy_version: str) -> bool:
        """True if a session may name this policy. Empty always may."""

    def sessions(self) -> AsyncIterator[Observation]:
        """First that the watch stands (STREAM_STATUS), then every session the runtime knows, the ended ones too, then each
        change of one (LIFECYCLE), until the runtime's stream ends.

        Best effort: what happens while nobody watches shows in the state of the session, when the next watch begins. Raises
        RuntimeUnavailable when the stream breaks, RuntimeUnsupported where sessions cannot be watched. The caller closes it.
        """

    async def close(self) -> None:
        """Close every channel and stream."""
