"""Secrets of webhooks: sealed, shown once, changed with an overlap, sealed again under another key."""

import logging
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from tests.integration.webhooks.subscribed import audited, changed, dump, faults, patched, subscribed
from webhooks import sealing
from webhooks.models import Endpoint, EndpointSecret
from webhooks.operations.own_headers import unsealed_headers

pytestmark = pytest.mark.django_db

ONE, TWO, THREE = ("the first secret of mine", "the second secret of mine", "the third secret of mine")
KEY_OF_RECEIVER = "of-the-receiver-4711"


def signing(webhook_id: str) -> list[str]:
    """The secrets that sign at present, the present one first."""
    living = EndpointSecret.objects.living().filter(endpoint_id=webhook_id)
    return [sealing.unseal(secret.sealed, endpoint_id=secret.endpoint_id) for secret in living]


def remaining() -> timedelta:
    """How long the former secret still signs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT expires_at - clock_timestamp() FROM webhooks_endpointsecret WHERE expires_at IS NOT NULL"
        )
        left: timedelta = cursor.fetchone()[0]
        return left


def command(*options: str) -> tuple[int, str]:
    """Exit code and output."""
    out = StringIO()
    try:
        call_command("rotate_webhook_keys", *options, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.parametrize(
    ("overlap", "lasts"),
    [(None, timedelta(hours=24)), ("24h", timedelta(hours=24)), ("7d", timedelta(days=7))],
)
def test_the_former_secret_signs_beside_the_new_one_for_a_while(
    caller: Client, overlap: str | None, lasts: timedelta
) -> None:
    made = subscribed(caller, secret=ONE)
    answer = changed(caller, made["id"], secret=TWO, secretOverlap=overlap)
    assert (answer["secret"], answer["secretHint"]) == (TWO, "…mine")
    assert signing(made["id"]) == [TWO, ONE]
    assert lasts - timedelta(minutes=5) < remaining() <= lasts
    assert answer["formerSecretExpiresAt"] is not None
    assert audited("webhook.changed")[0]["details"] == {"changed": ["secret"]}


def test_now_means_that_the_former_secret_signs_no_more(caller: Client) -> None:
    made = subscribed(caller, secret=ONE)
    answer = changed(caller, made["id"], secret=TWO, secretOverlap="now")
    assert signing(made["id"]) == [TWO]
    assert answer["formerSecretExpiresAt"] is None
    assert EndpointSecret.objects.count() == 1


def test_a_third_secret_within_the_overlap_drops_the_oldest(caller: Client) -> None:
    made = subscribed(caller, secret=ONE)
    changed(caller, made["id"], secret=TWO)
    changed(caller, made["id"], secret=THREE)
    assert signing(made["id"]) == [THREE, TWO]
    assert EndpointSecret.objects.count() == 2


def test_an_overlap_that_is_over_is_over(caller: Client) -> None:
    made = subscribed(caller, secret=ONE)
    changed(caller, made["id"], secret=TWO)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_endpointsecret SET expires_at = clock_timestamp() - interval '1 ms'"
            " WHERE expires_at IS NOT NULL"
        )
    assert signing(made["id"]) == [TWO]
    assert caller.get(f"/webhooks/{made['id']}").json()["formerSecretExpiresAt"] is None


def test_a_call_that_is_repeated_does_not_push_the_former_secret_out(caller: Client) -> None:
    made = subscribed(caller, secret=ONE)
    changed(caller, made["id"], secret=TWO)
    again = changed(caller, made["id"], secret=TWO)
    assert signing(made["id"]) == [TWO, ONE]
    assert "secret" not in again
    assert len(audited("webhook.changed")) == 1


def test_an_overlap_can_be_cut_short(caller: Client) -> None:
    made = subscribed(caller, secret=ONE)
    changed(caller, made["id"], secret=TWO, secretOverlap="7d")
    cut = changed(caller, made["id"], secret=TWO, secretOverlap="24h")
    assert remaining() < timedelta(hours=25)
    # It should show the secret only where it was set.
    assert "secret" not in cut
    # It should not be made longer by the same way.
    changed(caller, made["id"], secret=TWO, secretOverlap="7d")
    assert remaining() < timedelta(hours=25)
    changed(caller, made["id"], secret=TWO, secretOverlap="now")
    assert signing(made["id"]) == [TWO]
    told = [entry["details"]["changed"] for entry in audited("webhook.changed")]
    assert told == [["secret"], ["secretOverlap"], ["secretOverlap"]]


def test_an_overlap_is_of_a_secret(caller: Client) -> None:
    made = subscribed(caller)
    assert faults(patched(caller, made["id"], secretOverlap="now")) == {
        "secretOverlap": "is for a call that sets the secret"
    }


def test_a_secret_whose_key_is_lost_can_be_set_anew(caller: Client, settings: Settings) -> None:
    made = subscribed(caller, secret=ONE, headers={"X-Key": KEY_OF_RECEIVER})
    settings.SECRET_KEY = "another key, and the former one is gone"
    changed(caller, made["id"], secret=ONE, headers={"X-Key": KEY_OF_RECEIVER})
    assert signing(made["id"]) == [ONE]
    assert unsealed_headers(Endpoint.objects.get()) == {"X-Key": KEY_OF_RECEIVER}


def test_no_table_and_no_log_line_holds_a_secret_before_and_after_keys_are_changed_w12_d02(
    caller: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.SECRETS_KEY = ""
    made = [subscribed(caller, headers={"X-Key": KEY_OF_RECEIVER}), subscribed(caller, secret=ONE)]
    changed(caller, made[1]["id"], secret=TWO)
    posted_secrets = [made[0]["secret"], made[0]["secret"].removeprefix("whsec_"), ONE, TWO, KEY_OF_RECEIVER]
    assert_in_none(posted_secrets, dump(), caplog.text)
    before = sealed()

    settings.SECRETS_KEY = "a key for secrets alone"
    assert command() == (0, "4 sealed under the newest key, 0 were already.\n")

    assert_in_none(posted_secrets, dump(), caplog.text)
    assert all(old != new for old, new in zip(before, sealed(), strict=True))
    assert [entry["details"] for entry in audited("webhook.resealed")] == [{"texts": 2}, {"texts": 2}]
    settings.SECRET_KEY = "the former key is not needed any more"
    assert signing(made[1]["id"]) == [TWO, ONE]
    assert signing(made[0]["id"]) == [made[0]["secret"]]
    assert unsealed_headers(Endpoint.objects.get(id=made[0]["id"])) == {"X-Key": KEY_OF_RECEIVER}
    # It should change nothing when it is done again.
    after = sealed()
    assert orjson.loads(command("--json")[1]) == {"resealed": 0, "current": 4, "unreadable": 0}
    assert sealed() == after
    assert len(audited("webhook.resealed")) == 2


def assert_in_none(secrets: list[str], *texts: str) -> None:
    for text in texts:
        assert [secret for secret in secrets if re.search(re.escape(secret), text)] == []


def sealed() -> list[Any]:
    secrets = EndpointSecret.objects.order_by("id").values_list("sealed", "key_id")
    headers = Endpoint.objects.exclude(headers_sealed="").order_by("id").values_list("headers_sealed", flat=True)
    return [*(text for text, _ in secrets), *(key_id for _, key_id in secrets), *headers]


def test_the_dump_that_is_searched_shows_what_is_plain(caller: Client) -> None:
    subscribed(caller, description="plain as day")
    assert "plain as day" in dump()


def test_what_no_key_opens_is_told_and_left(caller: Client, settings: Settings) -> None:
    subscribed(caller, headers={"X-Key": KEY_OF_RECEIVER})
    before = sealed()
    settings.SECRET_KEY = "another key, and the former one is gone"
    readable = subscribed(caller)
    code, said = command()
    assert (code, said.splitlines()[0]) == (1, "0 sealed under the newest key, 1 were already.")
    assert "2 could not be read" in said
    assert sealed()[:1] == before[:1]
    assert signing(readable["id"]) == [readable["secret"]]


def test_what_is_sealed_for_one_webhook_opens_for_no_other_w12(caller: Client) -> None:
    mine, other = subscribed(caller), subscribed(caller)
    secret = EndpointSecret.objects.get(endpoint_id=mine["id"])
    from_elsewhere = Endpoint.objects.get(id=other["id"]).id
    with pytest.raises(sealing.SecretUnreadable):
        sealing.unseal(secret.sealed, endpoint_id=from_elsewhere)
