"""Foreign errors stop at the adapter: each gRPC status is one of the port's faults."""

from dataclasses import dataclass, field

import grpc
import pytest

from runs.domain.events import InlineError
from runs.errors import (
    RuntimeFault,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
    SessionNotFound,
)
from runs.runtimes.macp.faults import fault_of, own_code
from runs.runtimes.macp.subscription import HistoryGone, refusal_of


@dataclass
class Failed:
    """A failed call."""

    status: grpc.StatusCode
    text: str = ""
    trailers: dict[str, str | bytes] = field(default_factory=dict)

    def code(self) -> grpc.StatusCode:
        return self.status

    def details(self) -> str:
        return self.text

    def trailing_metadata(self) -> list[tuple[str, str | bytes]]:
        return list(self.trailers.items())


EXPECTED: dict[grpc.StatusCode, type[RuntimeFault]] = {
    grpc.StatusCode.CANCELLED: RuntimeUnavailable,
    grpc.StatusCode.UNKNOWN: RuntimeUnavailable,
    grpc.StatusCode.INVALID_ARGUMENT: RuntimeRejected,
    grpc.StatusCode.DEADLINE_EXCEEDED: RuntimeTimedOut,
    grpc.StatusCode.NOT_FOUND: SessionNotFound,
    grpc.StatusCode.ALREADY_EXISTS: RuntimeRejected,
    grpc.StatusCode.PERMISSION_DENIED: RuntimeRejected,
    grpc.StatusCode.UNAUTHENTICATED: RuntimeRejected,
    grpc.StatusCode.RESOURCE_EXHAUSTED: RuntimeUnavailable,
    grpc.StatusCode.FAILED_PRECONDITION: RuntimeRejected,
    grpc.StatusCode.ABORTED: RuntimeUnavailable,
    grpc.StatusCode.OUT_OF_RANGE: RuntimeRejected,
    grpc.StatusCode.UNIMPLEMENTED: RuntimeUnsupported,
    grpc.StatusCode.INTERNAL: RuntimeUnavailable,
    grpc.StatusCode.UNAVAILABLE: RuntimeUnavailable,
    grpc.StatusCode.DATA_LOSS: RuntimeUnavailable,
}


@pytest.mark.parametrize("status", [status for status in grpc.StatusCode if status is not grpc.StatusCode.OK])
def test_every_status_has_its_fault(status: grpc.StatusCode) -> None:
    fault = fault_of(Failed(status, "because"), "Send")

    assert type(fault) is EXPECTED[status]
    assert fault.runtime_code == status.name
    assert fault.message == "Send: because"


def test_the_runtimes_own_code_wins_over_the_status() -> None:
    trailers: dict[str, str | bytes] = {
        "macp-error-code": "POLICY_DENIED",
        "macp-error-details-bin": b'{"reasons": ["veto"]}',
    }
    fault = fault_of(Failed(grpc.StatusCode.FAILED_PRECONDITION, "no", trailers), "Send")

    assert fault.runtime_code == "POLICY_DENIED"
    assert fault.details == {"reasons": ["veto"]}


def test_older_runtimes_begin_their_text_with_the_code() -> None:
    status = grpc.StatusCode.FAILED_PRECONDITION
    fault = fault_of(Failed(status, "UNSUPPORTED_PROTOCOL_VERSION: 1.0 only"), "Initialize")

    assert fault.runtime_code == "UNSUPPORTED_PROTOCOL_VERSION"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FORBIDDEN: you", "FORBIDDEN"),
        ("SESSION_NOT_OPEN", "SESSION_NOT_OPEN"),
        ("Session 'x' is gone", ""),
        ("TTL", ""),
    ],
)
def test_only_a_word_of_the_protocol_is_a_code(text: str, code: str) -> None:
    assert own_code(text) == code


@pytest.mark.parametrize("where", ["metadata", "text"])
def test_a_stream_that_lagged_may_be_opened_again_but_a_rate_limit_is_a_refusal(where: str) -> None:
    def exhausted(code: str) -> RuntimeFault:
        in_text, trailers = (f"{code}: no", {}) if where == "text" else ("", {"macp-error-code": code})
        return fault_of(Failed(grpc.StatusCode.RESOURCE_EXHAUSTED, in_text, {**trailers}), "StreamSession")

    assert type(exhausted("STREAM_LAGGED")) is RuntimeUnavailable
    assert type(exhausted("RATE_LIMITED")) is RuntimeRejected
    assert type(exhausted("PAYLOAD_TOO_LARGE")) is RuntimeRejected


def test_details_that_are_no_json_object_are_left_out() -> None:
    for details in (b"\xff", b"[1]", b""):
        trailers: dict[str, str | bytes] = {"macp-error-details-bin": details}
        assert fault_of(Failed(grpc.StatusCode.INVALID_ARGUMENT, "", trailers), "Send").details == {}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InlineError(code="FORBIDDEN", message="not yours"), "FORBIDDEN"),
        (InlineError(code="FORBIDDEN: session access denied", message=""), "FORBIDDEN"),  # the older style
        (InlineError(code="", message="whatever"), "INVALID_ENVELOPE"),
    ],
)
def test_an_error_frame_that_answers_a_subscription_is_a_refusal(error: InlineError, code: str) -> None:
    refused = refusal_of(error)

    assert type(refused) is RuntimeRejected
    assert refused.runtime_code == code


@pytest.mark.parametrize(
    "error",
    [
        InlineError(code="INVALID_ENVELOPE", message="session history before ordinal 12 was compacted"),
        InlineError(code="session history before ordinal 12 was compacted; resume there", message=""),
        InlineError(code="HISTORY_UNAVAILABLE", message="gone", details=b'{"lowest_available_sequence":12}'),
    ],
)
def test_a_compacted_history_is_told_alike_whichever_way_the_runtime_puts_it(error: InlineError) -> None:
    refused = refusal_of(error)

    assert isinstance(refused, HistoryGone)
    assert refused.runtime_code == "HISTORY_UNAVAILABLE"
    assert refused.details == {"lowest_available_sequence": 12}


def test_an_error_frame_may_say_that_there_is_no_such_session() -> None:
    assert isinstance(refusal_of(InlineError(code="SESSION_NOT_FOUND", message="gone")), SessionNotFound)
