"""The bodies of the sending routes: what they take, and that every fault is told with its path."""

from collections.abc import Callable

import pytest

from runs.api.requests.speech import read_context, read_message, read_signal
from runs.errors import ValidationFailed
from tests.bodies import Body

MESSAGE: Body = {"from": "lead", "messageType": "Proposal"}
SIGNAL: Body = {"from": "lead", "to": [], "messageType": "Alarm"}
CONTEXT: Body = {"from": "lead", "context": {}}
READERS: dict[str, tuple[Callable[[object], object], Body]] = {
    "messages": (read_message, MESSAGE),
    "signal": (read_signal, SIGNAL),
    "context": (read_context, CONTEXT),
}


def faults_of(route: str, body: object) -> list[str]:
    read, _ = READERS[route]
    with pytest.raises(ValidationFailed) as failed:
        read(body)
    return [fault.path for fault in failed.value.faults]


def test_the_least_that_is_a_message() -> None:
    request = read_message(MESSAGE)

    assert (request.sender, request.to, request.message_type) == ("lead", (), "Proposal")
    assert (request.payload, request.payload_envelope, request.reply_timeout_ms) == (None, None, None)


def test_everything_a_message_may_say() -> None:
    body = {"to": ["alice"], "payload": {"free": [1, None]}, "metadata": {"mine": 1}, "replyTimeoutMs": 86_400_000}
    request = read_message(MESSAGE | body)

    assert (request.to, request.payload, request.reply_timeout_ms) == (("alice",), {"free": [1, None]}, 86_400_000)
    envelope = read_message(MESSAGE | {"payloadEnvelope": {"encoding": "text", "text": "hi"}}).payload_envelope
    assert envelope is not None
    assert (envelope.encoding, envelope.text) == ("text", "hi")


def test_everything_a_signal_may_say() -> None:
    body = {"payload": {"why": "cost"}, "signalType": "risk", "severity": "high", "confidence": 1}
    request = read_signal(SIGNAL | body)

    assert (request.payload, request.signal_type, request.severity) == ({"why": "cost"}, "risk", "high")
    assert request.confidence == 1.0
    assert read_signal(SIGNAL).confidence is None


def test_a_context_update_is_an_object() -> None:
    assert read_context(CONTEXT | {"context": {"budget": 3}}).context == {"budget": 3}


@pytest.mark.parametrize("route", READERS)
@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_a_body_that_is_no_object_is_one_fault(route: str, body: object) -> None:
    assert faults_of(route, body) == ["body"]


@pytest.mark.parametrize(
    ("route", "missing"),
    [
        ("messages", ["from", "messageType"]),
        ("signal", ["from", "messageType", "to"]),
        ("context", ["context", "from"]),
    ],
)
def test_every_missing_member_is_named_at_once(route: str, missing: list[str]) -> None:
    assert sorted(faults_of(route, {})) == missing


@pytest.mark.parametrize("route", READERS)
def test_an_unknown_member_is_refused(route: str) -> None:
    assert faults_of(route, READERS[route][1] | {"surprise": 1}) == ["surprise"]


@pytest.mark.parametrize(
    ("route", "path", "value"),
    [
        *((route, "from", value) for route in READERS for value in ("", 5, "f" * 256, "nul\0")),
        ("messages", "to", "alice"),
        ("messages", "to[1]", ["alice", ""]),
        ("messages", "to", ["a"] * 1001),
        ("messages", "messageType", ""),
        ("messages", "messageType", "m" * 256),
        ("messages", "payload", []),
        ("messages", "payload.deep", {"deep": float("inf")}),
        ("messages", "payloadEnvelope", "x"),
        ("messages", "payloadEnvelope.encoding", {"encoding": "xml"}),
        ("messages", "payloadEnvelope.base64", {"encoding": "base64", "base64": "?"}),
        ("messages", "payloadEnvelope.proto", {"encoding": "proto"}),
        ("messages", "metadata", 5),
        *(("messages", "replyTimeoutMs", value) for value in (0, 86_400_001, 1.5, True, "1000")),
        ("signal", "to", None),
        ("signal", "to", "alice"),
        ("signal", "to[0]", [5]),
        ("signal", "payload", "x"),
        ("signal", "signalType", 5),
        ("signal", "severity", []),
        *(("signal", "confidence", value) for value in (-0.1, 1.1, True, "0.5", float("nan"))),
        ("context", "context", None),
        ("context", "context", "x"),
    ],
)
def test_a_value_out_of_bounds_is_told_at_its_path(route: str, path: str, value: object) -> None:
    member = path.partition(".")[0].partition("[")[0]

    assert faults_of(route, READERS[route][1] | {member: value}) == [path]


def test_both_forms_of_a_payload_are_too_many() -> None:
    both = {"payload": {}, "payloadEnvelope": {"encoding": "json"}}

    assert faults_of("messages", MESSAGE | both) == ["payloadEnvelope"]


def test_a_payload_that_names_others_or_another_severity_is_refused_not_overwritten() -> None:
    signal = SIGNAL | {"to": ["alice"], "severity": "high"}

    assert faults_of("signal", signal | {"payload": {"to": ["bob"], "severity": "low"}}) == [
        "payload.to",
        "payload.severity",
    ]
    assert read_signal(signal | {"payload": {"to": ["alice"], "severity": "high"}}).to == ("alice",)
    assert read_signal(SIGNAL | {"payload": {"severity": "low"}}).payload == {"severity": "low"}
