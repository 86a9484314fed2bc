"""Section `llm`."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.projection import EMPTY, dump, fold, load
from tests.run_log import Log, at


def llm(log: Log) -> Any:
    return fold(EMPTY, log.events).public["llm"]


def test_a_call_is_listed_and_added_up() -> None:
    log = Log()
    data = {"sender": "alice", "model": "gpt-4o", "latencyMs": 120, "messageId": "m1", "artifactId": "a1"}
    tokens = {"promptTokens": 10, "completionTokens": 5, "totalTokens": 16}
    log.write("llm.call.completed", data | tokens | {"estimatedCostUsd": 0.000125, "prompt": "secret"})
    log.write("llm.call.completed", {"sender": "bob", "promptTokens": 1, "completionTokens": 2}, ("message", "m2"))

    assert llm(log) == {
        "calls": [
            {
                "participantId": "alice",
                "model": "gpt-4o",
                **tokens,
                "latencyMs": 120,
                "ts": at(1),
                "messageId": "m1",
                "artifactId": "a1",
                "estimatedCostUsd": 0.000125,
            },
            {
                "participantId": "bob",
                "promptTokens": 1,
                "completionTokens": 2,
                "totalTokens": 3,
                "ts": at(2),
                "messageId": "m2",
            },
        ],
        "totals": {
            "callCount": 2,
            "promptTokens": 11,
            "completionTokens": 7,
            "totalTokens": 19,
            "estimatedCostUsd": 0.000125,
        },
    }


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**9)), max_size=30))
def test_totals_are_the_exact_sums_of_their_calls(calls: list[tuple[int, int]]) -> None:
    state, log = EMPTY, Log()
    for tokens, micro in calls:
        data = {"sender": "alice", "promptTokens": tokens, "estimatedCostUsd": micro / 1_000_000}
        state = fold(load(*dump(state)), [log.write("llm.call.completed", data)])

    totals: Any = state.public["llm"]["totals"]  # type: ignore[index]
    assert totals["promptTokens"] == totals["totalTokens"] == sum(tokens for tokens, _ in calls)
    assert totals["estimatedCostUsd"] == float(Fraction(sum(micro for _, micro in calls), 1_000_000))


@pytest.mark.parametrize("nonsense", [-1, 1.5, "7", True, None, pytest.param(10**400, id="huge")])
def test_what_is_no_count_adds_nothing(nonsense: object) -> None:
    log = Log()
    log.write("llm.call.completed", {"sender": "alice", "promptTokens": nonsense, "totalTokens": nonsense})

    totals = llm(log)["totals"]
    assert (totals["callCount"], totals["promptTokens"], totals["totalTokens"]) == (1, 0, 0)


@pytest.mark.parametrize("nonsense", [-0.1, "0.1", float("nan"), 1e300])
def test_what_is_no_cost_costs_nothing(nonsense: object) -> None:
    log = Log()
    log.write("llm.call.completed", {"sender": "alice", "estimatedCostUsd": nonsense})

    assert "estimatedCostUsd" not in llm(log)["calls"][0]
    assert llm(log)["totals"]["estimatedCostUsd"] == 0
