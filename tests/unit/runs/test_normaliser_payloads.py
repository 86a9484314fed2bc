"""Payloads are shown decoded, as JSON, as text or as bytes; always storable and without secrets."""

from base64 import b64decode, b64encode

import orjson
import pytest

from runs.domain.events import JsonObject
from runs.domain.redaction import MASK
from tests import scenarios
from tests.drafting import a_context, play

CANARY = "sk-canary-0123456789abcdef"


def shown(payload: bytes) -> object:
    return play([scenarios.envelope("m1", "", "Note", payload=payload)])[0].data["payload"]


@pytest.mark.parametrize("value", [{"a": [1, None]}, [1], 42, "text", True, None])
def test_unknown_json_is_shown_parsed(value: object) -> None:
    assert shown(orjson.dumps(value)) == {"json": value, "encoding": "json"}


def test_unknown_text_is_shown_with_its_bytes() -> None:
    payload = "grüße\0".encode()

    assert shown(payload) == {"text": "grüße\ufffd", "encoding": "text", "payloadBase64": b64encode(payload).decode()}


def test_other_bytes_are_shown_in_base64_and_nothing_as_an_empty_object() -> None:
    assert shown(b"\xff\x00") == {"payloadBase64": "/wA="}
    assert shown(b"") == {}


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (rb'{"a": "x\u0000y"}', {"a": "x\ufffdy"}),
        (rb'{"a\u0000": 1}', {"a\ufffd": 1}),
        (rb'{"a": "\ud800"}', {"a": "\ufffd"}),
        (rb'["\ud83d\ude00"]', ["\U0001f600"]),
    ],
)
def test_nul_and_lone_surrogates_become_replacement_characters(payload: bytes, value: object) -> None:
    assert shown(payload) == {"json": value, "encoding": "json"}


@pytest.mark.parametrize("payload", [b"NaN", rb'{"a": NaN, "b": "\ud800"}', b'{"a": 1e999}', b"{broken", b"[" * 5000])
def test_what_is_no_json_is_shown_as_text(payload: bytes) -> None:
    value = shown(payload)

    assert isinstance(value, dict)
    assert value["encoding"] == "text"


def test_json_that_nests_too_deeply_is_cut_off_where_the_log_could_not_write_it() -> None:
    value = shown(b'{"a":' * 250 + b"1" + b"}" * 250)

    assert len(orjson.dumps({"event": [value]})) < 1000


@pytest.mark.parametrize(
    "payload",
    [
        orjson.dumps({"note": f"use {CANARY}"}),
        orjson.dumps({"password": CANARY}),
        rb'{"p\u0061ssword": "' + CANARY.encode() + b'"}',
        f"the key is {CANARY}".encode(),
        b"\xff" + CANARY.encode(),
        orjson.dumps({"nested": [{"deep": {CANARY: 1}}]}),
    ],
)
def test_d13_a_planted_secret_is_in_no_event_whatever_carries_it(payload: bytes) -> None:
    for message_type in ("Note", "Vote", "Signal"):
        for draft in play([scenarios.envelope("m1", "alice", message_type, payload=payload)]):
            assert_free_of_the_canary(orjson.dumps(draft.data))


@pytest.mark.parametrize("member", ["data", "supportingData", "details", "context"])
def test_d13_secrets_in_bytes_members_of_known_types_are_masked(member: str) -> None:
    for content in (orjson.dumps({"password": CANARY}), CANARY.encode(), b"\xff " + CANARY.encode()):
        decoded: JsonObject = {member: b64encode(content).decode(), "extensions": {"x-a": b64encode(content).decode()}}
        for draft in play([scenarios.envelope("m1", "alice", "Signal", decoded)]):
            assert_free_of_the_canary(orjson.dumps(draft.data))


def test_what_was_masked_is_named() -> None:
    received = play([scenarios.unknown("m1", "", "Note", {"a": [{"password": "x1"}], "b": f"see {CANARY}"})])[0]

    assert received.data["redacted"] == ["json.a.0.password", "json.b"]
    assert received.data["payload"] == {"json": {"a": [{"password": MASK}], "b": f"see {MASK}"}, "encoding": "json"}


def test_operators_patterns_apply_to_every_payload() -> None:
    context = a_context(patterns=[r"ACME-\d{6}"])
    (draft,) = play([scenarios.unknown("m1", "", "Note", {"customer": "ACME-123456 called"})], context)

    assert draft.data["payload"] == {"json": {"customer": f"{MASK} called"}, "encoding": "json"}


def test_d13_error_texts_are_redacted_too() -> None:
    drafts = play(
        [
            scenarios.stream("reconnecting", f"401 for Bearer {CANARY}"),
            scenarios.poison(CANARY.encode()),
            scenarios.refused("out-1", "POLICY_DENIED", f"no {CANARY}", {"reasons": [CANARY], "password": CANARY}),
            scenarios.inline_error(CANARY, f"no {CANARY}", "out-2"),
        ]
    )

    assert len(drafts) == 5
    for draft in drafts:
        assert_free_of_the_canary(orjson.dumps(draft.data))


def assert_free_of_the_canary(written: bytes) -> None:
    assert CANARY.encode() not in written
    for text in strings_in(orjson.loads(written)):
        try:
            assert CANARY.encode() not in b64decode(text, validate=True)
        except ValueError:
            continue


def strings_in(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings_in(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings_in(item)]
    return [value] if isinstance(value, str) else []


def test_a_secret_name_cannot_hide_behind_escapes() -> None:
    assert shown(rb'{"p\u0061ssword": "plain"}') == {"json": {"password": MASK}, "encoding": "json"}
