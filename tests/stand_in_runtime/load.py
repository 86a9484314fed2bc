"""The prepared messages of a load session: serialised once, so that making them costs the reader's machine nothing."""

import json

from macp.modes.decision.v1.decision_pb2 import EvaluationPayload, ProposalPayload, VotePayload
from macp.v1.core_pb2 import CommitmentPayload
from macp.v1.envelope_pb2 import Envelope

MODE = "macp.mode.decision.v1"
AGENTS = ("ann", "bob", "cid", "dee")
NOTE = json.dumps({"text": "x" * 560, "kind": "note", "weight": 0.5}).encode()


def prepared(events: int) -> list[bytes]:
    """`events` envelopes without a session id, then the Commitment: 1 % proposals, 10 % evaluations, 9 % votes."""
    return [*(_event(number) for number in range(1, events + 1)), _commitment()]


def prepared_after_the_end(messages: int) -> list[bytes]:
    """What participants say who have not understood that it is over."""
    return [_envelope(-number, "Note", NOTE) for number in range(1, messages + 1)]


def in_session(session_id: str, envelope: bytes) -> bytes:
    """The StreamSessionResponse frame of a prepared envelope; fields of a message may come in any order."""
    told = envelope + bytes(Envelope(session_id=session_id).SerializeToString())
    return b"\x0a" + _varint(len(told)) + told


def _event(number: int) -> bytes:
    place = number % 100
    proposal = f"p{number // 100}"
    if place == 1:
        return _envelope(number, "Proposal", ProposalPayload(proposal_id=proposal, option="ship").SerializeToString())
    if 1 < place <= 11:
        told = EvaluationPayload(proposal_id=proposal, recommendation="APPROVE", confidence=0.8, reason="sound")
        return _envelope(number, "Evaluation", told.SerializeToString())
    if 11 < place <= 20:
        return _envelope(number, "Vote", VotePayload(proposal_id=proposal, vote="APPROVE").SerializeToString())
    return _envelope(number, "Note", NOTE)


def _commitment() -> bytes:
    payload = CommitmentPayload(
        commitment_id="c1",
        action="decision.selected",
        authority_scope="session",
        reason="the votes say so",
        mode_version="1.0.0",
        configuration_version="config.default",
        outcome_positive=True,
    )
    return _envelope(0, "Commitment", payload.SerializeToString())


def _envelope(number: int, message_type: str, payload: bytes) -> bytes:
    envelope = Envelope(
        macp_version="1.0",
        mode=MODE,
        message_type=message_type,
        message_id=f"load-{number:07d}",
        sender=AGENTS[number % len(AGENTS)],
        payload=payload,
    )
    return bytes(envelope.SerializeToString())


def _varint(number: int) -> bytes:
    told = bytearray()
    while number > 0x7F:
        told.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*told, number])
