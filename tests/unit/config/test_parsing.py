import io
import json

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from config.http.parsing import MAX_DEPTH, MAX_KEYS, MAX_TEXT_BYTES, JsonParser, parse_object
from runs.errors import PayloadTooLarge, ValidationFailed

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def nested(levels: int) -> bytes:
    """An object with `levels` levels in all, the object itself included."""
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@given(document=st.dictionaries(TEXT, VALUES, max_size=5))
def test_every_acceptable_object_comes_through_unchanged(document: dict[str, object]) -> None:
    assert parse_object(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"session": {"x": [0, {"ttlMs": 1, "ttlMs": 2}]}}', "session.x[1].ttlMs"),
        (b'{"a b": {"": 1, "": 2}}', '"a b"."'),
        (b'{"a": 1, "\\u0061": 2}', "a"),
    ],
)
def test_a_key_given_twice_is_refused_with_its_path(body: bytes, path: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_object(body)
    assert refused.value.faults[0].path.startswith(path)
    assert refused.value.faults[0].message == "must not be given twice"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"intent": "a\\u0000b"}', "intent"),
        (b'{"list": ["x", {"deep": "\\u0000"}]}', "list[1].deep"),
        (b'{"outer": {"bad\\u0000key": 1}}', 'outer."bad\\u0000key"'),
    ],
)
def test_a_nul_character_is_refused_with_its_path(body: bytes, path: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_object(body)
    assert refused.value.faults[0].path == path
    assert refused.value.faults[0].message == "must not contain NUL characters"


def test_nesting_is_bounded() -> None:
    parse_object(nested(MAX_DEPTH))
    with pytest.raises(ValidationFailed, match="nested deeper than 32"):
        parse_object(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize("text", ["x" * MAX_TEXT_BYTES, "é" * (MAX_TEXT_BYTES // 2)])
def test_the_length_of_a_text_is_bounded_in_bytes(text: str) -> None:
    assert parse_object(json.dumps({"a": text}).encode()) == {"a": text}
    with pytest.raises(ValidationFailed) as refused:
        parse_object(json.dumps({"a": [text + "x"]}).encode())
    assert refused.value.faults[0].path == "a[0]"
    assert refused.value.faults[0].message == "must have at most 262144 bytes"


def test_the_length_of_a_key_is_bounded_and_not_repeated_in_the_answer() -> None:
    with pytest.raises(ValidationFailed, match="must have at most 262144 bytes") as refused:
        parse_object(json.dumps({"x" * (MAX_TEXT_BYTES + 1): 1}).encode())
    assert refused.value.faults[0].path == "x" * 100


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**300])
def test_an_integer_that_would_be_rounded_is_refused_with_its_path(number: int) -> None:
    assert parse_object(b'{"least": %d, "most": %d}' % (-(2**63), 2**64 - 1)) == {"least": -(2**63), "most": 2**64 - 1}
    with pytest.raises(ValidationFailed) as refused:
        parse_object(b'{"a": {"b": [0, %d]}}' % number)
    assert refused.value.faults[0].path == "a.b[1]"
    assert refused.value.faults[0].message == "must be a number that fits 64 bits"


def test_the_number_of_keys_is_bounded() -> None:
    parse_object(json.dumps({str(n): 0 for n in range(MAX_KEYS)}).encode())
    with pytest.raises(ValidationFailed, match="more than 10000 keys"):
        parse_object(json.dumps({str(n): 0 for n in range(MAX_KEYS + 1)}).encode())


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"true"])
def test_json_that_is_no_object_is_not_valid(body: bytes) -> None:
    with pytest.raises(ValidationFailed, match="the body must be a JSON object"):
        parse_object(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b"\xff",
        b'{"a": "\xed\xa0\x80"}',
        b"[" * 9000,
    ],
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(ParseError, match="the body is not JSON"):
        parse_object(body)


def test_no_more_is_read_than_is_needed_to_see_that_it_is_too_much(settings: LazySettings) -> None:
    settings.MAX_BODY_BYTES = 10
    body = io.BytesIO(b'{"a": "' + b"x" * 1000)
    with pytest.raises(PayloadTooLarge):
        JsonParser().parse(body)
    assert body.tell() == 11


def test_a_body_of_exactly_the_limit_is_read(settings: LazySettings) -> None:
    settings.MAX_BODY_BYTES = 10
    assert JsonParser().parse(io.BytesIO(b'{"a":"12"}')) == {"a": "12"}
