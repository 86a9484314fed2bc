"""What the runtime says, as values of the port. Pure: bytes in, values out; no call, no clock."""

import hashlib

import orjson

from runs.domain.events import (
    Ack,
    AckError,
    Envelope,
    InlineError,
    Observation,
    ObservationKind,
    SessionSnapshot,
    SessionState,
    Undecodable,
)
from runs.errors import RuntimeRejected
from runs.runtimes.macp import wire
from runs.runtimes.macp.payloads import decode_payload
from runs.runtimes.port import Capabilities, RuntimeInfo

_STATES = {number: SessionState(name) for name, number in wire.SessionState.items()}


def read_frame(frame: bytes) -> Observation:
    """One frame of a session stream; a frame that cannot be read is kept with its bytes and identified by them."""
    try:
        response = wire.StreamSessionResponse.FromString(frame)
    except wire.DecodeError as error:
        return _undecodable(frame, str(error))
    which = response.WhichOneof("response")
    if which == "envelope":
        return _stream_envelope(response.envelope, frame)
    if which == "error":
        return Observation(kind=ObservationKind.INLINE_ERROR, body=_inline_error(response.error), raw=frame)
    return _undecodable(frame, "the frame holds neither an envelope nor an error")


def _undecodable(frame: bytes, reason: str) -> Observation:
    body = Undecodable(reason=reason)
    return Observation(kind=ObservationKind.UNDECODABLE, body=body, raw=frame, source_id=_by_content(frame))


def _by_content(frame: bytes) -> str:
    return f"env:sha256:{hashlib.sha256(frame).hexdigest()}"


def _stream_envelope(message: wire.Envelope, frame: bytes) -> Observation:
    body = envelope_of(message)
    source_id = f"env:{body.message_id}" if body.message_id else _by_content(frame)
    return Observation(kind=ObservationKind.ENVELOPE, body=body, raw=frame, source_id=source_id)


def envelope_of(message: wire.Envelope) -> Envelope:
    """The envelope with its payload decoded where the type is known."""
    mode, message_type, payload = message.mode, message.message_type, message.payload
    decoded, type_name = decode_payload(mode, message_type, payload)
    return Envelope(
        mode=mode,
        message_type=message_type,
        message_id=message.message_id,
        session_id=message.session_id,
        sender=message.sender,
        payload=payload,
        timestamp_unix_ms=message.timestamp_unix_ms,
        decoded=decoded,
        type_name=type_name,
    )


def _inline_error(error: wire.MACPError) -> InlineError:
    return InlineError(
        code=error.code,
        message=error.message,
        session_id=error.session_id,
        message_id=error.message_id,
        details=error.details,
    )


def read_signal(frame: bytes) -> tuple[str, Observation] | None:
    """One frame of the signal watch and the session it speaks of; None if it names no session or cannot be read."""
    try:
        message = wire.WatchSignalsResponse.FromString(frame).envelope
    except wire.DecodeError:
        return None
    body = envelope_of(message)
    session_id = message.session_id or (body.decoded or {}).get("correlationSessionId")
    if not isinstance(session_id, str) or not session_id:
        return None
    source_id = f"amb:{body.sender}:{body.message_id}"
    return session_id, Observation(kind=ObservationKind.AMBIENT, body=body, raw=frame, source_id=source_id)


def read_lifecycle(frame: bytes) -> tuple[str, Observation] | None:
    """One frame of the session watch and the session it speaks of; None if it cannot be read."""
    try:
        body = snapshot_of(wire.WatchSessionsResponse.FromString(frame).event.session)
    except wire.DecodeError:
        return None
    return body.session_id, Observation(kind=ObservationKind.LIFECYCLE, body=body, raw=frame)


def read_snapshot(answer: bytes) -> Observation:
    """The answer to GetSession. Raises DecodeError if it cannot be read."""
    body = snapshot_of(wire.GetSessionResponse.FromString(answer).metadata)
    return Observation(kind=ObservationKind.SNAPSHOT, body=body, raw=answer)


def snapshot_of(metadata: wire.SessionMetadata) -> SessionSnapshot:
    """What session metadata says; a state this version does not know is UNSPECIFIED."""
    return SessionSnapshot(
        session_id=metadata.session_id,
        state=_STATES.get(metadata.state, SessionState.UNSPECIFIED),
        mode_name=metadata.mode,
        mode_version=metadata.mode_version,
        configuration_version=metadata.configuration_version,
        policy_version=metadata.policy_version,
        started_at_unix_ms=metadata.started_at_unix_ms,
        expires_at_unix_ms=metadata.expires_at_unix_ms,
        initiator=metadata.initiator,
        participants=tuple(metadata.participants),
        context_id=metadata.context_id,
        extension_keys=tuple(metadata.extension_keys),
        message_count=sum(activity.message_count for activity in metadata.participant_activity),
    )


def ack_of(message: wire.Ack, number: int) -> Ack:
    """The runtime's answer to one message; `number` counts the answers to that message."""
    error = message.error
    return Ack(
        ok=message.ok,
        message_id=message.message_id,
        session_id=message.session_id,
        duplicate=message.duplicate,
        accepted_at_unix_ms=message.accepted_at_unix_ms,
        session_state=_STATES.get(message.session_state, SessionState.UNSPECIFIED),
        number=number,
        error=AckError(
            code=error.code,
            message=error.message,
            session_id=error.session_id,
            message_id=error.message_id,
            details=error.details,
        )
        if message.HasField("error")
        else None,
    )


def refused_ack(refused: RuntimeRejected, session_id: str, message_id: str) -> wire.Ack:
    """The ack a runtime means that refuses with a status: what it would have sent, had it used its other channel."""
    error = wire.MACPError(
        code=refused.runtime_code,
        message=refused.message,
        session_id=session_id,
        message_id=message_id,
        details=orjson.dumps(refused.details) if refused.details else b"",
    )
    return wire.Ack(ok=False, session_id=session_id, message_id=message_id, error=error)


def ack_observation(ack: Ack, raw: bytes) -> Observation:
    """An ack as an observation; the answer to something without a message id has no identity."""
    source_id = f"ack:{ack.message_id}:{ack.number}" if ack.message_id else None
    return Observation(kind=ObservationKind.ACK, body=ack, raw=raw, source_id=source_id)


def info_of(answer: wire.InitializeResponse) -> RuntimeInfo:
    """What Initialize answered; a capability the runtime left out stays None."""
    return RuntimeInfo(
        name=answer.runtime_info.name,
        version=answer.runtime_info.version,
        protocol_version=answer.selected_protocol_version,
        supported_modes=tuple(answer.supported_modes),
        capabilities=_capabilities(answer.capabilities),
    )


def _capabilities(said: wire.Capabilities) -> Capabilities:
    def flag(capability: str, value: bool) -> bool | None:
        return value if said.HasField(capability) else None

    return Capabilities(
        sessions=flag("sessions", said.sessions.stream),
        cancellation=flag("cancellation", said.cancellation.cancel_session),
        progress=flag("progress", said.progress.progress),
        manifest=flag("manifest", said.manifest.get_manifest),
        mode_registry=flag("mode_registry", said.mode_registry.list_modes),
        roots=flag("roots", said.roots.list_roots),
        watch_sessions=flag("sessions", said.sessions.watch_sessions),
        policy_registry=flag("policy_registry", said.policy_registry.register_policy),
    )
