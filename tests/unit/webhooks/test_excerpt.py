"""What is kept of an answer: little, readable, and nothing that must not be seen (W11)."""

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.redaction import Redactor
from webhooks.excerpt import LONGEST, LOOKED_AT, Mask

SECRET = "whsec_" + base64.b64encode(b"\xff\xfb/canary of the key, 32 bytes!").decode()
BEARER = 'canary-"41/a+<b>&ü'
MASK = Mask(Redactor(), secrets=[SECRET], header_values=[f"Bearer {BEARER}", "prod", ""])


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        SECRET.removeprefix("whsec_"),
        f"Bearer {BEARER}",
        BEARER,
        orjson.dumps({"said": BEARER}).decode(),
        'one": "canary-\\"41/a+<b>&\\u00fc"',
        'one": "canary-\\"41\\/a+<b>&\\u00fc"',
        "canary-&quot;41/a+&lt;b&gt;&amp;ü",
        "canary-%2241%2Fa%2B%3Cb%3E%26%C3%BC",
    ],
)
def test_what_we_sent_and_must_not_be_seen_is_masked_however_it_is_said_back(written: str) -> None:
    """W11: `echo` services send everything back."""
    for shown in (MASK.excerpt(f"you said {written}!".encode()), MASK.text(f"you said {written}!")):
        assert "canary" not in shown
        assert SECRET[6:20] not in shown
        assert shown.startswith("you said ")
        assert shown.endswith("!")


def test_what_has_a_known_part_is_masked_as_a_whole() -> None:
    mask = Mask(Redactor(), secrets=[], header_values=["canary xy12z"])

    assert mask.text("you said canary xy12z, canary!") == "you said [redacted], [redacted]!"


@pytest.mark.parametrize(
    "body",
    [
        '{"authorization": "canary1"}',
        '{"headers": [{"Cookie": "canary1"}], "x": 1}',
        '{"credentials": {"a": "canary1"}}',
        "password=canary1",
        "Authorization: Bearer canary1",
        "-----BEGIN PRIVATE KEY-----\ncanary1",
        "https://user:canary1@agent.example/",
        "sk-canary1canary1",
    ],
)
def test_what_looks_like_a_secret_is_masked_whoever_it_belongs_to(body: str) -> None:
    """W11"""
    assert "canary1" not in MASK.excerpt(body.encode())


def test_an_answer_without_secrets_is_kept_as_it_came() -> None:
    body = '{ "ok":true,  "env": "prod", "id": 17 }\r\n\tgrüße'

    assert MASK.excerpt(body.encode()) == body
    assert Mask(Redactor(), secrets=[], header_values=[]).excerpt(body.encode()) == body


def test_no_more_than_the_beginning_is_kept_and_no_character_is_cut_in_half() -> None:
    assert MASK.excerpt(b"x" * 100_000) == "x" * LONGEST
    assert MASK.excerpt(b"x" + "ü".encode() * 100_000) == "x" + "ü" * (LONGEST // 2 - 1)


@pytest.mark.parametrize("before", [LONGEST, LOOKED_AT])
def test_no_half_of_a_secret_is_left_where_an_answer_is_cut(before: int) -> None:
    """W11: also where so much was masked that the end of what is looked at is shown."""
    key = b"-----BEGIN PRIVATE KEY-----\n" + b"x" * (before - 100) + b"-----END PRIVATE KEY-----"
    for part in range(1, len(BEARER.encode())):
        padding = before - part - len(key)
        shown = MASK.excerpt(key + b" " * padding + BEARER.encode() + b" " * 100_000)
        assert "canary"[:part] not in shown.replace("[redacted]", "")


def test_what_is_no_text_can_be_stored_and_printed() -> None:
    assert MASK.text("nginx\x1b[2J \x9b1m\0") == "nginx\ufffd[2J \ufffd1m\ufffd"
    assert (
        MASK.excerpt(b"\x1f\x8b\x00\x1b[2J\xff\xed\xa0\x80\x7f\xc2\x9b") == "\ufffd\ufffd\ufffd\ufffd[2J" + "\ufffd" * 6
    )


@given(st.binary(max_size=300) | st.text().map(lambda text: text.encode(errors="replace")))
def test_whatever_is_answered_a_database_takes_what_is_kept(body: bytes) -> None:
    shown = MASK.excerpt(body)

    assert "\0" not in shown
    assert len(shown.encode()) <= LONGEST
