"""Frames as text/event-stream, read back as a browser reads them."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from runs.streaming.frame import Frame

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def _read(stream: bytes) -> list[dict[str, bytes]]:
    """Frames as the specification of event streams reads them: CR LF, LF and CR all end a line."""
    lines = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    found: list[dict[str, bytes]] = [{}]
    for line in lines:
        if not line:
            found.append({})
        else:
            field, _, value = line.partition(b": ")
            assert field not in found[-1], "a frame says everything once"
            found[-1][field.decode()] = value
    return [frame for frame in found if frame]


@given(st.lists(st.tuples(JSON, st.none() | st.integers(1, 2**63 - 1)), min_size=1, max_size=5))
def test_what_is_encoded_is_read_back_whatever_agents_write(sent: list[tuple[object, int | None]]) -> None:
    stream = b"".join(Frame("canonical_event", orjson.dumps(data), seq).sse for data, seq in sent)

    read = _read(stream)

    assert [orjson.loads(frame["data"]) for frame in read] == [data for data, _ in sent]
    assert [int(frame["id"]) if "id" in frame else None for frame in read] == [seq for _, seq in sent]


@given(st.text(alphabet='\r\n{}: "ab'))
def test_no_text_breaks_out_of_its_frame(text: str) -> None:
    assert len(_read(Frame("snapshot", b"x" + text.encode()).sse)) == 1


def test_a_frame_has_its_name_its_id_and_its_data_on_a_line_each() -> None:
    assert Frame("canonical_event", b'{"seq":7}', 7).sse == b'event: canonical_event\nid: 7\ndata: {"seq":7}\n\n'
    # It should have no id where a reconnect must not begin from it.
    assert Frame("heartbeat", b"{}").sse == b"event: heartbeat\ndata: {}\n\n"
