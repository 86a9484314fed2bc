"""Frames as they stand on a WebSocket: an independent reader of the protocol finds the same messages in them."""

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Opcode

from runs.streaming.frame import Frame
from runs.streaming.wire import MOST_AT_ONCE, message, written
from tests.wire_frames import frames_in

# Where the length of a frame takes more bytes, and where a message is cut into fragments.
borders = st.sampled_from([0, 125, 126, 65_535, 65_536, MOST_AT_ONCE, 2 * MOST_AT_ONCE])
lengths = st.one_of(st.integers(0, 300), st.builds(lambda border, by: max(0, border + by), borders, st.integers(-1, 1)))


@given(sizes=st.lists(lengths, max_size=6))
def test_the_messages_are_read_as_they_were_whole_or_in_fragments(sizes: list[int]) -> None:
    texts = [bytes([97 + place]) * size for place, size in enumerate(sizes)]
    writes = list(written([message(text) for text in texts]))

    messages: list[bytes] = []
    for write in writes:
        # It should begin and end with whole frames: between two writes the server may put a ping.
        for place, frame in enumerate(frames_in(write)):
            if frame.opcode is Opcode.TEXT:
                messages.append(b"")
            else:
                assert frame.opcode is Opcode.CONT
            messages[-1] += frame.data
            assert len(frame.data) <= MOST_AT_ONCE
            assert place == 0 or len(write) <= MOST_AT_ONCE
            # It should be final where the message ends, and there alone.
            assert frame.fin == (len(messages[-1]) == sizes[len(messages) - 1])
    assert messages == texts


def test_what_is_little_is_written_at_once() -> None:
    assert len(list(written([message(b"x" * 900) for _ in range(20)]))) == 1


def test_a_frame_says_the_same_in_both_forms() -> None:
    frame = Frame("canonical_event", '{"who":"Ödön"}'.encode(), 7)
    (read,) = frames_in(b"".join(frame.wire))
    assert bytes(read.data).decode() == frame.text == '{"type":"canonical_event","id":7,"data":{"who":"Ödön"}}'
