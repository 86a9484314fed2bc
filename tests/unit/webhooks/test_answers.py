"""What comes of one attempt, whatever the receiver does: real sockets on loopback."""

import asyncio
import gzip
import ssl
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from tests.attempts import NAME, Names, result_of, sent, waits
from tests.certificates import self_signed
from tests.parcels import parcel
from tests.receiver import Behaviour, answering, dribbling, pouring, receiving, resetting, saying
from webhooks.sender import send


@pytest.fixture(autouse=True)
def open_loopback(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_2xx_is_a_success(status: int) -> None:
    result = await result_of(answering(status))

    assert (result.status, result.is_success, result.reason, result.message) == (status, True, "", "")
    assert result.duration_ms >= 0


@pytest.mark.parametrize(
    ("status", "header", "wish", "wait", "message"),
    [
        (400, "", None, 30, "it answered 400"),
        (404, "", None, 30, "it answered 404"),
        (410, "", "gone", None, "it answered 410: it is there no more"),
        (429, "", None, 60, "it answered 429"),
        (429, "Retry-After: 120", None, 120, "it answered 429"),
        (
            500,
            "Webhook-Delivery: abort-message",
            "abort-message",
            None,
            "it answered 500, and wants no more of this message",
        ),
        (500, "webhook-delivery: disable", "disable", None, "it answered 500, and wants no more messages"),
        (502, "", None, 60, "it answered 502"),
        (503, "Retry-After: 90", None, 90, "it answered 503"),
        (504, "", None, 60, "it answered 504"),
        (599, "", None, 30, "it answered 599"),
    ],
)
async def test_any_other_answer_is_a_failure_with_its_next_attempt(
    status: int, header: str, wish: str | None, wait: float | None, message: str
) -> None:
    """W09"""
    result = await result_of(answering(status, b"", *([header] if header else [])))

    assert (result.status, result.reason, result.wish, result.message) == (status, "status", wish, message)
    assert waits(result) == wait


async def test_a_receiver_that_has_it_may_still_want_no_more() -> None:
    result = await result_of(answering(200, b"", "webhook-delivery: disable"))

    assert (result.is_success, result.wish) == (True, "disable")


async def test_a_date_in_retry_after_counts_from_the_attempt() -> None:
    """W08"""
    result = await result_of(answering(503, b"", "Retry-After: Thu, 01 Jan 2026 00:01:30 GMT"), at=1_767_225_600)

    assert result.retry_after_s == 90


@pytest.mark.parametrize("said", ["-5", "soon", "Mon, 99 Foo 2026", "1e9", "\xff\xfe", ""])
async def test_garbage_in_retry_after_is_as_if_nothing_were_said(said: str) -> None:
    """W08"""
    result = await result_of(saying(f"HTTP/1.1 503 No\r\nRetry-After: {said}\r\n\r\n".encode("latin-1")))

    assert (result.status, result.retry_after_s, waits(result)) == (503, None, 30)


GOES_ON = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize(
    ("behaviour", "reason", "wait"),
    [
        (saying(b""), "broken", 30),
        (resetting(), "broken", 30),
        (resetting(GOES_ON), "broken", 30),
        (saying(GOES_ON + b"too short"), "broken", 30),
        (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), "broken", 30),
        (saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "broken", 30),
        (saying(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000), "broken", 30),
        (pouring(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "timed_out", 60),
        (dribbling(b""), "timed_out", 60),
        (dribbling(GOES_ON), "timed_out", 60),
    ],
)
async def test_half_an_answer_or_none_is_a_failure_with_its_next_attempt(
    behaviour: Behaviour, reason: str, wait: float
) -> None:
    """W06, W09: a receiver of a byte a second ends at the time for the whole attempt."""
    result = await result_of(behaviour, timeout_s=1)

    assert (result.reason, result.status, result.is_success, result.is_permanent) == (reason, None, False, False)
    assert result.message
    assert waits(result) == wait


async def test_a_receiver_that_reads_nothing_is_a_failure() -> None:
    """W06: neither the body nor a word comes through."""
    silence = asyncio.Event()

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0, limit=1)
    async with server:
        port = server.sockets[0].getsockname()[1]
        result = await sent(f"http://127.0.0.1:{port}/", body=b"x" * 10_000_000, timeout_s=0.5)
        silence.set()

    assert result.reason == "timed_out"


@pytest.mark.parametrize(("name", "trusted"), [(NAME, False), ("other.example", True)])
async def test_a_certificate_that_does_not_hold_is_a_failure(tmp_path: Path, name: str, trusted: bool) -> None:
    """W09: of somebody unknown, or of somebody else."""
    certificate = self_signed(tmp_path, NAME)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    trust = ssl.create_default_context(cafile=certificate[0]) if trusted else None
    async with receiving(answering(200), tls=context) as receiver:
        url = f"https://{name}:{receiver.port}/"
        result = await send(parcel(url=url), timeout_s=5, at=1, resolve=Names(["127.0.0.1"]), trust=trust)

    assert (result.reason, waits(result), receiver.requests) == ("tls", 30, [])


async def test_of_a_gigabyte_only_the_beginning_is_read() -> None:
    """W06"""
    written = 0

    async def pour(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        for _ in range(1024):
            writer.write(b"x" * 1024 * 1024)
            await writer.drain()
            written += 1

    result = await result_of(pour)

    assert (result.status, result.excerpt) == (200, "x" * 4096)
    assert written < 64, "megabytes; what lies in the buffers of two sockets is not read"


async def test_a_gzip_bomb_is_not_inflated() -> None:
    """W06"""
    bomb = gzip.compress(b"bomb" * 5_000_000)
    result = await result_of(answering(200, bomb, "Content-Encoding: gzip"))

    assert result.is_success
    assert "bomb" not in result.excerpt
    assert len(result.excerpt.encode()) <= 4096


async def test_of_the_headers_those_are_kept_that_help() -> None:
    said = ["Content-Type: text/plain", "Date: today", "Retry-After: 7", "Server: nginx", "X-Request-ID: r-1"]
    result = await result_of(answering(503, b"no", *said, "Set-Cookie: a=canary", "X-Other: canary", "Server: second"))

    assert result.headers == {
        "content-type": "text/plain",
        "date": "today",
        "retry-after": "7",
        "server": "nginx",
        "x-request-id": "r-1",
    }
    assert result.excerpt == "no"


async def test_what_is_kept_of_a_header_is_short() -> None:
    assert (await result_of(answering(200, b"", "Server: " + "x" * 5000))).headers["server"] == "x" * 200


STATUS_LINES = st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.1 101 Up", b"HTTP/1.0 204", b"HTTP/2 200", b"HTTP/1.1 99"])
HEADER_LINES = st.lists(
    st.sampled_from(
        [
            b"Content-Length: 5",
            b"Content-Length: -1",
            b"Content-Length: 99999999999999999999",
            b"Transfer-Encoding: chunked",
            b"Transfer-Encoding: gzip, chunked",
            b"Content-Type: \xff\xfe",
            b"Retry-After: \xe9",
            b"webhook-delivery: \x00",
            b"Upgrade: h2c",
            b" folded",
            b"no colon",
            b": no name",
            b"N\xe9me: x",
        ]
    ),
    max_size=4,
)
ANSWERS = st.binary(max_size=200) | st.builds(
    lambda line, headers, end, body: b"\r\n".join([line, *headers]) + end + body,
    STATUS_LINES,
    HEADER_LINES,
    st.sampled_from([b"\r\n\r\n", b"\n\n", b"\r\n", b""]),
    st.binary(max_size=50) | st.sampled_from([b"5\r\nabcde\r\n0\r\n\r\n", b"ffffffffffffffffffff\r\n", b"hello"]),
)


@examples(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=ANSWERS, is_reset=st.booleans())
def test_whatever_is_answered_it_is_a_result(answer: bytes, is_reset: bool) -> None:
    """W09"""
    behaviour = resetting(answer) if is_reset else saying(answer)
    result = asyncio.run(result_of(behaviour, timeout_s=5, body=b"x" * 100_000))

    assert result.is_success or result.reason in {"status", "broken", "timed_out"}
    assert result.is_success is (result.reason == "")


async def test_nothing_of_an_attempt_stays_behind() -> None:
    for behaviour in (answering(200), answering(200, b"x" * 1_000_000), saying(b""), resetting()):
        await result_of(behaviour)
        await asyncio.sleep(0)

    assert asyncio.all_tasks() == {asyncio.current_task()}
