"""A web process is killed when it has stored what it was asked for, and has not answered: the key finds it again."""

import contextlib

import httpx
import pytest
from django.db import connection

from runs.models import AuditEntry, KeyedRequest, OutboundMessage, Run
from tests.observing import observing, silent_run
from tests.sample_bodies import MESSAGE, Body
from tests.web_process import Web

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("route", "body", "place", "made", "action"),
    [
        ("messages", MESSAGE, "send.store.after_commit", "messageId", "message.sent"),
        ("clone", {"tags": ["copy"]}, "create.after_commit", "runId", "run.cloned"),
    ],
)
def test_whoever_asks_again_under_the_key_is_answered_for_what_was_made(
    route: str, body: Body, place: str, made: str, action: str
) -> None:
    with observing(), Web(RUNTIME_REQUEST_TIMEOUT_MS="1000") as web:
        run_id = silent_run()
        address, key = f"/runs/{run_id}/{route}", {"Idempotency-Key": "once"}
        with Web(CRASH_AT=place) as dying:
            with contextlib.suppress(httpx.TransportError):
                dying.caller.post(address, json=body, headers=key)
            dying.command.wait(within_s=10)
        [left] = KeyedRequest.objects.all()
        assert left.status is None

        early = web.caller.post(address, json=body, headers=key)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE runs_keyedrequest SET claimed_until = clock_timestamp()")
        late, again = (web.caller.post(address, json=body, headers=key) for _ in range(2))

    # It should count as under way until its claim has run out.
    assert (early.status_code, early.json()["details"]["reason"]) == (409, "under_way")
    assert (late.status_code, late.json()[made]) == (201, str(left.id))
    assert (again.content, again.headers["Idempotency-Replayed"]) == (late.content, "true")
    assert AuditEntry.objects.filter(action=action).count() == 1
    ids = {"messages": OutboundMessage.objects.values_list("message_id"), "clone": Run.objects.values_list("id")}
    assert list(ids[route].exclude(**{"id": run_id})) == [(left.id,)]
