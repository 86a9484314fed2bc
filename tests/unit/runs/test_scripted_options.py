"""The options of a scripted run."""

import pytest

from runs.runtimes.scripted import ScriptedRuntime
from runs.runtimes.scripted.scenarios import NAMES


def paths(options: dict[str, object], scenario: str = "") -> list[str]:
    return [fault.path for fault in ScriptedRuntime.option_faults(options, scenario)]


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_may_be_named_alone(name: str) -> None:
    assert paths({"scenario": name}) == []
    assert paths({}, name) == []


@pytest.mark.parametrize(
    "options",
    [
        {"events": 1},
        {"events": 1_000_000},
        {"ratePerSecond": 0},
        {"ratePerSecond": 0.5},
        {"payloadBytes": 0},
        {"payloadBytes": 65_536},
    ],
)
def test_the_bounds_of_load_are_allowed(options: dict[str, object]) -> None:
    assert paths(options, "load") == []


@pytest.mark.parametrize(
    "options",
    [
        {"events": 0},
        {"events": 1_000_001},
        {"events": True},
        {"events": "10"},
        {"events": 1.5},
        {"events": None},
        {"ratePerSecond": -1},
        {"ratePerSecond": True},
        {"ratePerSecond": float("inf")},
        {"ratePerSecond": "fast"},
        {"payloadBytes": -1},
        {"payloadBytes": 65_537},
    ],
)
def test_what_is_beyond_the_bounds_of_load_is_a_fault_at_its_path(options: dict[str, object]) -> None:
    assert paths({"scenario": "load"} | options) == list(options)


@pytest.mark.parametrize(("step", "allowed"), [(0, True), (60_000, True), (60_001, False), (-1, False), (0.5, False)])
def test_the_step_of_a_scene_is_a_whole_number_of_milliseconds_up_to_a_minute(step: float, allowed: bool) -> None:
    assert paths({"scenario": "task", "stepMs": step}) == ([] if allowed else ["stepMs"])


def test_an_option_of_another_scenario_is_a_fault_that_says_what_is_allowed() -> None:
    [fault] = ScriptedRuntime.option_faults({"scenario": "task", "events": 5}, "")

    assert fault.path == "events"
    assert "stepMs" in fault.message


def test_every_fault_is_told_at_once() -> None:
    assert paths({"scenario": "load", "events": 0, "colour": "red", "payloadBytes": -1}) == [
        "events",
        "colour",
        "payloadBytes",
    ]


@pytest.mark.parametrize(
    ("options", "scenario"),
    [({"scenario": "opera"}, ""), ({"scenario": 3}, ""), ({"scenario": ["load"]}, ""), ({}, "opera")],
)
def test_an_unknown_scenario_is_a_fault_that_names_the_known_ones(options: dict[str, object], scenario: str) -> None:
    [fault] = ScriptedRuntime.option_faults(options, scenario)

    assert fault.path == "scenario"
    assert all(name in fault.message for name in NAMES)


def test_the_scenario_of_the_options_wins_over_the_one_of_the_session() -> None:
    assert paths({"scenario": "load", "events": 5}, "task") == []
