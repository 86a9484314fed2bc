"""Foreign errors stop here: a gRPC status becomes one of the faults the port may raise.

The status alone does not say enough: newer runtimes put their own code and details into trailing metadata, older ones
begin the text with it.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import grpc
import grpc.aio
import orjson

from runs.errors import (
    RuntimeFault,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
    SessionNotFound,
)
from runs.runtimes.macp.wire import DecodeError

# A word of the protocol at the start of a text: "FORBIDDEN: not a participant".
_OWN_CODE = re.compile(r"(?:[A-Z]+(?:_[A-Z]+)+|[A-Z]{4,})(?=[:\s]|$)")

# The runtime answered and said no; every other status leaves open what happened.
_REFUSALS = frozenset(
    {
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "FAILED_PRECONDITION",
        "OUT_OF_RANGE",
        "UNAUTHENTICATED",
    }
)
# RESOURCE_EXHAUSTED may also be a stream that lagged behind: that one is to be opened again.
_REFUSED_FOR_ITS_SIZE_OR_RATE = frozenset({"RATE_LIMITED", "PAYLOAD_TOO_LARGE"})


class Status(Protocol):
    """What a failed call tells."""

    def code(self) -> grpc.StatusCode:
        """Its gRPC status."""

    def details(self) -> str | None:
        """Its text."""

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]]:
        """What the runtime added; values of keys that end in `-bin` are bytes."""


@contextmanager
def only_our_faults(rpc: str) -> Iterator[None]:
    """Whatever gRPC raises inside leaves as a RuntimeFault."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise fault_of(error, rpc) from error
    except (grpc.aio.BaseError, asyncio.InvalidStateError) as error:
        raise RuntimeUnavailable(f"{rpc}: {error}") from error


@contextmanager
def readable(rpc: str) -> Iterator[None]:
    """An answer that cannot be read inside leaves as RuntimeUnavailable: what it said is unknown."""
    try:
        yield
    except DecodeError as error:
        raise RuntimeUnavailable(f"{rpc}: the answer cannot be read") from error


def fault_of(status: Status, rpc: str) -> RuntimeFault:
    """The fault a failed call stands for; its `runtime_code` is the runtime's own word where it has one."""
    name, text = status.code().name, status.details() or ""
    own, details = _trailers(status)
    own = own or own_code(text)
    message, runtime_code = f"{rpc}: {text or name}", own or name
    if name == "DEADLINE_EXCEEDED":
        return RuntimeTimedOut(message, runtime_code=name)
    if name == "UNIMPLEMENTED":
        return RuntimeUnsupported(message, runtime_code=name)
    if name == "NOT_FOUND":
        return SessionNotFound(message, runtime_code=runtime_code)
    if name in _REFUSALS or own in _REFUSED_FOR_ITS_SIZE_OR_RATE:
        return RuntimeRejected(message, runtime_code=runtime_code, details=json_object(details))
    return RuntimeUnavailable(message, runtime_code=runtime_code)


def own_code(text: str) -> str:
    """The runtime's own code at the start of a text, or an empty string."""
    found = _OWN_CODE.match(text)
    return found.group() if found else ""


def json_object(details: bytes) -> dict[str, object]:
    """Error details as a JSON object; empty if they are anything else."""
    try:
        value = orjson.loads(details) if details else None
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _trailers(status: Status) -> tuple[str, bytes]:
    trailers = dict(status.trailing_metadata() or ())
    code, details = trailers.get("macp-error-code", ""), trailers.get("macp-error-details-bin", b"")
    return (
        code if isinstance(code, str) else code.decode("ascii", "replace"),
        details if isinstance(details, bytes) else details.encode(),
    )
