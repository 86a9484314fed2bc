"""Sections `signals` and `progress`."""

from typing import Any

import pytest

from runs.domain.events import JsonObject
from runs.domain.projection import EMPTY, dump, fold, load
from tests.run_log import Log, at


def signals(log: Log) -> Any:
    return fold(EMPTY, log.events).public["signals"]["signals"]  # type: ignore[index]


def progress(log: Log) -> Any:
    return fold(EMPTY, log.events).public["progress"]["entries"]  # type: ignore[index]


def emit(log: Log, payload: JsonObject, signal: str = "s1") -> None:
    log.derive("signal.emitted", "alice", "Signal", payload, ("signal", signal))


def test_a_signal_keeps_its_name_severity_and_decoded_data() -> None:
    log = Log()
    emit(log, {"signalType": "alarm", "confidence": 0.7, "data": "eyJ9", "dataJson": {"severity": "high", "n": 1}})

    assert signals(log) == [
        {
            "id": "s1",
            "name": "alarm",
            "severity": "high",
            "sourceParticipantId": "alice",
            "ts": at(1),
            "confidence": 0.7,
            "payload": {"severity": "high", "n": 1},
        }
    ]


def test_a_signal_without_a_type_is_named_after_its_message() -> None:
    log = Log()
    emit(log, {"data": "AAEC", "severity": "low"})

    [signal] = signals(log)
    assert (signal["name"], signal["payload"], signal["severity"]) == ("Signal", "AAEC", "low")


@pytest.mark.parametrize(("size", "kept"), [(4094, True), (4095, False)])
def test_a_payload_above_four_kib_of_json_is_left_out(size: int, kept: bool) -> None:
    log = Log()
    emit(log, {"signalType": "big", "dataJson": "x" * size})

    assert ("payload" in signals(log)[0]) is kept


@pytest.mark.parametrize("data", [{"n": float("nan"), "pair": (1, 2)}, {"n": 10**400}, {1: "x"}])
def test_a_payload_is_kept_as_json_or_not_at_all(data: object) -> None:
    log = Log()
    emit(log, {"signalType": "odd", "dataJson": data})
    state = fold(EMPTY, log.events)

    assert load(*dump(state)) == state
    assert signals(log)[0].get("payload") in (None, {"n": None, "pair": [1, 2]})


def test_an_acknowledgement_marks_the_signal_it_names_and_nothing_else() -> None:
    log = Log()
    emit(log, {"signalType": "alarm"})
    log.derive("signal.acknowledged", "bob", "SignalAck", {}, ("signal", "unknown"))
    log.derive("signal.acknowledged", "bob", "SignalAck", {}, ("signal", "s1"))

    [signal] = signals(log)
    assert (signal["acknowledgedAt"], signal["acknowledgedBy"]) == (at(3), "bob")


def test_a_repeated_signal_replaces_the_entry() -> None:
    log = Log()
    emit(log, {"signalType": "alarm"})
    emit(log, {"signalType": "other"}, "s2")
    emit(log, {"signalType": "calm"})

    assert [(signal["id"], signal["name"]) for signal in signals(log)] == [("s1", "calm"), ("s2", "other")]


def test_e17_progress_is_shown_as_the_event_gives_it() -> None:
    log = Log()
    log.write("progress.reported", {"participantId": "alice", "sender": "bob", "percentage": 0.5, "message": "begun"})
    log.write("progress.reported", {"sender": "bob", "percentage": 100})

    assert progress(log) == [
        {"participantId": "alice", "percentage": 0.5, "message": "begun", "ts": at(1)},
        {"participantId": "bob", "percentage": 100, "ts": at(2)},
    ]


@pytest.mark.parametrize(
    "percentage", [-1, 100.5, "50", True, None, float("nan"), float("inf"), pytest.param(10**400, id="huge")]
)
def test_e17_what_is_no_percentage_is_left_out(percentage: object) -> None:
    log = Log()
    log.write("progress.reported", {"sender": "bob", "percentage": percentage})

    assert progress(log) == [{"participantId": "bob", "ts": at(1)}]


def test_a_megabyte_of_text_is_cut() -> None:
    log = Log()
    log.write("progress.reported", {"sender": "bob", "message": "x" * 1_000_000})

    assert len(progress(log)[0]["message"]) == 4096
