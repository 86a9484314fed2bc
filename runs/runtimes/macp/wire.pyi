"""The protocol's messages as far as this adapter uses them; a test compares every field with its descriptor."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import ClassVar, Protocol, Self, TypeVar

class DecodeError(Exception): ...
class ParseError(Exception): ...

class EnumValue(Protocol):
    name: str

class EnumDescriptor(Protocol):
    values_by_number: Mapping[int, EnumValue]

class FieldDescriptor(Protocol):
    name: str
    json_name: str
    cpp_type: int
    type: int
    is_repeated: bool
    has_presence: bool
    message_type: Descriptor
    enum_type: EnumDescriptor

class MessageOptions(Protocol):
    map_entry: bool

class Descriptor(Protocol):
    full_name: str
    fields: Sequence[FieldDescriptor]
    fields_by_name: Mapping[str, FieldDescriptor]
    def GetOptions(self) -> MessageOptions: ...

class Message:
    DESCRIPTOR: ClassVar[Descriptor]
    def HasField(self, field_name: str) -> bool: ...
    def WhichOneof(self, oneof_group: str) -> str | None: ...
    def SerializeToString(self, *, deterministic: bool = ...) -> bytes: ...
    def MergeFromString(self, serialized: bytes) -> int: ...
    @classmethod
    def FromString(cls, serialized: bytes) -> Self: ...

M = TypeVar("M", bound=Message)

def ParseDict(js_dict: Mapping[str, object], message: M) -> M: ...

class SessionState:
    @staticmethod
    def Name(number: int) -> str: ...
    @staticmethod
    def items() -> list[tuple[str, int]]: ...

class Envelope(Message):
    macp_version: str
    mode: str
    message_type: str
    message_id: str
    session_id: str
    sender: str
    timestamp_unix_ms: int
    payload: bytes
    def __init__(
        self,
        *,
        macp_version: str = ...,
        mode: str = ...,
        message_type: str = ...,
        message_id: str = ...,
        session_id: str = ...,
        sender: str = ...,
        timestamp_unix_ms: int = ...,
        payload: bytes = ...,
    ) -> None: ...

class MACPError(Message):
    code: str
    message: str
    session_id: str
    message_id: str
    details: bytes
    def __init__(
        self, *, code: str = ..., message: str = ..., session_id: str = ..., message_id: str = ..., details: bytes = ...
    ) -> None: ...

class Ack(Message):
    ok: bool
    duplicate: bool
    message_id: str
    session_id: str
    accepted_at_unix_ms: int
    session_state: int
    error: MACPError
    def __init__(
        self,
        *,
        ok: bool = ...,
        duplicate: bool = ...,
        message_id: str = ...,
        session_id: str = ...,
        accepted_at_unix_ms: int = ...,
        session_state: int = ...,
        error: MACPError | None = ...,
    ) -> None: ...

class ClientInfo(Message):
    name: str
    version: str
    def __init__(self, *, name: str = ..., version: str = ...) -> None: ...

class RuntimeInfo(Message):
    name: str
    version: str

class SessionsCapability(Message):
    stream: bool
    watch_sessions: bool

class CancellationCapability(Message):
    cancel_session: bool

class ProgressCapability(Message):
    progress: bool

class ManifestCapability(Message):
    get_manifest: bool

class ModeRegistryCapability(Message):
    list_modes: bool

class RootsCapability(Message):
    list_roots: bool

class PolicyRegistryCapability(Message):
    register_policy: bool

class Capabilities(Message):
    sessions: SessionsCapability
    cancellation: CancellationCapability
    progress: ProgressCapability
    manifest: ManifestCapability
    mode_registry: ModeRegistryCapability
    roots: RootsCapability
    policy_registry: PolicyRegistryCapability

class InitializeRequest(Message):
    def __init__(self, *, supported_protocol_versions: Iterable[str] = ..., client_info: ClientInfo = ...) -> None: ...

class InitializeResponse(Message):
    selected_protocol_version: str
    runtime_info: RuntimeInfo
    capabilities: Capabilities
    supported_modes: Sequence[str]

class Root(Message):
    uri: str
    name: str
    def __init__(self, *, uri: str = ..., name: str = ...) -> None: ...

class SessionStartPayload(Message):
    intent: str
    participants: Sequence[str]
    mode_version: str
    configuration_version: str
    policy_version: str
    ttl_ms: int
    roots: Sequence[Root]
    context_id: str
    extensions: MutableMapping[str, bytes]
    max_suspend_ms: int
    def __init__(
        self,
        *,
        intent: str = ...,
        participants: Iterable[str] = ...,
        mode_version: str = ...,
        configuration_version: str = ...,
        policy_version: str = ...,
        ttl_ms: int = ...,
        roots: Iterable[Root] = ...,
        context_id: str = ...,
        extensions: Mapping[str, bytes] = ...,
        max_suspend_ms: int = ...,
    ) -> None: ...

class CommitmentPayload(Message): ...
class ProgressPayload(Message): ...

class SignalPayload(Message):
    signal_type: str
    data: bytes
    confidence: float
    correlation_session_id: str
    def __init__(
        self, *, signal_type: str = ..., data: bytes = ..., confidence: float = ..., correlation_session_id: str = ...
    ) -> None: ...

class ParticipantActivity(Message):
    participant_id: str
    message_count: int

class SessionMetadata(Message):
    session_id: str
    mode: str
    state: int
    started_at_unix_ms: int
    expires_at_unix_ms: int
    mode_version: str
    configuration_version: str
    policy_version: str
    participants: Sequence[str]
    participant_activity: Sequence[ParticipantActivity]
    initiator: str
    context_id: str
    extension_keys: Sequence[str]

class SendRequest(Message):
    envelope: Envelope
    def __init__(self, *, envelope: Envelope = ...) -> None: ...

class SendResponse(Message):
    ack: Ack
    def __init__(self, *, ack: Ack = ...) -> None: ...

class GetSessionRequest(Message):
    def __init__(self, *, session_id: str = ...) -> None: ...

class GetSessionResponse(Message):
    metadata: SessionMetadata

class CancelSessionRequest(Message):
    def __init__(self, *, session_id: str = ..., reason: str = ...) -> None: ...

class CancelSessionResponse(Message):
    ack: Ack

class SuspendSessionRequest(Message):
    def __init__(self, *, session_id: str = ..., reason: str = ...) -> None: ...

class SuspendSessionResponse(Message):
    ack: Ack

class ResumeSessionRequest(Message):
    def __init__(self, *, session_id: str = ..., reason: str = ...) -> None: ...

class ResumeSessionResponse(Message):
    ack: Ack

Steered = CancelSessionResponse | SuspendSessionResponse | ResumeSessionResponse

class StreamSessionRequest(Message):
    def __init__(self, *, subscribe_session_id: str = ..., after_sequence: int = ...) -> None: ...

class StreamSessionResponse(Message):
    envelope: Envelope
    error: MACPError

class WatchSessionsRequest(Message): ...

class SessionLifecycleEvent(Message):
    event_type: int
    session: SessionMetadata

class WatchSessionsResponse(Message):
    event: SessionLifecycleEvent

class WatchSignalsRequest(Message): ...

class WatchSignalsResponse(Message):
    envelope: Envelope

class GetPolicyRequest(Message):
    def __init__(self, *, policy_id: str = ...) -> None: ...

class GetPolicyResponse(Message):
    policy_descriptor: PolicyDescriptor

class PolicyDescriptor(Message):
    policy_id: str
    mode: str
    description: str
    rules: str
    schema_version: int
    registered_at_unix_ms: int
    def __init__(
        self,
        *,
        policy_id: str = ...,
        mode: str = ...,
        description: str = ...,
        rules: str = ...,
        schema_version: int = ...,
    ) -> None: ...

class ListPoliciesRequest(Message):
    def __init__(self, *, mode: str = ...) -> None: ...

class ListPoliciesResponse(Message):
    descriptors: Sequence[PolicyDescriptor]

class RegisterPolicyRequest(Message):
    def __init__(self, *, policy_descriptor: PolicyDescriptor = ...) -> None: ...

class RegisterPolicyResponse(Message):
    ok: bool
    error: str

class UnregisterPolicyRequest(Message):
    def __init__(self, *, policy_id: str = ...) -> None: ...

class UnregisterPolicyResponse(Message):
    ok: bool
    error: str

class AgentManifest(Message):
    agent_id: str
    title: str
    description: str
    supported_modes: Sequence[str]
    metadata: Mapping[str, str]

class GetManifestRequest(Message): ...

class GetManifestResponse(Message):
    manifest: AgentManifest

class ModeDescriptor(Message):
    mode: str
    mode_version: str
    title: str
    description: str
    determinism_class: str
    participant_model: str
    message_types: Sequence[str]
    terminal_message_types: Sequence[str]
    schema_uris: Mapping[str, str]

class ListModesRequest(Message): ...

class ListModesResponse(Message):
    modes: Sequence[ModeDescriptor]

class ListExtModesRequest(Message): ...

class ListExtModesResponse(Message):
    modes: Sequence[ModeDescriptor]

class ListRootsRequest(Message): ...

class ListRootsResponse(Message):
    roots: Sequence[Root]
