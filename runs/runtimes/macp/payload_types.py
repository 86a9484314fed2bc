"""Which protobuf type a payload has: by mode and message type, else by message type alone."""

from types import ModuleType

from macp.modes.decision.v1 import decision_pb2
from macp.modes.handoff.v1 import handoff_pb2
from macp.modes.multi_round.v1 import multi_round_pb2
from macp.modes.proposal.v1 import proposal_pb2
from macp.modes.quorum.v1 import quorum_pb2
from macp.modes.task.v1 import task_pb2

from runs.runtimes.macp.wire import CommitmentPayload, Message, ProgressPayload, SessionStartPayload, SignalPayload

_SUFFIX = "Payload"

_MODES: dict[str, ModuleType] = {
    "macp.mode.decision.v1": decision_pb2,
    "macp.mode.proposal.v1": proposal_pb2,
    "macp.mode.task.v1": task_pb2,
    "macp.mode.handoff.v1": handoff_pb2,
    "macp.mode.quorum.v1": quorum_pb2,
    "ext.multi_round.v1": multi_round_pb2,
}

# Every mode has these, and so has a mode nobody here knows.
CORE_TYPES: dict[str, type[Message]] = {
    "SessionStart": SessionStartPayload,
    "Commitment": CommitmentPayload,
    "Signal": SignalPayload,
    "Progress": ProgressPayload,
}

# A mode's package holds its payloads and nothing else, each named after its message type.
MODE_TYPES: dict[tuple[str, str], type[Message]] = {
    (mode, name.removesuffix(_SUFFIX)): getattr(module, name)
    for mode, module in _MODES.items()
    for name in module.DESCRIPTOR.message_types_by_name
    if name.endswith(_SUFFIX)
}


def payload_type(mode: str, message_type: str) -> type[Message] | None:
    """The protobuf type of a payload; None where the protocol names none."""
    return MODE_TYPES.get((mode, message_type)) or CORE_TYPES.get(message_type)
