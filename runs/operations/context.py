"""Context: the participants of a run are told what they should know from now on."""

from runs.domain.outbound import CONTEXT_UPDATE
from runs.domain.speech import ContextRequest
from runs.operations.fate import Accepted
from runs.operations.say import Occasion, Speech, say
from runs.runtimes.plan import Payload
from runs.runtimes.port import Outgoing

CONTEXT_MESSAGE = "ContextUpdate"


def update_context(request: ContextRequest, occasion: Occasion) -> Accepted:
    """The runtime has accepted the update, as a message or as the signal that stands for one; raises as `say` does."""
    outgoing = Outgoing(
        message_id=str(occasion.message_id),
        message_type=CONTEXT_MESSAGE,
        sender=request.sender,
        payload=request.context,
    )
    speech = Speech(
        category=CONTEXT_UPDATE,
        message_type=CONTEXT_MESSAGE,
        outgoing=outgoing,
        payload=Payload(encoding="json", value=request.context),
        payload_path="context",
    )
    return say(speech, occasion)
