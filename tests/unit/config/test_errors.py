import pytest
from django.db import DataError, OperationalError
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ErrorDetail, ValidationError

import runs.errors
from config.http.errors import fault_of
from config.http.fault import CODE_OF, STATUS_OF, fault_of_status
from runs.errors import BreakerOpen, ControlPlaneError, FieldFault, RuntimeRejected, Unauthenticated, ValidationFailed


def test_every_error_of_the_control_plane_has_a_status() -> None:
    classes = [
        kind for kind in vars(runs.errors).values() if isinstance(kind, type) and issubclass(kind, ControlPlaneError)
    ]
    assert {kind.code for kind in classes} <= set(STATUS_OF)


def test_every_fallback_code_is_on_the_list_with_the_same_status() -> None:
    assert {code: STATUS_OF[code] for code in CODE_OF.values()} == {code: status for status, code in CODE_OF.items()}


@given(status=st.integers(400, 599))
def test_every_error_status_has_a_body_of_the_one_shape(status: int) -> None:
    body = fault_of_status(status).body()
    assert body["statusCode"] == status
    assert body["errorCode"] in STATUS_OF
    assert set(body) == {"statusCode", "error", "errorCode", "message", "requestId"}


def test_a_validation_failure_lists_every_fault() -> None:
    failed = ValidationFailed([FieldFault("session.ttlMs", "must be greater than 0"), FieldFault("mode", "is missing")])
    fault = fault_of(failed)
    assert fault is not None
    assert fault.message == "session.ttlMs: must be greater than 0"
    assert fault.details == {
        "errors": [
            {"path": "session.ttlMs", "message": "must be greater than 0"},
            {"path": "mode", "message": "is missing"},
        ]
    }


def test_a_serializers_nested_faults_become_paths() -> None:
    detail = {
        "session": {"ttlMs": ["must be a number", "must be positive"], "non_field_errors": ["is odd"]},
        "kickoff": [{}, {"from": [ErrorDetail("is missing", code="required")]}],
        "non_field_errors": ["makes no sense"],
    }
    fault = fault_of(ValidationError(detail))
    assert fault is not None
    assert [(error["path"], error["message"]) for error in fault.details["errors"]] == [  # type: ignore[attr-defined]
        ("session.ttlMs", "must be a number"),
        ("session.ttlMs", "must be positive"),
        ("session", "is odd"),
        ("kickoff[1].from", "is missing"),
        ("", "makes no sense"),
    ]


def test_the_runtimes_own_code_is_shown() -> None:
    fault = fault_of(RuntimeRejected("no", runtime_code="POLICY_DENIED", details={"reasons": ["late"]}))
    assert fault is not None
    assert fault.details == {"reasons": ["late"], "runtimeCode": "POLICY_DENIED"}


def test_a_refused_caller_learns_how_to_come_back() -> None:
    for error, header in ((Unauthenticated(), ("WWW-Authenticate", "Bearer")), (BreakerOpen(), ("Retry-After", "30"))):
        fault = fault_of(error)
        assert fault is not None
        assert dict([header]) == fault.headers


def test_an_open_breaker_says_how_long_in_header_and_body_alike() -> None:
    fault = fault_of(BreakerOpen(details={"retryAfterMs": 16_748}))
    assert fault is not None
    assert fault.headers == {"Retry-After": "17"}


@pytest.mark.parametrize(
    "error", [OperationalError("connection refused at 10.0.0.1"), runs.errors.Fenced(), DataError("x")]
)
def test_no_error_shows_what_lies_behind_it(error: Exception) -> None:
    fault = fault_of(error)
    assert fault is None or (fault.code, fault.message) == ("SERVICE_UNAVAILABLE", "the database cannot be reached")
