"""Wishes and their answers as they stand in a row, and whom a cancel goes to."""

from datetime import UTC, datetime

import pytest

from runs.api.requests import read_execution_request
from runs.domain.requests import CancelRoute
from runs.domain.wishes import WishAnswer, WishKind, already_ended, fulfilled, not_permitted, read_answer, refused
from runs.errors import (
    BreakerOpen,
    CallbackFailed,
    ControlPlaneError,
    InvalidTransition,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
    SessionNotFound,
)
from tests.bodies import UUID_4, short_body

AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)


def again(answer: WishAnswer) -> WishAnswer:
    read = read_answer(answer.dumps())
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeRejected("no", runtime_code="FORBIDDEN"), RuntimeRejected),
        (SessionNotFound("gone", runtime_code="SESSION_NOT_FOUND"), RuntimeRejected),
        (RuntimeUnsupported("no"), RuntimeUnsupported),
        (RuntimeUnavailable("away"), RuntimeUnavailable),
        (BreakerOpen(details={"retryAfterMs": 7}), BreakerOpen),
        (RuntimeTimedOut("slow"), RuntimeTimedOut),
        (CallbackFailed("500"), CallbackFailed),
        (InvalidTransition("no", details={"from": "running"}), InvalidTransition),
    ],
)
def test_a_refusal_comes_out_of_its_row_as_it_went_in(error: ControlPlaneError, kind: type[ControlPlaneError]) -> None:
    refusal = again(refused(WishKind.SUSPEND, AT, error)).refusal()

    assert type(refusal) is kind
    assert (refusal.code, refusal.message) == (error.code, error.message)
    code = getattr(error, "runtime_code", "")
    assert refusal.details == (error.details | {"runtimeCode": code} if code else error.details)


def test_an_answer_tells_its_wish_to_the_microsecond() -> None:
    answer = again(fulfilled(WishKind.RESUME, AT))
    assert (answer.wanted, answer.wanted_at, answer.ok) == ("resume", AT, True)
    assert read_answer(None) is None


def test_a_code_nobody_knows_is_never_shown_l22() -> None:
    strange = WishAnswer(wanted="cancel", wanted_at=AT, ok=False, error_code="DROP_TABLE", message="no")
    assert again(strange).refusal().code == "RUNTIME_REJECTED"


@pytest.mark.parametrize(
    ("kind", "done", "aim"),
    [("cancel", "cancelled", "cancelled"), ("suspend", "suspended", "suspended"), ("resume", "resumed", "running")],
)
def test_what_cannot_be_names_both_statuses_b22(kind: str, done: str, aim: str) -> None:
    for error in (already_ended("completed", WishKind(kind)), not_permitted("completed", WishKind(kind))):
        assert error.message == f"run is completed and cannot be {done}"
        assert error.details == {"from": "completed", "to": aim}


CALLBACK = {"url": "https://agent.example/cancel"}


@pytest.mark.parametrize(
    ("opener", "metadata", "route"),
    [
        ("control-plane", {}, CancelRoute.RUNTIME),
        ("control-plane", {"cancelCallback": CALLBACK}, CancelRoute.RUNTIME),
        ("agent", {"cancellationDelegated": True}, CancelRoute.RUNTIME),
        ("agent", {"cancellationDelegated": True, "cancelCallback": CALLBACK}, CancelRoute.RUNTIME),
        ("agent", {"cancelCallback": CALLBACK}, CancelRoute.CALLBACK),
        ("agent", {"cancellationDelegated": False, "cancelCallback": None}, None),
        ("agent", {}, None),
    ],
)
def test_whom_a_cancel_goes_to_depends_on_who_opened_the_session(
    opener: str, metadata: dict[str, object], route: CancelRoute | None
) -> None:
    body = short_body()
    body["session"] |= {"opener": opener, "sessionId": UUID_4, "metadata": metadata}
    assert read_execution_request(body).session.cancel_route is route
