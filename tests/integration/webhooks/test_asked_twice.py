"""A process that dies after it has done what was asked for under an Idempotency-Key, and before the answer was kept."""

from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from runs.api.described import IDEMPOTENCY_KEY
from runs.models import KeyedRequest
from tests.integration.webhooks.subscribed import JSON, URL, audited, delivery, fresh, subscribed
from webhooks.models import Delivery, Endpoint, EndpointSecret

pytestmark = pytest.mark.django_db


def asked(caller: Client, address: str, **members: object) -> Any:
    response = caller.post(address, members, content_type=JSON, headers={IDEMPOTENCY_KEY: "once"})
    assert response.status_code == 201, response.content
    return response.json()


def forget_the_answer() -> None:
    """As it is when the process had no time to keep it, and the claim has run out."""
    assert KeyedRequest.objects.update(status=None, answer=None, claimed_until=Now()) == 1


def test_a_webhook_is_made_once_and_its_secret_is_not_told_again(caller: Client) -> None:
    first = asked(caller, "/webhooks", url=URL)
    forget_the_answer()
    second = asked(caller, "/webhooks", url=URL)
    assert second == {name: value for name, value in first.items() if name != "secret"}
    assert (Endpoint.objects.count(), EndpointSecret.objects.count()) == (1, 1)
    assert len(audited("webhook.created")) == 1


def test_a_replay_is_one_job(caller: Client) -> None:
    webhook = subscribed(caller)
    row = delivery(webhook["id"], "exhausted")
    first = asked(caller, f"/webhooks/{webhook['id']}/replay")
    Delivery.objects.update(status="exhausted")
    forget_the_answer()
    assert asked(caller, f"/webhooks/{webhook['id']}/replay") == first
    assert (fresh(row).status, len(audited("webhook.replayed"))) == ("exhausted", 1)
