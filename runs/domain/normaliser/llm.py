"""Calls of language models that agents report, and what they cost.

The cost is computed once, when the event is written: a later change of prices does not alter history.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec

from runs.domain.events import JsonObject
from runs.domain.normaliser import members

Price = tuple[float, float]
"""USD per one million prompt and completion tokens."""

PRICES: dict[str, Price] = {
    "gpt-4o": (2.50, 10.0),
    "gpt-4o-mini": (0.15, 0.60),
    "gpt-4-turbo": (10.0, 30.0),
    "claude-3-opus": (15.0, 75.0),
    "claude-3-sonnet": (3.0, 15.0),
    "claude-3-haiku": (0.25, 1.25),
}
OTHER_MODELS: Price = (1.0, 3.0)

_MOST_TOKENS = 2**53  # what every reader of JSON can count to
_LONGEST_DIGITS = 16

_LLM_CALL = members.named("llmCall")
_TOKEN_USAGE = members.named("tokenUsage")
_PROMPT_TOKENS = members.named("promptTokens")
_COMPLETION_TOKENS = members.named("completionTokens")
_TOTAL_TOKENS = members.named("totalTokens")
_MODEL = members.named("model")
_PROVIDER = members.named("provider")
_LATENCY_MS = members.named("latencyMs")
_PROMPT = members.named("prompt")
_RESPONSE = members.named("response")
_METADATA = members.named("metadata")


class PriceTable:
    """What a model's tokens cost: the longest matching prefix of its name decides."""

    def __init__(self, overrides: Mapping[str, Sequence[float]] | None = None) -> None:
        """The built-in prices with `overrides` (model prefix: prompt and completion USD per million) on top.

        Raises ValueError, naming the prefix, where an override is no pair of prices.
        """
        merged = {**PRICES, **{prefix: _price(prefix, pair) for prefix, pair in (overrides or {}).items()}}
        by_length = sorted(merged.items(), key=lambda item: (-len(item[0]), item[0]))
        self._prices = [(prefix.lower(), price) for prefix, price in by_length]

    def cost(self, model: str | None, prompt_tokens: int, completion_tokens: int) -> float:
        """The estimated cost in USD, rounded to 6 decimals."""
        prompt, completion = self._price_of(model)
        return round((prompt_tokens * prompt + completion_tokens * completion) / 1_000_000, 6)

    def _price_of(self, model: str | None) -> Price:
        name = (model or "").lower()
        return next((price for prefix, price in self._prices if name.startswith(prefix)), OTHER_MODELS)


def _price(prefix: str, pair: Sequence[float]) -> Price:
    try:
        prompt, completion = (float(price) for price in pair)
    except (TypeError, ValueError) as error:
        raise ValueError(f"price of {prefix!r}: two numbers are needed, USD per million tokens") from error
    if not (math.isfinite(prompt) and math.isfinite(completion) and prompt >= 0 and completion >= 0):
        raise ValueError(f"price of {prefix!r}: two numbers of at least 0 are needed")
    return prompt, completion


class LlmCall(msgspec.Struct, frozen=True):
    """Where a payload speaks of a call: of the call itself, of its tokens, and the object around both."""

    call: JsonObject
    usage: JsonObject
    around: JsonObject


def reported_call(payload: Mapping[str, object]) -> LlmCall | None:
    """The call that a payload or its metadata reports as `llmCall` or `tokenUsage`, or None."""
    return _call_in(payload) or _call_in(members.nested_or_empty(payload, _METADATA))


def call_in_signal(data: object) -> LlmCall | None:
    """The call that the data of a signal `llm.call.completed` reports: wrapped as in a payload, or bare."""
    if not isinstance(data, dict):
        return None
    return reported_call(data) or LlmCall(data, data, data)


def llm_data(call: LlmCall, *, sender: str, message_id: str, prices: PriceTable) -> JsonObject:
    """The data of `llm.call.completed`; a missing total is the sum."""
    prompt = _tokens(call, _PROMPT_TOKENS) or 0
    completion = _tokens(call, _COMPLETION_TOKENS) or 0
    total = _tokens(call, _TOTAL_TOKENS)
    model = _first_text((call.call, call.usage, call.around), _MODEL)
    data: JsonObject = {
        "sender": sender,
        "messageId": message_id,
        "promptTokens": prompt,
        "completionTokens": completion,
        "totalTokens": min(prompt + completion, _MOST_TOKENS) if total is None else total,
        "estimatedCostUsd": prices.cost(model, prompt, completion),
    }
    return {**data, **_details(call, model)}


def _details(call: LlmCall, model: str | None) -> JsonObject:
    return members.present(
        (
            ("model", model),
            ("provider", _first_text((call.call, call.usage, call.around), _PROVIDER)),
            ("latencyMs", _latency(call)),
            ("prompt", members.found(call.call, _PROMPT)),
            ("response", members.found(call.call, _RESPONSE)),
        )
    )


def _call_in(holder: Mapping[str, object]) -> LlmCall | None:
    call = members.nested(holder, _LLM_CALL)
    usage = members.nested(holder, _TOKEN_USAGE)
    if call is None and usage is None:
        return None
    call = call or {}
    return LlmCall(call, usage or members.nested(call, _TOKEN_USAGE) or call, dict(holder))


def _first_text(holders: tuple[JsonObject, ...], name: members.Name) -> str | None:
    return next((value for holder in holders if (value := members.text(holder, name)) is not None), None)


def _tokens(call: LlmCall, name: members.Name) -> int | None:
    for holder in (call.usage, call.call):
        count = _count(members.found(holder, name))
        if count is not None:
            return count
    return None


def _count(value: object) -> int | None:
    """A number of tokens: never negative; a 64-bit integer may come as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(min(max(value, 0), _MOST_TOKENS))


def _latency(call: LlmCall) -> int | float | None:
    for holder in (call.call, call.usage, call.around):
        latency = members.number(holder, _LATENCY_MS)
        if latency is not None:
            return max(latency, 0)
    return None
