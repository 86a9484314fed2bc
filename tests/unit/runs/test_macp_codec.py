"""What the runtime says, as values of the port."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from macp.modes.decision.v1.decision_pb2 import VotePayload
from macp.v1 import core_pb2 as core
from macp.v1.envelope_pb2 import Ack, Envelope, MACPError

from runs.domain.events import Envelope as OurEnvelope
from runs.domain.events import InlineError, ObservationKind, SessionSnapshot, SessionState, Undecodable
from runs.runtimes.macp import wire
from runs.runtimes.macp.codec import (
    ack_observation,
    ack_of,
    info_of,
    read_frame,
    read_lifecycle,
    read_signal,
    read_snapshot,
)

VOTE = VotePayload(proposal_id="p1", vote="APPROVE").SerializeToString()


def envelope(**changes: object) -> Envelope:
    told: dict[str, object] = {
        "macp_version": "1.0",
        "mode": "macp.mode.decision.v1",
        "message_type": "Vote",
        "message_id": "m1",
        "session_id": "s1",
        "sender": "ann",
        "timestamp_unix_ms": 7,
        "payload": VOTE,
    }
    return Envelope(**(told | changes))


def frame(**changes: object) -> bytes:
    return bytes(core.StreamSessionResponse(envelope=envelope(**changes)).SerializeToString())


def test_an_envelope_keeps_its_bytes_and_is_known_by_its_message_id() -> None:
    told = frame()
    observation = read_frame(told)

    assert observation.kind is ObservationKind.ENVELOPE
    assert observation.raw == told
    assert observation.source_id == "env:m1"
    assert observation.body == OurEnvelope(
        mode="macp.mode.decision.v1",
        message_type="Vote",
        message_id="m1",
        session_id="s1",
        sender="ann",
        payload=VOTE,
        timestamp_unix_ms=7,
        decoded={"proposalId": "p1", "vote": "APPROVE"},
        type_name="macp.modes.decision.v1.VotePayload",
    )


def test_a_payload_that_cannot_be_read_leaves_the_envelope_readable() -> None:
    body = read_frame(frame(payload=b"\xff\xff")).body

    assert isinstance(body, OurEnvelope)
    assert (body.payload, body.decoded, body.type_name) == (b"\xff\xff", None, None)


@pytest.mark.parametrize("told", [b"\xff\xff\xff\xff", b"\x0a\x05ab", b"", b"\x0a\x04\x12\x02\xff\xfe"])
def test_a_frame_that_cannot_be_read_is_known_by_its_bytes(told: bytes) -> None:
    observation = read_frame(told)

    assert observation.kind is ObservationKind.UNDECODABLE
    assert observation.source_id == f"env:sha256:{hashlib.sha256(told).hexdigest()}"
    assert observation.raw == told
    assert isinstance(observation.body, Undecodable)
    assert observation.body.reason


@given(st.binary(max_size=80))
def test_no_bytes_make_reading_a_frame_fail(told: bytes) -> None:
    for read in (read_frame, read_signal, read_lifecycle):
        read(told)


def test_an_error_frame_keeps_what_the_runtime_said() -> None:
    error = MACPError(
        code="POLICY_DENIED", message="no", session_id="s1", message_id="m1", details=b'{"reasons":["x"]}'
    )
    observation = read_frame(core.StreamSessionResponse(error=error).SerializeToString())

    assert observation.kind is ObservationKind.INLINE_ERROR
    assert observation.source_id is None
    assert observation.body == InlineError(
        code="POLICY_DENIED", message="no", session_id="s1", message_id="m1", details=b'{"reasons":["x"]}'
    )


def signal(**changes: object) -> bytes:
    payload = core.SignalPayload(signal_type="alarm", correlation_session_id="s1").SerializeToString()
    ambient = {"mode": "", "session_id": "", "message_type": "Signal", "payload": payload}
    return bytes(core.WatchSignalsResponse(envelope=envelope(**(ambient | changes))).SerializeToString())


def test_a_signal_belongs_to_the_session_it_is_correlated_to() -> None:
    read = read_signal(signal())

    assert read is not None
    session_id, observation = read
    assert session_id == "s1"
    assert observation.kind is ObservationKind.AMBIENT
    assert observation.source_id == "amb:ann:m1"


def test_progress_within_a_session_belongs_to_it() -> None:
    read = read_signal(signal(message_type="Progress", session_id="s2", payload=b""))

    assert read is not None
    assert read[0] == "s2"


def test_a_signal_without_a_session_belongs_to_nobody() -> None:
    assert read_signal(signal(payload=core.SignalPayload(signal_type="alarm").SerializeToString())) is None


def metadata(state: int = 1) -> core.SessionMetadata:
    told = core.SessionMetadata(
        session_id="s1",
        mode="macp.mode.decision.v1",
        state=state,
        started_at_unix_ms=1,
        expires_at_unix_ms=2,
        mode_version="1.0.0",
        configuration_version="c",
        policy_version="policy.default",
        participants=["ann", "bob"],
        initiator="ann",
        context_id="ctx",
        extension_keys=["x-signalbox.context"],
    )
    told.participant_activity.add(participant_id="ann", message_count=2)
    told.participant_activity.add(participant_id="bob", message_count=3)
    return told


EXPECTED = SessionSnapshot(
    session_id="s1",
    state=SessionState.OPEN,
    mode_name="macp.mode.decision.v1",
    mode_version="1.0.0",
    configuration_version="c",
    policy_version="policy.default",
    started_at_unix_ms=1,
    expires_at_unix_ms=2,
    initiator="ann",
    participants=("ann", "bob"),
    context_id="ctx",
    extension_keys=("x-signalbox.context",),
    message_count=5,
)


def _from_get_session(told: core.SessionMetadata) -> SessionSnapshot:
    body = read_snapshot(core.GetSessionResponse(metadata=told).SerializeToString()).body
    assert isinstance(body, SessionSnapshot)
    return body


def _from_the_watch(told: core.SessionMetadata) -> SessionSnapshot:
    response = core.WatchSessionsResponse()
    response.event.session.CopyFrom(told)
    read = read_lifecycle(response.SerializeToString())
    assert read is not None
    assert read[0] == "s1"
    assert isinstance(read[1].body, SessionSnapshot)
    return read[1].body


@pytest.mark.parametrize("read", [_from_get_session, _from_the_watch])
def test_session_metadata_is_read_alike_wherever_it_comes_from(
    read: Callable[[core.SessionMetadata], SessionSnapshot],
) -> None:
    assert read(metadata()) == EXPECTED


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (0, SessionState.UNSPECIFIED),
        (1, SessionState.OPEN),
        (2, SessionState.RESOLVED),
        (3, SessionState.EXPIRED),
        (4, SessionState.SUSPENDED),
        (5, SessionState.CANCELLED),
        (99, SessionState.UNSPECIFIED),
    ],
)
def test_every_state_has_its_name_and_a_future_one_is_unspecified(number: int, state: SessionState) -> None:
    assert _from_get_session(metadata(number)).state is state


def test_acks_of_one_message_are_told_apart_by_their_number() -> None:
    told = wire.Ack.FromString(Ack(ok=True, message_id="m1", session_id="s1", session_state=1).SerializeToString())

    first, second = (ack_observation(ack_of(told, number), b"raw") for number in (1, 2))
    assert (first.source_id, second.source_id) == ("ack:m1:1", "ack:m1:2")
    assert first.raw == b"raw"


def test_an_ack_of_something_without_a_message_id_has_no_identity() -> None:
    told = wire.Ack.FromString(Ack(ok=True, session_id="s1").SerializeToString())

    assert ack_observation(ack_of(told, 1), b"").source_id is None


def test_a_capability_the_runtime_left_out_stays_unknown() -> None:
    answer = core.InitializeResponse(selected_protocol_version="1.0", supported_modes=["m"])
    answer.runtime_info.name = "other"
    answer.capabilities.sessions.stream = True
    answer.capabilities.policy_registry.register_policy = False

    info = info_of(wire.InitializeResponse.FromString(answer.SerializeToString()))
    assert info.capabilities.sessions is True
    assert info.capabilities.watch_sessions is False
    assert info.capabilities.policy_registry is False
    assert info.capabilities.cancellation is None
