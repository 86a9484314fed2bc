"""Signals: what agents call out beside the session's own messages, and the model calls they report that way."""

from collections.abc import Mapping

from runs.domain.events import Draft, EventType, JsonObject
from runs.domain.normaliser import members
from runs.domain.normaliser.context import Context
from runs.domain.normaliser.llm import call_in_signal, llm_data, reported_call
from runs.domain.normaliser.message import Message

PRODUCED = frozenset({EventType.LLM_CALL_COMPLETED})

LLM_SIGNAL = "llm.call.completed"

_SIGNAL_TYPE = members.named("signalType")
_SEVERITY = members.named("severity")
_CONFIDENCE = members.named("confidence")
_DATA_JSON = members.named("dataJson")
_DATA = members.named("data")


def signal_detail(message: Message) -> JsonObject:
    """The signal's own type, severity and confidence, whether the severity stands beside its data or in it."""
    data = signal_data(message.members)
    inner = data if isinstance(data, dict) else {}
    return members.present(
        (
            ("signalType", members.text(message.members, _SIGNAL_TYPE)),
            ("severity", members.text(message.members, _SEVERITY) or members.text(inner, _SEVERITY)),
            ("confidence", members.number(message.members, _CONFIDENCE)),
        )
    )


def signal_data(payload: Mapping[str, object]) -> object:
    """The data of a signal as JSON: parsed from its bytes, or as it stands in a JSON payload."""
    parsed = members.found(payload, _DATA_JSON)
    return members.found(payload, _DATA) if parsed is None else parsed


def llm_call(message: Message, context: Context) -> Draft | None:
    """`llm.call.completed` where a payload reports a model call, else None."""
    call = reported_call(message.members)
    if call is None and message.type == "Signal" and members.text(message.members, _SIGNAL_TYPE) == LLM_SIGNAL:
        call = call_in_signal(signal_data(message.members))
    if call is None:
        return None
    data = llm_data(call, sender=message.sender, message_id=message.id, prices=context.prices)
    return message.draft(EventType.LLM_CALL_COMPLETED, "message", None, data)
