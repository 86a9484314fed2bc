"""What is delivered can be seen, with how each try went, and sent once more."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from runs.models.identity import uuid7
from tests.integration.webhooks.subscribed import (
    BODY,
    START,
    Answer,
    attempt,
    audited,
    changed,
    client_of,
    delivery,
    faults,
    fresh,
    posted,
    refusal,
    subscribed,
)
from webhooks.models import Delivery, Endpoint
from webhooks.payloads import TEST_EVENT

pytestmark = pytest.mark.django_db

MEMBERS = [
    *("id", "webhookId", "event", "runId", "seq", "status", "attempts", "nextAttemptAt", "lastAttemptAt"),
    *("responseStatus", "errorMessage", "createdAt", "deliveredAt"),
]


@pytest.fixture
def webhook(caller: Client) -> Answer:
    return subscribed(caller)


def page(caller: Client, webhook: Answer, **query: object) -> dict[str, Any]:
    response = caller.get(f"/webhooks/{webhook['id']}/deliveries", query)
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [row["id"] for row in found["data"]]


def resend(caller: Client, webhook: Answer, row: Delivery) -> Any:
    return posted(caller, f"/webhooks/{webhook['id']}/deliveries/{row.id}/resend")


def test_deliveries_are_listed_newest_first_a_page_at_a_time_e20(caller: Client, webhook: Answer) -> None:
    rows = [str(delivery(webhook["id"], minute=minute).id) for minute in range(5)]
    rows.reverse()
    whole = page(caller, webhook)
    assert ids(whole) == rows
    assert (whole["total"], whole["limit"], whole["offset"]) == (5, 50, 0)
    part = page(caller, webhook, limit=2, offset=1)
    assert (ids(part), part["total"], part["limit"], part["offset"]) == (rows[1:3], 5, 2, 1)


def test_a_row_has_the_members_of_the_contract_in_their_order(caller: Client, webhook: Answer) -> None:
    due, tried = START + timedelta(minutes=7), START + timedelta(minutes=6)
    row = delivery(
        webhook["id"],
        **{"attempts": 2, "next_attempt_at": due, "due_at": due, "last_attempt_at": tried, "response_status": 503},
        error_message="answered 503",
    )
    [shown] = page(caller, webhook)["data"]
    assert list(shown) == MEMBERS
    assert shown == {
        "id": str(row.id),
        "webhookId": webhook["id"],
        "event": "run.failed",
        "runId": str(row.run_id),
        "seq": 41,
        "status": "pending",
        "attempts": 2,
        "nextAttemptAt": "2026-01-31T09:37:00.000Z",
        "lastAttemptAt": "2026-01-31T09:36:00.000Z",
        "responseStatus": 503,
        "errorMessage": "answered 503",
        "createdAt": "2026-01-31T09:30:00.000Z",
        "deliveredAt": None,
    }


def test_they_are_picked_by_status_type_and_run(caller: Client, webhook: Answer) -> None:
    kinds = {status: delivery(webhook["id"], status) for status in ("pending", "delivered", "exhausted", "cancelled")}
    other = delivery(webhook["id"], "delivered", event_type="run.completed")
    for status, row in kinds.items():
        assert str(row.id) in ids(page(caller, webhook, status=status))
        assert page(caller, webhook, status=status)["total"] == (2 if status == "delivered" else 1)
    assert ids(page(caller, webhook, event="run.completed")) == [str(other.id)]
    assert ids(page(caller, webhook, runId=str(other.run_id))) == [str(other.id)]
    assert page(caller, webhook, event="run.completed", status="exhausted")["data"] == []
    assert page(caller, webhook, unknown="ignored")["total"] == 5


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"status": "lost"}, "status"),
        ({"runId": "x"}, "runId"),
    ],
)
def test_a_query_that_says_nothing_is_refused(caller: Client, webhook: Answer, query: Answer, path: str) -> None:
    assert list(faults(caller.get(f"/webhooks/{webhook['id']}/deliveries", query))) == [path]


def test_one_is_shown_with_what_is_sent_and_each_try_e20(caller: Client, webhook: Answer) -> None:
    row = delivery(webhook["id"], "delivered", attempts=2)
    attempt(row, 2, is_success=True, response_status=204, duration_ms=31, is_manual=True)
    attempt(row, 1, response_status=500, error_message="answered 500", excerpt="oh no")
    response = caller.get(f"/webhooks/{webhook['id']}/deliveries/{row.id}")
    shown = response.json()
    assert list(shown) == [*MEMBERS, "payload", "attemptLog"]
    # It should be the very bytes that are signed.
    assert b'"payload":' + BODY in response.content
    assert shown["attemptLog"] == [
        {
            "number": 1,
            "startedAt": "2026-01-31T09:30:01.000Z",
            "durationMs": 120,
            "responseStatus": 500,
            "errorMessage": "answered 500",
            "manual": False,
            "responseExcerpt": "oh no",
        },
        {
            "number": 2,
            "startedAt": "2026-01-31T09:30:02.000Z",
            "durationMs": 31,
            "responseStatus": 204,
            "errorMessage": None,
            "manual": True,
            "responseExcerpt": None,
        },
    ]


@pytest.mark.parametrize("status", ["pending", "delivered", "exhausted", "cancelled"])
def test_any_delivery_is_sent_again_under_its_own_id_e20(caller: Client, webhook: Answer, status: str) -> None:
    planned = START + timedelta(days=20_000)
    row = delivery(webhook["id"], status, attempts=3, tries=3, next_attempt_at=planned if status == "pending" else None)
    response = resend(caller, webhook, row)
    shown, after = response.json(), fresh(row)
    assert (response.status_code, list(shown)) == (201, MEMBERS)
    assert (shown["id"], shown["status"], shown["attempts"]) == (str(row.id), "pending", 3)
    assert (after.message_id, after.event_id, bytes(after.body)) == (row.message_id, row.event_id, BODY)
    # It should be due now, and its schedule what it was.
    assert after.resend_at is not None
    assert after.due_at == after.resend_at < planned
    assert (after.tries, after.next_attempt_at) == (3, planned if status == "pending" else None)
    assert shown["nextAttemptAt"] is not None
    assert audited("webhook.resent")[0]["details"] == {"deliveryId": str(row.id), "from": status}


def test_what_was_cancelled_goes_on_where_its_schedule_was_left(caller: Client, webhook: Answer) -> None:
    planned = START + timedelta(days=20_000)
    row = delivery(webhook["id"], tries=3, next_attempt_at=planned, due_at=planned)
    changed(caller, webhook["id"], active=False)
    assert page(caller, webhook)["data"][0]["nextAttemptAt"] is None
    changed(caller, webhook["id"], active=True)
    assert resend(caller, webhook, row).status_code == 201
    assert (fresh(row).next_attempt_at, fresh(row).tries) == (planned, 3)


def test_nothing_is_sent_to_an_inactive_webhook(caller: Client, webhook: Answer) -> None:
    row = delivery(webhook["id"], "exhausted")
    changed(caller, webhook["id"], active=False)
    for response in (
        resend(caller, webhook, row),
        posted(caller, f"/webhooks/{webhook['id']}/test"),
        posted(caller, f"/webhooks/{webhook['id']}/replay"),
        posted(caller, f"/webhooks/{webhook['id']}/replay", dryRun=True),
    ):
        assert refusal(response) == (409, "CONFLICT")
    assert fresh(row).status == "exhausted"
    assert Delivery.objects.count() == 1


def test_a_paused_webhook_may_be_sent_to_later(caller: Client, webhook: Answer) -> None:
    row = delivery(webhook["id"], "exhausted")
    changed(caller, webhook["id"], paused=True)
    assert resend(caller, webhook, row).json()["status"] == "pending"


def test_a_test_event_is_a_delivery_that_is_tried_once(caller: Client, webhook: Answer) -> None:
    response = posted(caller, f"/webhooks/{webhook['id']}/test")
    shown = response.json()
    assert (response.status_code, list(shown)) == (201, MEMBERS)
    assert (shown["event"], shown["runId"], shown["seq"], shown["status"]) == (TEST_EVENT, None, 0, "pending")
    row = Delivery.objects.get()
    assert row.resend_at == row.due_at is not None
    assert row.next_attempt_at is None
    whole = caller.get(f"/webhooks/{webhook['id']}/deliveries/{row.id}").json()
    assert (whole["payload"]["event"], whole["payload"]["eventId"]) == (TEST_EVENT, str(row.event_id))
    assert audited("webhook.tested")[0]["details"] == {"deliveryId": str(row.id)}
    # It should be possible any number of times.
    assert posted(caller, f"/webhooks/{webhook['id']}/test").status_code == 201


def test_nothing_of_another_project_is_there_w13(caller: Client, webhook: Answer) -> None:
    outsider = client_of(uuid7())
    theirs = subscribed(outsider)
    mine, their = delivery(webhook["id"], "exhausted"), delivery(theirs["id"], "exhausted")
    before = list(Delivery.objects.order_by("id").values())
    endpoints = list(Endpoint.objects.order_by("id").values())

    assert [one["id"] for one in outsider.get("/webhooks").json()] == [theirs["id"]]
    # It should not be reached by any mixture of ids either.
    for webhook_id, row in ((webhook["id"], mine), (webhook["id"], their), (theirs["id"], mine)):
        address = f"/webhooks/{webhook_id}/deliveries/{row.id}"
        assert refusal(outsider.get(address)) == (404, "NOT_FOUND")
        assert refusal(posted(outsider, f"{address}/resend")) == (404, "NOT_FOUND")
    for action in ("test", "replay"):
        assert refusal(posted(outsider, f"/webhooks/{webhook['id']}/{action}")) == (404, "NOT_FOUND")
    assert refusal(outsider.get(f"/webhooks/{webhook['id']}/deliveries")) == (404, "NOT_FOUND")
    assert refusal(outsider.patch(f"/webhooks/{webhook['id']}", {"active": False}, "application/json"))[0] == 404
    assert outsider.delete(f"/webhooks/{webhook['id']}").status_code == 204
    by_run = posted(outsider, f"/webhooks/{theirs['id']}/replay", runId=str(mine.run_id))
    assert by_run.json()["count"] == 0

    assert list(Delivery.objects.order_by("id").values()) == before
    assert list(Endpoint.objects.order_by("id").values()) == endpoints


def test_a_delivery_is_of_the_webhook_it_is_asked_of(caller: Client, webhook: Answer) -> None:
    other = delivery(subscribed(caller)["id"], "exhausted")
    assert refusal(resend(caller, webhook, other)) == (404, "NOT_FOUND")
    assert refusal(caller.get(f"/webhooks/{webhook['id']}/deliveries/{other.id}")) == (404, "NOT_FOUND")
    assert fresh(other).status == "exhausted"
