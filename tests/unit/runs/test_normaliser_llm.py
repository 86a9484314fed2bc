"""Model calls that agents report, and their cost."""

import pytest

from runs.domain.normaliser import PriceTable
from tests import scenarios
from tests.drafting import only, play, types

USAGE = {"promptTokens": 1000, "completionTokens": 500}


def reported(value: object, message_type: str = "Note") -> dict[str, object]:
    return only(play([scenarios.unknown("m1", "bob", message_type, value)]), "llm.call.completed").data


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("gpt-4o", 0.0075),
        ("gpt-4o-2024-08-06", 0.0075),
        ("GPT-4o-mini", 0.00045),
        ("gpt-4-turbo-preview", 0.025),
        ("claude-3-opus-20240229", 0.0525),
        ("claude-3-sonnet", 0.0105),
        ("claude-3-haiku", 0.000875),
        ("llama-3", 0.0025),
        ("", 0.0025),
        (None, 0.0025),
    ],
)
def test_e11_the_longest_matching_prefix_sets_the_price(model: str | None, cost: float) -> None:
    assert PriceTable().cost(model, 1000, 500) == cost


def test_operators_prices_are_merged_over_the_table() -> None:
    prices = PriceTable({"llama": [0.5, 1], "gpt-4o": [1, 1]})

    assert prices.cost("llama-3", 1_000_000, 1_000_000) == 1.5
    assert prices.cost("gpt-4o", 1_000_000, 0) == 1.0
    assert prices.cost("gpt-4o-mini", 1_000_000, 0) == 0.15


@pytest.mark.parametrize("pair", [[1], [1, 2, 3], ["a", "b"], [-1, 1], [float("nan"), 1], 7])
def test_a_bad_price_is_refused_by_name(pair: list[float]) -> None:
    with pytest.raises(ValueError, match="llama"):
        PriceTable({"llama": pair})


def test_a_call_is_reported_with_everything_that_is_known_of_it() -> None:
    call = {
        "model": "gpt-4o",
        "provider": "openai",
        "latency_ms": 812,
        "prompt": "why?",
        "response": "because",
        **USAGE,
    }

    assert reported({"llmCall": call}) == {
        "sender": "bob",
        "messageId": "m1",
        "promptTokens": 1000,
        "completionTokens": 500,
        "totalTokens": 1500,
        "estimatedCostUsd": 0.0075,
        "model": "gpt-4o",
        "provider": "openai",
        "latencyMs": 812,
        "prompt": "why?",
        "response": "because",
    }


@pytest.mark.parametrize(
    "payload",
    [
        {"llmCall": USAGE},
        {"llm_call": {"prompt_tokens": 1000, "completion_tokens": "500"}},
        {"tokenUsage": USAGE},
        {"token_usage": {"prompt_tokens": 1000.0, "completion_tokens": 500}},
        {"metadata": {"llmCall": USAGE}},
        {"metadata": {"tokenUsage": USAGE}, "other": 1},
        {"llmCall": {"model": "x", "tokenUsage": USAGE}},
        {"llmCall": {"model": "x"}, "tokenUsage": USAGE},
    ],
)
def test_usage_is_found_wherever_agents_put_it(payload: object) -> None:
    data = reported(payload)

    assert (data["promptTokens"], data["completionTokens"], data["totalTokens"]) == (1000, 500, 1500)


def test_a_given_total_is_kept_and_nonsense_counts_as_zero() -> None:
    data = reported(
        {"tokenUsage": {"promptTokens": -5, "completionTokens": "many", "total_tokens": 9}, "model": "gpt-4o"}
    )

    assert (data["promptTokens"], data["completionTokens"], data["totalTokens"]) == (0, 0, 9)
    assert data["model"] == "gpt-4o"


@pytest.mark.parametrize("data", [{"model": "gpt-4o", **USAGE}, {"llmCall": {"model": "gpt-4o", **USAGE}}])
def test_a_signal_may_report_a_call(data: object) -> None:
    drafts = play([scenarios.signal("s1", "bob", "llm.call.completed", data)])

    assert types(drafts)[1:] == ["message.received", "signal.emitted", "llm.call.completed"]
    assert drafts[3].data["estimatedCostUsd"] == 0.0075


def test_another_signal_or_a_mistyped_report_is_no_call() -> None:
    drafts = play(
        [
            scenarios.signal("s1", "bob", "status", USAGE),
            scenarios.signal("s2", "bob", "llm.call.completed", "text"),
            scenarios.unknown("m1", "bob", "Note", {"llmCall": "yes", "tokenUsage": 7, "metadata": []}),
        ]
    )

    assert "llm.call.completed" not in types(drafts)


def test_a_prompt_with_a_secret_is_masked() -> None:
    assert reported({"llmCall": {"prompt": "use sk-0123456789abcdef"}})["prompt"] == "use [redacted]"
