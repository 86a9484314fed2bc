"""What a receiver says back gives nothing away: real sockets on loopback (W11)."""

import asyncio
import logging

import pytest
from pytest_django.fixtures import Settings

from tests.attempts import sent
from tests.parcels import SECRET
from tests.receiver import Behaviour, answering, dribbling, receiving, saying


@pytest.fixture(autouse=True)
def open_loopback(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]


CANARY = "canary-7c1d/of the+endpoint"
CANARY_SECRETS = (SECRET, "a canary-7c1d that somebody brought")


async def test_a_receiver_that_says_everything_back_gives_no_secret_away(caplog: pytest.LogCaptureFixture) -> None:
    """W11"""
    caplog.set_level(logging.DEBUG)
    headers = {"Authorization": f"Bearer {CANARY}", "X-Key": CANARY}
    told = f"canary-7c1d/of the+endpoint {SECRET} {CANARY_SECRETS[1]}"

    def behave(writer: asyncio.StreamWriter) -> object:
        echo = told.encode() + receiver.requests[-1]
        return answering(500, echo, f"X-Request-Id: {told}", f"Server: {CANARY}")(writer)

    async with receiving(behave) as receiver:  # type: ignore[arg-type]
        url = f"http://127.0.0.1:{receiver.port}/"
        result = await sent(url, headers=headers, secrets=CANARY_SECRETS)

    assert CANARY.encode() in receiver.requests[0]
    assert "webhook-signature" in result.excerpt
    for shown in (repr(result), caplog.text):
        assert "canary-7c1d" not in shown
        assert SECRET.removeprefix("whsec_") not in shown


@pytest.mark.parametrize(
    ("url", "behaviour"),
    [
        ("http://user:canary-7c1d@agent.example/", answering(200)),
        ("http://127.0.0.1:{port}/?token=canary-7c1d", saying(b"")),
        ("http://127.0.0.1:{port}/canary-7c1d", dribbling(b"HTTP/1.1 200 OK\r\nX: canary-7c1d")),
        ("https://127.0.0.1:{port}/canary-7c1d", answering(200)),
    ],
)
async def test_no_failure_tells_what_the_request_held(
    url: str, behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    """W11"""
    caplog.set_level(logging.DEBUG)
    async with receiving(behaviour) as receiver:
        result = await sent(url.format(port=receiver.port), headers={"X-Key": "canary-7c1d"}, timeout_s=0.5)

    assert result.reason
    assert "canary-7c1d" not in repr(result) + caplog.text
