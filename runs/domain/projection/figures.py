"""What is asked of many runs at once, taken out of a state so that the database can add it up."""

from typing import NamedTuple, cast

from runs.domain.events import JsonObject
from runs.domain.projection.state import ProjectionState

_OUTCOMES = {True: 1, False: -1}


class Figures(NamedTuple):
    """The figures of one run. `agents`: for each sender its messages, signals, confidences and their sum in millionths."""

    signal_count: int
    total_tokens: int
    cost_micro_usd: int
    outcome: int  # of its decision: 1 positive, -1 negative, 0 neither
    agents: dict[str, list[int]]


def figures_of(state: ProjectionState) -> Figures:
    """The figures of the run in this state."""
    metrics, llm = cast(JsonObject, state.private["metrics"]), cast(JsonObject, state.public["llm"])
    policy = cast(JsonObject, state.public["policy"])
    return Figures(
        signal_count=cast(int, metrics["signalCount"]),
        total_tokens=cast(int, cast(JsonObject, llm["totals"])["totalTokens"]),
        cost_micro_usd=cast(int, cast(JsonObject, state.private["llm"])["costMicroUsd"]),
        outcome=_OUTCOMES.get(cast(bool, policy.get("outcomePositive")), 0),
        agents={tally[0]: tally[1:] for tally in cast("list[list[object]]", state.private["agents"])},  # type: ignore[misc]
    )
