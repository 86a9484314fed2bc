"""AG-UI events as frames of an event stream: one a line, whatever agents write, and the number on the last one."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from runs.streaming.agui.encoder import written

TEXTS = st.text(alphabet='\r\n\u2028\x85{}: "aid')


@given(st.lists(st.fixed_dictionaries({"type": st.just("CUSTOM"), "value": TEXTS}), min_size=1, max_size=4))
def test_no_text_breaks_out_of_its_frame_and_only_the_last_one_has_the_number(sent: list[dict[str, object]]) -> None:
    frames = written(sent, 7).split(b"\n\n")

    *others, last, rest = frames
    assert rest == b""
    assert b"\r" not in written(sent, 7)
    assert [orjson.loads(frame.removeprefix(b"data: ")) for frame in others] == sent[:-1]
    mark, data = last.split(b"\n")
    assert mark == b"id: 7"
    assert orjson.loads(data.removeprefix(b"data: ")) == sent[-1]


def test_a_state_that_was_stored_on_several_lines_is_one_line() -> None:
    state = orjson.Fragment(b'{"a":\r\n1}')

    assert written([{"snapshot": state}], None) == b'data: {"snapshot":{"a": 1}}\n\n'


def test_where_the_log_is_empty_there_is_no_number_to_come_back_with() -> None:
    assert written([{"type": "RUN_STARTED"}], 0) == b'data: {"type":"RUN_STARTED"}\n\n'
