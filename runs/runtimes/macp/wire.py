"""The protocol's messages, as one typed vocabulary: `wire.pyi` says what the published package leaves untyped.

Objects of these types never leave `runs.runtimes.macp`.
"""

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from macp.v1.core_pb2 import (
    CancelSessionRequest,
    CancelSessionResponse,
    Capabilities,
    ClientInfo,
    CommitmentPayload,
    GetSessionRequest,
    GetSessionResponse,
    InitializeRequest,
    InitializeResponse,
    ProgressPayload,
    ResumeSessionRequest,
    ResumeSessionResponse,
    Root,
    SendRequest,
    SendResponse,
    SessionMetadata,
    SessionStartPayload,
    SignalPayload,
    StreamSessionRequest,
    StreamSessionResponse,
    SuspendSessionRequest,
    SuspendSessionResponse,
    WatchSessionsRequest,
    WatchSessionsResponse,
    WatchSignalsRequest,
    WatchSignalsResponse,
)
from macp.v1.envelope_pb2 import Ack, Envelope, MACPError, SessionState
from macp.v1.policy_pb2 import GetPolicyRequest

# What CancelSession, SuspendSession and ResumeSession answer: an ack each.
Steered = CancelSessionResponse | SuspendSessionResponse | ResumeSessionResponse

__all__ = [
    "Ack",
    "CancelSessionRequest",
    "CancelSessionResponse",
    "Capabilities",
    "ClientInfo",
    "CommitmentPayload",
    "DecodeError",
    "Descriptor",
    "EnumDescriptor",
    "Envelope",
    "FieldDescriptor",
    "GetPolicyRequest",
    "GetSessionRequest",
    "GetSessionResponse",
    "InitializeRequest",
    "InitializeResponse",
    "MACPError",
    "Message",
    "ParseDict",
    "ParseError",
    "ProgressPayload",
    "ResumeSessionRequest",
    "ResumeSessionResponse",
    "Root",
    "SendRequest",
    "SendResponse",
    "SessionMetadata",
    "SessionStartPayload",
    "SessionState",
    "SignalPayload",
    "Steered",
    "StreamSessionRequest",
    "StreamSessionResponse",
    "SuspendSessionRequest",
    "SuspendSessionResponse",
    "WatchSessionsRequest",
    "WatchSessionsResponse",
    "WatchSignalsRequest",
    "WatchSignalsResponse",
]
