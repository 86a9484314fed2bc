"""The options of a scripted run: which of them a scenario takes, and what is allowed in each."""

import math
from collections.abc import Callable, Mapping

import msgspec

from runs.errors import FieldFault
from runs.runtimes.port import SessionPlan
from runs.runtimes.scripted.scenarios import LOAD, NAMES, WRITTEN, of_mode
from runs.runtimes.scripted.scenarios.load import LoadScript
from runs.runtimes.scripted.scenarios.script import Cast, Script


class LoadOptions(msgspec.Struct, frozen=True, rename="camel"):
    """How much `load` plays. `rate_per_second` 0 is as fast as it is read."""

    events: int = 1000
    rate_per_second: float = 0
    payload_bytes: int = 600


class SceneOptions(msgspec.Struct, frozen=True, rename="camel"):
    """How the other scenarios are played: `step_ms` milliseconds from one line to the next."""

    step_ms: int = 0


def _integer(least: int, most: int) -> tuple[str, Callable[[object], bool]]:
    return f"must be an integer from {least} to {most}", lambda value: type(value) is int and least <= value <= most


def _is_rate(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0  # type: ignore[arg-type,operator]


_RULES: dict[str, dict[str, tuple[str, Callable[[object], bool]]]] = {
    LOAD: {
        "events": _integer(1, 1_000_000),
        "ratePerSecond": ("must be a number of at least 0", _is_rate),
        "payloadBytes": _integer(0, 65_536),
    },
} | {name: {"stepMs": _integer(0, 60_000)} for name in WRITTEN}


def option_faults(options: Mapping[str, object], scenario: str) -> list[FieldFault]:
    """Every fault in `options`, in their order; `scenario` is the name given outside of them, or empty."""
    name = options.get("scenario", scenario or "decision")
    if not isinstance(name, str) or name not in NAMES:
        return [FieldFault("scenario", f"must be one of {', '.join(NAMES)}")]
    rules = _RULES[name]
    faults = []
    for option, value in options.items():
        if option == "scenario":
            continue
        if option not in rules:
            faults.append(FieldFault(option, f"is not an option of scenario {name}; it takes {', '.join(rules)}"))
        elif not rules[option][1](value):
            faults.append(FieldFault(option, rules[option][0]))
    return faults


def scenario_of(plan: SessionPlan) -> str:
    """The scenario a plan plays: the one its options name, else the session's, else the one of its mode."""
    named = plan.options.get("scenario")
    return named if isinstance(named, str) else plan.scenario or of_mode(plan.mode_name)


def script_of(plan: SessionPlan) -> Script:
    """The script of a plan whose options have no faults."""
    name, cast = scenario_of(plan), Cast(plan)
    if name != LOAD:
        return WRITTEN[name](cast)
    options = msgspec.convert(plan.options, LoadOptions)
    return LoadScript(cast, events=options.events, payload_bytes=options.payload_bytes)


def seconds_between_lines(plan: SessionPlan) -> float:
    """The pace of a plan whose options have no faults; 0 is as fast as it is read."""
    if scenario_of(plan) != LOAD:
        return msgspec.convert(plan.options, SceneOptions).step_ms / 1000
    rate = msgspec.convert(plan.options, LoadOptions).rate_per_second
    return 1 / rate if rate else 0.0
