"""Many first uses of one idempotency key at the same moment, over HTTP, each on a thread and a connection of its own."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client

from runs.domain.scopes import SCOPES
from runs.models import AuditEntry, Event, Run
from tests.bodies import UUID_4, Body, short_body
from tests.keys import stored_key

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 20
PATIENCE_SECONDS = 60


def posted_at_once(bodies: list[Body]) -> list[tuple[int, Any]]:
    """Status and body of the answers to POST /runs, all sent under one key at the same moment."""
    headers = {"Authorization": stored_key(*SCOPES).header, "Idempotency-Key": "once"}
    together = threading.Barrier(len(bodies))

    def post(body: Body) -> tuple[int, Any]:
        try:
            connection.ensure_connection()
            together.wait(timeout=PATIENCE_SECONDS)
            answer = Client(raise_request_exception=False).post(
                "/runs", body, content_type="application/json", headers=headers
            )
            return answer.status_code, answer.json()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(bodies)) as threads:
        return [future.result(PATIENCE_SECONDS) for future in [threads.submit(post, body) for body in bodies]]


@pytest.mark.parametrize("session_id", [None, UUID_4])
def test_twenty_first_uses_of_one_key_are_one_run_and_equal_answers_a09(session_id: str | None) -> None:
    body = short_body()
    body["session"] |= {"sessionId": session_id} if session_id else {}
    answers = posted_at_once([body] * AT_ONCE)

    assert [status for status, _ in answers] == [201] * AT_ONCE
    assert all(answer == answers[0][1] for _, answer in answers)
    assert answers[0][1]["runId"] == str(Run.objects.get().id)
    assert Event.objects.count() == AuditEntry.objects.count() == 1


def test_of_two_bodies_under_one_key_one_wins_and_the_other_is_refused_a10() -> None:
    other = short_body()
    other["session"]["ttlMs"] = 1_000
    answers = posted_at_once([short_body(), other] * (AT_ONCE // 2))

    assert Counter(status for status, _ in answers) == {201: AT_ONCE // 2, 409: AT_ONCE // 2}
    won = {status for status, _ in answers[::2]}
    assert len(won) == 1, "it should depend on the body alone"
    assert {answer["errorCode"] for status, answer in answers if status == 409} == {"IDEMPOTENCY_KEY_REUSED"}
    assert {answer["runId"] for status, answer in answers if status == 201} == {str(Run.objects.get().id)}
    assert AuditEntry.objects.count() == 1
