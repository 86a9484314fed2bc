"""Agents of one session: each speaks to the runtime over gRPC with a token of its own. Nothing here knows Signalbox."""

import threading
from collections.abc import Sequence
from uuid import uuid4

import grpc
from macp.v1 import core_pb2 as core
from macp.v1.envelope_pb2 import Ack, Envelope

MODE = "macp.mode.decision.v1"
LEAD, ALICE, BOB = PEOPLE = ("lead", "alice", "bob")
OPEN = 1
LOOK_SECONDS = 0.03
TIMEOUT_SECONDS = 10.0


class Agents:
    """The participants of one session at a MACP runtime."""

    def __init__(self, channel: grpc.Channel, session_id: str) -> None:
        self._channel = channel
        self.session_id = session_id
        self._talk: threading.Thread | None = None
        self._silenced = threading.Event()

    def open_session(self) -> None:
        """The lead has opened the session itself."""
        start = core.SessionStartPayload(
            participants=PEOPLE, mode_version="1.0.0", configuration_version="config.default", ttl_ms=600_000
        )
        assert self.say(LEAD, "SessionStart", start.SerializeToString()).ok

    def say(self, sender: str, message_type: str, payload: bytes = b"{}") -> Ack:
        """The runtime's answer to one message."""
        envelope = Envelope(
            macp_version="1.0",
            mode=MODE,
            message_type=message_type,
            message_id=str(uuid4()),
            session_id=self.session_id,
            sender=sender,
            payload=payload,
        )
        answer = self._call("Send", core.SendRequest(envelope=envelope), sender)
        return core.SendResponse.FromString(answer).ack

    def commit(self) -> None:
        """The session is resolved."""
        payload = core.CommitmentPayload(
            commitment_id="c1",
            action="decision.selected",
            authority_scope="session",
            reason="all is said",
            mode_version="1.0.0",
            configuration_version="config.default",
            outcome_positive=True,
        )
        assert self.say(LEAD, "Commitment", payload.SerializeToString()).ok

    def suspend(self) -> None:
        """The session is suspended."""
        self._call("SuspendSession", core.SuspendSessionRequest(session_id=self.session_id), LEAD)

    def resume(self) -> None:
        """The session is open again."""
        self._call("ResumeSession", core.ResumeSessionRequest(session_id=self.session_id), LEAD)

    def cancel(self) -> None:
        """The session is cancelled."""
        self._call("CancelSession", core.CancelSessionRequest(session_id=self.session_id), LEAD)

    def talk(self, *, messages: int, pause: float, then_commit: bool = True) -> None:
        """From when the session is open the agents say `messages`, one after the other, and then may commit."""
        self._talk = threading.Thread(target=self._speak, args=(messages, pause, then_commit), daemon=True)
        self._talk.start()

    def fall_silent(self) -> None:
        """Nobody says anything any more."""
        self._silenced.set()
        if self._talk is not None:
            self._talk.join(TIMEOUT_SECONDS)

    def heard(self) -> list[str]:
        """The ids of every message of the session, in the order in which the runtime took them."""
        metadata = self._session()
        if metadata is None:
            return []
        expected = 1 + sum(one.message_count for one in metadata.participant_activity)
        request = core.StreamSessionRequest(subscribe_session_id=self.session_id)
        rpc = self._channel.stream_stream("/macp.v1.MACPRuntimeService/StreamSession")
        stream = rpc(iter([request.SerializeToString()]), metadata=_token(LEAD), timeout=TIMEOUT_SECONDS)
        ids = []
        for frame in stream:
            ids.append(core.StreamSessionResponse.FromString(frame).envelope.message_id)
            if len(ids) == expected:
                break
        stream.cancel()
        return ids

    def is_open(self) -> bool:
        """True while the runtime has the session and takes messages."""
        metadata = self._session()
        return metadata is not None and metadata.state == OPEN

    def _speak(self, messages: int, pause: float, then_commit: bool) -> None:
        while not self.is_open():
            if self._silenced.wait(LOOK_SECONDS):
                return
        for number in range(messages):
            if self._silenced.wait(pause) or not self.say(PEOPLE[number % 3], "Note", b'{"n": %d}' % number).ok:
                return
        if then_commit:
            self.commit()

    def _session(self) -> core.SessionMetadata | None:
        try:
            answer = self._call("GetSession", core.GetSessionRequest(session_id=self.session_id), LEAD)
        except grpc.RpcError:
            return None
        return core.GetSessionResponse.FromString(answer).metadata

    def _call(self, rpc: str, request: core.SendRequest, sender: str) -> bytes:
        call = self._channel.unary_unary(f"/macp.v1.MACPRuntimeService/{rpc}")
        answer: bytes = call(request.SerializeToString(), metadata=_token(sender), timeout=TIMEOUT_SECONDS)
        return answer


def _token(sender: str) -> Sequence[tuple[str, str]]:
    """On a development runtime the token is the sender's name."""
    return (("authorization", f"Bearer {sender}"),)
