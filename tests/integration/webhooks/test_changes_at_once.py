"""Two who change the same webhook at once, or change it while deliveries are written: as if one came after the other."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from runs.audit import Actor
from runs.models.project import DEFAULT_PROJECT_ID
from tests.integration.webhooks.subscribed import (
    URL,
    Answer,
    audited,
    delivery,
    fresh,
    patched,
    posted,
    refusal,
    subscribed,
)
from tests.meanwhile import elsewhere, held, wait_until_somebody_waits
from webhooks.models import Delivery, Endpoint, EndpointSecret
from webhooks.operations import create_endpoint as creating
from webhooks.operations.caller import Caller
from webhooks.operations.change_endpoint import change_endpoint
from webhooks.operations.create_endpoint import create_endpoint
from webhooks.operations.replay_deliveries import replay_deliveries
from webhooks.operations.resend_delivery import resend_delivery
from webhooks.operations.terms import Terms
from webhooks.queries import ReplayFilter

pytestmark = pytest.mark.django_db(transaction=True)

SOMEBODY = Caller(project_id=DEFAULT_PROJECT_ID, actor=Actor("tester"))


@pytest.fixture
def webhook(caller: Client) -> Answer:
    return subscribed(caller)


def second_after(first: Callable[[], object], second: Callable[[], Any]) -> Any:
    """What `second` answers that came while `first` was not committed."""
    with held(first) as open_transaction, elsewhere() as start:
        asking = start(second)
        wait_until_somebody_waits()
        open_transaction.commit()
        return asking.result()


def fan_out(webhook: Answer) -> None:
    """As the fan-out writes: who hears is locked against becoming inactive, and then hears."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM webhooks_endpoint WHERE active AND id = %s FOR KEY SHARE", [webhook["id"]])
        for _ in cursor.fetchall():
            delivery(webhook["id"])


@pytest.mark.parametrize("way", ["switched off", "removed"])
def test_what_is_being_written_while_a_webhook_becomes_inactive_is_cancelled_with_the_rest(
    caller: Client, webhook: Answer, way: str
) -> None:
    before = delivery(webhook["id"])

    def become_inactive() -> None:
        if way == "removed":
            assert caller.delete(f"/webhooks/{webhook['id']}").status_code == 204
        else:
            assert patched(caller, webhook["id"], active=False).status_code == 200

    second_after(lambda: fan_out(webhook), become_inactive)
    assert [row.status for row in Delivery.objects.all()] == ["cancelled", "cancelled"]
    assert fresh(before).status == "cancelled"


def test_deliveries_are_written_while_a_webhook_is_changed_otherwise(caller: Client, webhook: Answer) -> None:
    with held(lambda: fan_out(webhook)):
        assert patched(caller, webhook["id"], description="another").status_code == 200


def test_what_is_sent_again_while_a_webhook_is_switched_off_is_cancelled(caller: Client, webhook: Answer) -> None:
    row = delivery(webhook["id"], "exhausted")
    endpoint_id = Endpoint.objects.get().id
    second_after(
        lambda: resend_delivery(endpoint_id, row.id, SOMEBODY), lambda: patched(caller, webhook["id"], active=False)
    )
    assert fresh(row).status == "cancelled"


def test_two_jobs_under_one_key_at_once_are_one(caller: Client, webhook: Answer) -> None:
    delivery(webhook["id"], "exhausted")
    endpoint_id = Endpoint.objects.get().id
    second = second_after(
        lambda: replay_deliveries(endpoint_id, ReplayFilter(), SOMEBODY, key="once"),
        lambda: posted(caller, f"/webhooks/{webhook['id']}/replay", key="once"),
    )
    assert (second.status_code, second.json()["count"]) == (201, 1)
    assert len(audited("webhook.replayed")) == 1


def test_of_two_jobs_of_two_webhooks_under_one_key_one_is_refused(caller: Client, webhook: Answer) -> None:
    endpoint_id = Endpoint.objects.get().id
    other = subscribed(caller)
    row = delivery(other["id"], "exhausted")
    second = second_after(
        lambda: replay_deliveries(endpoint_id, ReplayFilter(), SOMEBODY, key="once"),
        lambda: posted(caller, f"/webhooks/{other['id']}/replay", key="once"),
    )
    assert refusal(second) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert fresh(row).status == "exhausted"


def test_two_secrets_at_once_are_set_one_after_the_other(caller: Client, webhook: Answer) -> None:
    endpoint_id = Endpoint.objects.get().id
    second = second_after(
        lambda: change_endpoint(endpoint_id, Terms(secret="the first of two secrets"), SOMEBODY),
        lambda: patched(caller, webhook["id"], secret="the second of two secrets"),
    )
    assert second.status_code == 200
    assert EndpointSecret.objects.count() == 2
    assert EndpointSecret.objects.filter(expires_at=None).count() == 1


def test_the_last_place_of_a_project_is_taken_once(caller: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating, "MOST_ENDPOINTS", 1)
    second = second_after(
        lambda: create_endpoint(Terms(url=URL), SOMEBODY), lambda: posted(caller, "/webhooks", url=URL)
    )
    assert refusal(second) == (409, "CONFLICT")
    assert Endpoint.objects.count() == 1
