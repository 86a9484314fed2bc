"""What one attempt sends, and where: the bytes on the wire of real sockets on loopback."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Sequence

import orjson
import pytest
from pytest_django.fixtures import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from tests.attempts import NAME, Names, body_in, request_of, result_of, sent, verify, waits
from tests.hostile_urls import HOSTILE_URLS
from tests.parcels import BODY, FORMER_SECRET, SECRET, parcel
from tests.receiver import Behaviour, answering, headers_in, receiving, resetting, saying
from webhooks import sender
from webhooks.sender import is_reserved, send


@pytest.fixture(autouse=True)
def open_loopback(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]


async def test_an_attempt_is_a_post_with_everything_a_receiver_needs() -> None:
    request = await request_of(attempt=4, headers={"Authorization": "Bearer of/the=endpoint"})
    said = headers_in(request)

    assert request.startswith(b"POST /hook?a=1 HTTP/1.1\r\n")
    assert body_in(request) == BODY
    assert said["content-type"] == "application/json"
    assert said["accept-encoding"] == "identity"
    assert said["authorization"] == "Bearer of/the=endpoint"
    assert (said["webhook-id"], said["webhook-attempt"]) == (parcel().message_id, "4")
    assert said["x-macp-event"] == "run.completed"
    assert said["x-macp-signature"] == hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()


BODIES = {
    "empty": b"",
    "unicode": orjson.dumps({"text": "grüße, 東京, עברית, \u2028\u2029"}),
    "emoji": orjson.dumps({"text": "🚦👩‍🚀" * 50}),
    "escaped": b'{"text":"\\ud83d\\udea6 \\u0000 \\/"}',
    "floats": b'{"a":1.0,"b":1e-7,"c":0.1,"d":100000000000000000000000,"e":-0.0,"f":1E+2}',
    "spaces": b' {\r\n\t"a" : 1 }\n',
    "large": orjson.dumps({"text": "ü" * (128 * 1024 - 6)}),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_the_bytes_that_are_signed_are_the_bytes_that_are_sent(body: bytes) -> None:
    """W04, D04"""
    request = await request_of(body=body)

    assert body_in(request) == body
    assert headers_in(request)["content-length"] == str(len(body))
    verify(SECRET, request)
    assert headers_in(request)["x-macp-signature"] == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def test_the_largest_body_is_among_them() -> None:
    assert len(BODIES["large"]) == 256 * 1024 - 1


async def test_before_during_and_after_a_change_of_secrets_every_request_is_accepted() -> None:
    """W03, D04: by receivers with the former secret until it stops, by those with the new one from the beginning."""
    before, during, after = [
        await request_of(secrets=secrets) for secrets in ((FORMER_SECRET,), (SECRET, FORMER_SECRET), (SECRET,))
    ]

    for secret, request in ((FORMER_SECRET, before), (FORMER_SECRET, during), (SECRET, during), (SECRET, after)):
        verify(secret, request)
    for secret, request in ((SECRET, before), (FORMER_SECRET, after)):
        with pytest.raises(WebhookVerificationError):
            verify(secret, request)


async def test_an_attempt_brings_no_cookie_of_an_earlier_one() -> None:
    async with receiving(answering(200, b"", "Set-Cookie: a=b; Path=/")) as receiver:
        for _ in range(2):
            await sent(f"http://127.0.0.1:{receiver.port}/")

    assert [headers_in(request).get("cookie") for request in receiver.requests] == [None, None]


async def test_each_attempt_has_its_own_time_under_one_id() -> None:
    """D04: what was caught is refused as too old."""
    now = int(time.time())
    first, second = [headers_in(await request_of(at=at)) for at in (now - 600, now)]

    assert first["webhook-id"] == second["webhook-id"]
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == (str(now - 600), str(now))
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(BODY, first)


OURS = ["Webhook-Id", "webhook-timestamp", "WEBHOOK-SIGNATURE", "webhook_signature", "webhook-attempt", "webhook-x"]
OURS += ["x-macp-event", "X-MACP-Signature", "x_macp_signature", "Content-Type", "content_type", "Host"]
OURS += ["Content-Length", "Transfer-Encoding", "Accept-Encoding", "Connection", "Expect", "Upgrade"]


@pytest.mark.parametrize("name", OURS)
async def test_a_header_of_the_endpoint_never_takes_the_place_of_ours(name: str) -> None:
    request = await request_of(headers={name: "canary", "X-Own": "1"})

    assert b"canary" not in request
    assert is_reserved(name)
    assert headers_in(request)["x-own"] == "1"
    assert not is_reserved("X-Own")
    verify(SECRET, request)


@pytest.mark.parametrize("value", ["two\r\nwebhook-id: 1", "nul\0", "half a letter \ud800", "line\n"])
async def test_a_header_that_cannot_be_sent_is_a_result(value: str) -> None:
    async with receiving(answering(200)) as receiver:
        result = await sent(f"http://127.0.0.1:{receiver.port}/", headers={"X-Own": value})

    assert (result.reason, receiver.requests) == ("unsendable", [])
    assert value not in result.message


@pytest.mark.parametrize("url", HOSTILE_URLS)
async def test_a_hostile_url_is_refused_when_it_is_sent_to(url: str, settings: Settings) -> None:
    """W05, D01"""
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    result = await send(parcel(url=url), timeout_s=5, at=1, resolve=Names(["127.0.0.1"]))

    assert (result.reason, result.status, result.is_permanent) == ("address_refused", None, True)
    assert result.message.startswith("its address must ")
    assert waits(result) is None


async def test_a_name_that_moves_inside_is_never_reached_there(settings: Settings) -> None:
    """W05, D01: it resolves to an open address at first, then to one that is not."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.2/32"]
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    async with receiving(answering(200), address="127.0.0.2") as before, receiving(answering(200)) as after:
        results = [
            await send(parcel(url=f"http://{NAME}:{port}/"), timeout_s=5, at=1, resolve=names)
            for port in (before.port, after.port)
        ]

    assert [result.reason for result in results] == ["", "address_refused"]
    assert (before.connections, after.connections) == (1, 0)


async def test_a_name_that_moves_between_two_tries_at_once_is_checked_again(settings: Settings) -> None:
    """W05, D01: nobody listens at the first address, which calls for a second try."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.2/32"]
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    async with receiving(answering(200)) as receiver:
        result = await send(parcel(url=f"http://{NAME}:{receiver.port}/"), timeout_s=5, at=1, resolve=names)

    assert (result.reason, names.asked, receiver.connections) == ("address_refused", 2, 0)


@pytest.mark.parametrize("where", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:{port}/inside"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_is_not_followed(status: int, where: str) -> None:
    """W05, W09, D01"""
    async with receiving(answering(200)) as hidden:
        location = where.format(port=hidden.port)
        result = await result_of(answering(status, b"", f"Location: {location}"))

    assert (result.status, result.reason, result.is_success, hidden.connections) == (status, "status", False, 0)
    assert result.message == f"it answered {status}: redirects are not followed"
    assert waits(result) == 30


async def test_a_connection_that_fails_at_once_is_tried_once_more() -> None:
    async with receiving(answering(200)) as receiver:
        names = Names(["127.0.0.2"], ["127.0.0.1"])
        url = f"http://{NAME}:{receiver.port}/"
        result = await send(parcel(url=url), timeout_s=5, at=1, resolve=names)

    assert (result.is_success, names.asked, len(receiver.requests)) == (True, 2, 1)


async def test_it_is_not_tried_a_third_time() -> None:
    names = Names(["127.0.0.2"])
    async with receiving(answering(200)) as receiver:
        url = f"http://{NAME}:{receiver.port}/"
        result = await send(parcel(url=url), timeout_s=5, at=1, resolve=names)

    assert (result.reason, result.message, names.asked) == ("unreachable", "the receiver cannot be reached", 2)


async def test_a_connection_that_took_its_time_to_fail_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "AT_ONCE_S", 0.0)  # what a second is made of is not for a test to wait for
    names = Names(["127.0.0.2"])
    async with receiving(answering(200)) as receiver:
        url = f"http://{NAME}:{receiver.port}/"
        result = await send(parcel(url=url), timeout_s=5, at=1, resolve=names)

    assert (result.reason, names.asked) == ("unreachable", 1)


@pytest.mark.parametrize("behaviour", [saying(b""), resetting(), answering(500)])
async def test_what_may_have_arrived_is_not_sent_again_at_once(behaviour: Behaviour) -> None:
    async with receiving(behaviour) as receiver:
        result = await sent(f"http://127.0.0.1:{receiver.port}/")

    assert (result.is_success, receiver.connections) == (False, 1)


async def test_the_second_try_has_what_the_first_one_left_of_the_time() -> None:
    asked = 0

    async def slow(host: str, port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        if asked > 1:
            await asyncio.Event().wait()
        await asyncio.sleep(0.05)  # so much of its time the first try takes
        return ["127.0.0.2"]

    result = await send(parcel(url=f"http://{NAME}:1024/"), timeout_s=0.5, at=1, resolve=slow)

    assert (result.reason, asked) == ("timed_out", 2)
    assert result.message.startswith("no whole answer came within 0.4")
