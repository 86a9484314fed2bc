"""Signal: something is called out beside the conversation, tied to the run by its session id alone (E14)."""

import base64

import orjson

from runs.domain.events import JsonObject
from runs.domain.outbound import SIGNAL
from runs.domain.speech import SignalRequest
from runs.operations.fate import Accepted
from runs.operations.say import Occasion, Speech, say
from runs.runtimes.plan import Payload
from runs.runtimes.port import Outgoing


def send_signal(request: SignalRequest, occasion: Occasion) -> Accepted:
    """The runtime has accepted the signal; raises as `say` does."""
    data = _data(request)
    told: JsonObject = {
        "signalType": request.signal_type or request.message_type,
        "data": base64.b64encode(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).decode(),
    }
    if request.confidence is not None:
        told["confidence"] = request.confidence
    outgoing = Outgoing(
        message_id=str(occasion.message_id),
        message_type="Signal",
        sender=request.sender,
        recipients=request.to,
        payload=told,
    )
    speech = Speech(
        category=SIGNAL,
        message_type=request.message_type,
        outgoing=outgoing,
        payload=Payload(encoding="json", value=data),
        payload_path="payload",
    )
    return say(speech, occasion)


def _data(request: SignalRequest) -> JsonObject:
    """The payload; the protocol's signal has no members of its own for whom it is meant and how grave it is."""
    data: JsonObject = {**(request.payload or {}), "to": list(request.to)}
    if request.severity:
        data["severity"] = request.severity
    return data
