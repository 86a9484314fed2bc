"""Slice `llm`: what the participants spent on language models.

Costs are added as whole micro-dollars, so that a total is the exact sum of its calls however many there are.
"""

from typing import cast

from runs.domain.events import Event, EventType, JsonObject
from runs.domain.projection import bounds
from runs.domain.projection.handlers import Handlers
from runs.domain.projection.members import count, kept, number, present, text
from runs.domain.projection.sketch import Sketch

_MICRO = 1_000_000
_DEAREST = 10**6  # USD for one call; more is no cost but a mistake


def _micro_usd(value: object) -> int | None:
    cost = number(value)
    return round(cost * _MICRO) if cost is not None and 0 <= cost <= _DEAREST else None


def _usd(micro: int | None) -> float | None:
    return None if micro is None else micro / _MICRO


def _completed(sketch: Sketch, event: Event) -> None:
    data = event.data
    if (sender := text(data.get("sender"))) is None:
        return
    prompt, completion = count(data.get("promptTokens")) or 0, count(data.get("completionTokens")) or 0
    total, cost = count(data.get("totalTokens")), _micro_usd(data.get("estimatedCostUsd"))
    call = present(
        participantId=sender,
        model=text(data.get("model")),
        promptTokens=prompt,
        completionTokens=completion,
        totalTokens=prompt + completion if total is None else total,
        latencyMs=number(data.get("latencyMs")),
        ts=event.ts,
        messageId=text(data.get("messageId")) or (event.subject_id if event.subject_kind == "message" else None),
        artifactId=text(data.get("artifactId")),
        estimatedCostUsd=_usd(cost),
    )
    sketch.llm["calls"] = kept(cast(list[JsonObject], sketch.llm["calls"]), call, bounds.CALLS)
    _add(sketch, call, cost or 0)


def _add(sketch: Sketch, call: JsonObject, cost: int) -> None:
    totals, costs = sketch.totals, sketch.costs
    totals["callCount"] = cast(int, totals["callCount"]) + 1
    for member in ("promptTokens", "completionTokens", "totalTokens"):
        totals[member] = cast(int, totals[member]) + cast(int, call[member])
    costs["costMicroUsd"] += cost
    totals["estimatedCostUsd"] = _usd(costs["costMicroUsd"])


HANDLERS: Handlers = {EventType.LLM_CALL_COMPLETED: _completed}
