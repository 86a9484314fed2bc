"""What a request of ours is known by: the rules of Standard Webhooks, and the older headers beside them."""

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from tests.parcels import AT, BODY, FORMER_SECRET, SECRET, parcel
from webhooks import signing

KEY = bytes(range(32))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def test_the_signature_is_that_of_the_standard() -> None:
    """D04"""
    body = b'{"type":"run.completed","timestamp":"2026-01-01T00:00:00Z","data":{"run_id":"r1"}}'

    signed = signing.signature(SECRET, "msg_test_1", 1_767_225_600, body)

    assert signed == "v1,2OutJm8hUUzBCFvNll/RJdLvISbyO+xOBWk1UpcKuD4="
    assert signed == Webhook(SECRET).sign("msg_test_1", datetime(2026, 1, 1, tzinfo=UTC), body.decode())


def test_an_attempt_says_what_it_is_and_when() -> None:
    said = signing.headers(parcel(attempt=3), at=AT)

    assert {name: said[name] for name in ("webhook-id", "webhook-timestamp", "webhook-attempt", "X-MACP-Event")} == {
        "webhook-id": "msg_00000000-0000-0000-0000-000000000001",
        "webhook-timestamp": "1767225600",
        "webhook-attempt": "3",
        "X-MACP-Event": "run.completed",
    }
    assert said["webhook-signature"] == signing.signature(SECRET, said["webhook-id"], AT, BODY)


def test_each_living_secret_signs_and_the_present_one_comes_first() -> None:
    """D04"""
    said = signing.headers(parcel(secrets=(SECRET, FORMER_SECRET)), at=AT)["webhook-signature"]

    assert said.split(" ") == [signing.signature(one, parcel().message_id, AT, BODY) for one in (SECRET, FORMER_SECRET)]


@pytest.mark.parametrize("secret", [SECRET, "a plain secret, ü"])
def test_the_older_signature_is_made_with_the_text_of_the_present_secret_over_the_body_alone(secret: str) -> None:
    older = hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()

    for at in (AT, AT + 1):
        assert signing.headers(parcel(secrets=(secret, FORMER_SECRET)), at=at)["X-MACP-Signature"] == older


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_" + base64.b64encode(KEY).decode(),
        "whsec_" + base64.b64encode(KEY).decode().rstrip("="),
    ],
)
def test_the_key_of_a_generated_secret_is_what_its_base64_says(secret: str) -> None:
    assert signing.key_of(secret) == KEY


@pytest.mark.parametrize(
    "secret",
    [
        "sixteen or more!",
        "grüße an alle Welt",
        base64.b64encode(KEY).decode(),  # base64, but nothing says so
        "whsec_not base64 at all",
        "whsec_with-the_other-alphabet",
        "whsec_AAAAA",  # no base64 has such a length
        "whsec_AAAA\nAAAA",
        "whsec_ääää",
        "whsec_",
        "whsec_====",
        "WHSEC_AAAA",
    ],
)
def test_the_key_of_any_other_secret_is_its_text(secret: str) -> None:
    assert signing.key_of(secret) == secret.encode()


@given(secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255), rest=TEXTS)
def test_every_secret_has_a_key(secret: str, rest: str) -> None:
    assert signing.key_of(secret)
    assert signing.key_of("whsec_" + rest)


@given(keys=st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=2, unique=True), text=TEXTS)
def test_the_reference_library_accepts_it_with_each_of_the_living_secrets_and_no_other(
    keys: list[bytes], text: str
) -> None:
    """W03, D04"""
    secrets = tuple("whsec_" + base64.b64encode(key).decode() for key in keys)
    sent = parcel(secrets=secrets, body=text.encode())
    said = signing.headers(sent, at=int(time.time()))

    for secret in secrets:
        Webhook(secret).verify(sent.body, said, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(b"another key, of nobody").verify(sent.body, said, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(sent.body + b" ", said, json_parse=False)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_id_and_time_are_signed(name: str) -> None:
    """D04: a request that was caught cannot be sent again later, nor under another id."""
    now = int(time.time())
    said = signing.headers(parcel(), at=now)
    said |= {"webhook-id": "msg_x"} if name == "webhook-id" else {"webhook-timestamp": str(now + 1)}

    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(SECRET).verify(BODY, said)
