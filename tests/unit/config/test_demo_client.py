"""The demo's reading of event streams."""

import itertools
import socket
from collections.abc import AsyncIterator

import orjson
from hypothesis import given
from hypothesis import strategies as st

from config.demo.client import bursts_of
from config.demo.service import free_port
from runs.streaming.event_stream import RETRY
from runs.streaming.frame import Frame


@given(
    st.lists(st.tuples(st.text(), st.none() | st.integers(1, 10**9)), max_size=6),
    st.lists(st.integers(0, 2_000), max_size=8),
)
async def test_frames_are_read_however_the_network_cuts_them(
    sent: list[tuple[str, int | None]], cuts: list[int]
) -> None:
    expected = [Frame("canonical_event", orjson.dumps(text), seq) for text, seq in sent]
    stream = RETRY + b"".join(frame.sse for frame in expected)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    async def chunks() -> AsyncIterator[bytes]:
        for start, stop in itertools.pairwise(edges):
            yield stream[start:stop]

    assert [frame async for burst in bursts_of(chunks()) for frame in burst] == expected


def test_a_free_port_is_kept_and_a_taken_one_is_left_to_the_system() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port) == 0
    assert free_port("127.0.0.1", port) == port
