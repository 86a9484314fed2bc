"""Text and JSON are kept so that the log gives back what was written."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.text import MAX_DEPTH, clean, storable, storable_object


@given(st.text(st.characters(codec=None, categories=None)))
def test_clean_text_can_be_stored_everywhere(text: str) -> None:
    cleaned = clean(text)

    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert len(cleaned) == len(text)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"a": (1, 2)}, {"a": [1, 2]}),
        ([float("nan"), float("inf")], [None, None]),
        ([2**64 - 1, -(2**63)], [2**64 - 1, -(2**63)]),
        ([2**64, -(2**70)], [str(2**64), str(-(2**70))]),
        ([10**5000], [None]),
        ({1: {"\0": "\ud800"}}, {"1": {"\ufffd": "\ufffd"}}),
        ([b"x", {1, 2}], [None, None]),
        ("\0", "\ufffd"),
        ("\\u0000", "\\u0000"),
    ],
)
def test_a_value_is_what_the_log_gives_back(value: object, kept: object) -> None:
    result, encoded = storable(value)

    assert result == kept
    assert orjson.loads(encoded) == kept


def test_what_nests_too_deeply_is_left_out() -> None:
    value: object = "bottom"
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert storable(value)[0] == value
    for _ in range(5000):
        value = {"a": value}

    depth, kept = 0, storable(value)[0]
    while isinstance(kept, dict):
        depth, kept = depth + 1, kept["a"]
    assert depth == MAX_DEPTH


def test_an_object_stays_an_object() -> None:
    assert storable_object({"a": 1}) == ({"a": 1}, b'{"a":1}')
