"""Idempotency-Key: served once, answered alike for a day, on routes that only count."""

import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django.fixtures import Settings

from runs.domain.scopes import SCOPES
from runs.errors import (
    BreakerOpen,
    Conflict,
    ControlPlaneError,
    FieldFault,
    OwnerGone,
    PayloadTooLarge,
    RateLimited,
    RunNotFound,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    ValidationFailed,
)
from runs.models import KeyedRequest
from runs.models.identity import uuid7
from runs.models.keyed_request import Keyed
from runs.models.project import DEFAULT_PROJECT_ID
from tests.keyed_routes import WORKSHOP
from tests.keys import stored_key
from tests.sweeping import swept

pytestmark = pytest.mark.django_db

OTHERS = UUID("00000000-0000-7000-8000-000000000099")


@pytest.fixture(autouse=True)
def workshop(settings: Settings) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.keyed_routes"
    WORKSHOP.clear()
    yield
    WORKSHOP.clear()


def ask(caller: Client, path: str = "/things", body: object = None, *, key: str | None = "order-7") -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return caller.post(
        path, {"a": 1, "b": 2} if body is None else body, content_type="application/json", headers=headers
    )


def refused(response: Any) -> tuple[int, str, object]:
    body = response.json()
    return response.status_code, body["errorCode"], body.get("details", {}).get("reason")


def moved(column: str, *, hours: float) -> None:
    """The time of every request under a key is over, or not yet, by so much."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE runs_keyedrequest SET {column} = {column} - make_interval(secs => %s)", [hours * 3600])


def left_behind() -> None:
    """As if the process had died before it could keep the answer, and long enough ago."""
    KeyedRequest.objects.update(status=None, answer=None)
    moved("claimed_until", hours=1)


def test_the_same_request_again_is_not_served_again_and_answered_byte_for_byte(caller: Client) -> None:
    first, again, reordered = ask(caller), ask(caller), ask(caller, body={"b": 2, "a": 1})

    assert len(WORKSHOP.made) == 1
    assert [one.status_code for one in (first, again, reordered)] == [202] * 3
    assert first.content == again.content == reordered.content
    assert {one["Content-Type"] for one in (first, again, reordered)} == {"application/json"}
    # It should say which is which.
    assert [one.get("Idempotency-Replayed") for one in (first, again, reordered)] == [None, "true", "true"]


def test_without_a_key_every_request_is_served(caller: Client) -> None:
    assert {ask(caller, key=None).json()["number"] for _ in range(3)} == {1, 2, 3}
    assert not KeyedRequest.objects.exists()


@pytest.mark.parametrize(("path", "body"), [("/things", {"a": 2}), ("/things?kind=other", None)])
def test_another_body_or_query_under_the_key_is_refused(caller: Client, path: str, body: object) -> None:
    ask(caller)

    assert refused(ask(caller, path, body)) == (409, "IDEMPOTENCY_KEY_REUSED", None)
    assert len(WORKSHOP.made) == 1


def test_a_key_is_one_of_its_project_and_of_its_path(caller: Client) -> None:
    stranger = Client(headers={"authorization": stored_key(*SCOPES, project_id=OTHERS).header})
    answers = [ask(caller), ask(caller, "/things/a"), ask(caller, "/things/b"), ask(stranger), ask(caller, key="else")]
    assert [one.json()["number"] for one in answers] == [1, 2, 3, 4, 5]
    # It should not matter how an id is spelled.
    assert ask(caller, "/things/A").content == answers[1].content


def test_after_a_day_a_key_is_a_new_one(caller: Client) -> None:
    first = ask(caller)
    moved("expires_at", hours=23.9)
    assert ask(caller).content == first.content

    moved("expires_at", hours=0.2)
    other = ask(caller, body={"a": 2})

    assert other.json()["number"] == 2
    assert other.json()["made"] != first.json()["made"], "what is made anew has an id of its own"
    assert ask(caller, body={"a": 2}).content == other.content


REFUSALS: list[tuple[ControlPlaneError, int]] = [
    (ValidationFailed([FieldFault("a", "must be small")]), 400),
    (RunNotFound(), 404),
    (Conflict(), 409),
    (PayloadTooLarge(), 413),
    (RateLimited(), 429),
    (RuntimeRejected(), 502),
    (RuntimeUnavailable(), 503),
    (BreakerOpen(), 503),
]


@pytest.mark.parametrize(("fault", "status"), REFUSALS, ids=[type(fault).__name__ for fault, _ in REFUSALS])
def test_a_refusal_is_not_kept_and_the_key_is_free_again(caller: Client, fault: ControlPlaneError, status: int) -> None:
    WORKSHOP.fault = fault
    assert ask(caller).status_code == status
    assert not KeyedRequest.objects.exists()

    assert ask(caller, body={"another": "body"}).json()["number"] == 2
    assert len(set(WORKSHOP.made)) == 2


@pytest.mark.parametrize(
    ("fault", "status"),
    [(RuntimeTimedOut(), 504), (OwnerGone(), 503), (OperationalError("away"), 503), (RuntimeError("a defect"), 500)],
    ids=["timeout", "owner-gone", "database", "defect"],
)
def test_what_may_have_been_done_all_the_same_is_repeated_under_its_id(
    caller: Client, fault: Exception, status: int
) -> None:
    WORKSHOP.fault = fault
    assert ask(caller).status_code == status
    assert refused(ask(caller, body={"another": "body"}))[1] == "IDEMPOTENCY_KEY_REUSED"

    again = ask(caller)

    assert (again.status_code, again.get("Idempotency-Replayed")) == (202, None)
    assert WORKSHOP.made == [again.json()["made"]] * 2
    assert ask(caller).content == again.content


def test_an_answer_that_shows_a_secret_is_not_kept(caller: Client) -> None:
    told = ask(caller, "/secrets")

    assert told.status_code == 202
    assert refused(ask(caller, "/secrets")) == (409, "CONFLICT", "answer_not_kept")
    assert refused(ask(caller, "/secrets", {"a": 2}))[1] == "IDEMPOTENCY_KEY_REUSED"
    assert (KeyedRequest.objects.get().status, KeyedRequest.objects.get().answer) == (202, None)
    assert len(WORKSHOP.made) == 1


def test_whoever_died_before_the_answer_was_kept_is_followed_under_the_same_id(caller: Client) -> None:
    ask(caller)
    left_behind()
    assert refused(ask(caller, body={"a": 2}))[1] == "IDEMPOTENCY_KEY_REUSED"

    again = ask(caller)

    assert again.json()["number"] == 2
    assert len(set(WORKSHOP.made)) == 1
    assert ask(caller).content == again.content


@pytest.mark.django_db(transaction=True)
def test_who_lives_is_waited_for_but_not_for_ever(caller: Client, settings: Settings) -> None:
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 50
    ask(caller)
    KeyedRequest.objects.update(status=None, answer=None)

    assert refused(ask(caller)) == (409, "CONFLICT", "under_way")
    assert len(WORKSHOP.made) == 1


def test_whose_claim_was_taken_over_stores_no_answer_and_gives_nothing_back() -> None:
    keyed = Keyed(project_id=DEFAULT_PROJECT_ID, run_id=None, route="", key_sha256=b"k" * 32, body_sha256=b"b" * 32)
    early = KeyedRequest.objects.claim(keyed, patience_s=60)
    assert early is not None
    assert KeyedRequest.objects.claim(keyed, patience_s=60) is None
    moved("claimed_until", hours=1)
    late = KeyedRequest.objects.claim(keyed, patience_s=60)
    assert late is not None
    assert late.id == early.id

    KeyedRequest.objects.keep(early, status=201, answer=b"early")
    KeyedRequest.objects.lapse(early)
    KeyedRequest.objects.release(early)
    assert KeyedRequest.objects.claim(keyed, patience_s=60) is None
    assert KeyedRequest.objects.get().status is None
    KeyedRequest.objects.keep(late, status=201, answer=b"late")
    KeyedRequest.objects.release(late)

    assert bytes(KeyedRequest.objects.get().answer) == b"late"


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_between_one_and_255_characters(caller: Client, key: str) -> None:
    response = ask(caller, key=key)
    assert (response.status_code, response.json()["errorCode"]) == (400, "VALIDATION_ERROR")
    assert [fault["path"] for fault in response.json()["details"]["errors"]] == ["Idempotency-Key"]
    assert not WORKSHOP.made


def test_a_key_may_be_long_and_a_path_too_and_neither_is_stored(caller: Client) -> None:
    first = ask(caller, f"/things/{'n' * 5_000}", key="k" * 255)
    assert ask(caller, f"/things/{'n' * 5_000}", key="k" * 255).content == first.content
    assert KeyedRequest.objects.get().route == "POST /things/<str:name>"
    assert "kkk" not in str(KeyedRequest.objects.values().get())


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_kept_was_done_and_its_caller_is_told(caller: Client, caplog: pytest.LogCaptureFixture) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE runs_keyedrequest ADD CONSTRAINT nothing_is_kept CHECK (status IS NULL)")
    try:
        with caplog.at_level(logging.WARNING, "signalbox.idempotency"):
            assert ask(caller).json()["number"] == 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE runs_keyedrequest DROP CONSTRAINT nothing_is_kept")
    assert "could not be kept" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_sweep_clears_away_what_is_over_and_nothing_else(caller: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs.observer.sweep.EXPIRED", 2)
    for number in range(5):
        ask(caller, key=f"old-{number}")
    moved("expires_at", hours=24.1)
    kept = ask(caller, key="new")

    assert swept() == {"keyed requests pruned": 5}
    assert ask(caller, key="new").content == kept.content
    assert KeyedRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_was_asked_of_a_run_that_is_not_there_is_not_stored(caller: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = "config.urls"
    response = ask(caller, f"/runs/{uuid7()}/archive", {})
    assert refused(response)[:2] == (404, "RUN_NOT_FOUND")
    assert not KeyedRequest.objects.exists()
