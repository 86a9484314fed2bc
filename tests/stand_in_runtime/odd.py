"""Messages that a reader may choke on, and what each of them is instead of."""

from macp.v1.core_pb2 import StreamSessionResponse
from macp.v1.envelope_pb2 import Envelope

from tests.stand_in_runtime.faults import Faults

POISON = b"\xff\xff\xff\xff"
BIG_BYTES = 10 * 1024 * 1024
_UNKNOWN_FIELD = b"\xfa\x3f\x03abc"  # field 1023, three bytes


def in_place_of(frame: bytes, ordinal: int, faults: Faults) -> bytes:
    """The frame that stands at an ordinal: the same one, or an odd one under the same message id."""
    if faults.lasts("poison", ordinal):
        return POISON
    if faults.lasts("big", ordinal):
        return _changed(frame, message_type="Note", payload=b'{"text":"' + b"x" * BIG_BYTES + b'"}')
    if faults.lasts("strange", ordinal):
        return _changed(
            frame, mode="macp.mode.unheard-of.v9", message_type="Unheard", macp_version="9.9", payload=b"\x00\xff\xfe"
        )
    return frame


def forged(frame: bytes) -> bytes:
    """Another message under the id of this one."""
    return _changed(frame, payload=b'{"text":"this is not what was said"}')


def _changed(frame: bytes, **changes: object) -> bytes:
    told = StreamSessionResponse.FromString(frame)
    envelope = Envelope.FromString(told.envelope.SerializeToString() + _UNKNOWN_FIELD)
    for name, value in changes.items():
        setattr(envelope, name, value)
    return bytes(StreamSessionResponse(envelope=envelope).SerializeToString())
