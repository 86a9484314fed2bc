"""A request to where a caller said: real sockets on loopback, which the settings of these tests open (D01, W05, W06)."""

import asyncio
import contextlib
import gzip
import logging
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from runs.egress import Answer, Resolver, look_up, post, posting
from runs.errors import AddressRefused, NotAnswered
from tests.certificates import self_signed
from tests.hostile_urls import HOSTILE_URLS
from tests.receiver import Behaviour, Receiver, answering, dribbling, receiving, saying
from tests.unit.runs.test_egress_addresses import IN_REFUSED_IPV4, wrappings

NAME = "agent.example"
LIMIT = 64 * 1024


@pytest.fixture(autouse=True)
def open_loopback(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]


class Names:
    """A name server that gives its answers one after the other, the last again and again, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[tuple[str, int]] = []
        self._answers = answers

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self._answers[min(len(self.asked), len(self._answers)) - 1]


async def nobody(host: str, port: int) -> Sequence[str]:
    raise AssertionError(f"the name {host} is resolved")


async def never(host: str, port: int) -> Sequence[str]:
    await asyncio.Event().wait()
    return ()


async def send(url: str, *, resolve: Resolver = nobody, timeout_s: float = 10, **more: object) -> Answer:
    return await post(
        url, body=b"{}", headers={"Content-Type": "application/json"}, timeout_s=timeout_s, resolve=resolve, **more
    )  # type: ignore[arg-type]


async def answer_of(behaviour: Behaviour, *, timeout_s: float = 10) -> Answer:
    async with receiving(behaviour) as receiver:
        return await send(f"http://127.0.0.1:{receiver.port}/", timeout_s=timeout_s)


async def failure_of(behaviour: Behaviour, *, timeout_s: float = 10) -> str:
    with pytest.raises(NotAnswered) as silent:
        await answer_of(behaviour, timeout_s=timeout_s)
    return silent.value.reason


async def test_a_post_arrives_whole_and_its_answer_comes_back() -> None:
    async with receiving(answering(202, b"thanks")) as receiver:
        answer = await post(
            f"http://127.0.0.1:{receiver.port}/cancel?x=1#hidden",
            body="{‘ü’}".encode(),
            headers={"Content-Type": "application/json", "X-One": "1"},
            timeout_s=10,
        )

    assert (answer.status, answer.excerpt, answer.is_success) == (202, b"thanks", True)
    assert 0 <= answer.duration_ms < 10_000
    assert receiver.body == "{‘ü’}".encode()
    first, *headers = receiver.head
    assert first == "POST /cancel?x=1 HTTP/1.1"
    assert {f"Host: 127.0.0.1:{receiver.port}", "X-One: 1", "Accept-Encoding: identity", "Connection: close"} <= set(
        headers
    )


async def test_what_belongs_to_the_connection_is_not_the_callers_to_say() -> None:
    bad = {"Host": "inner.example", "content-length": "5", "Transfer-Encoding": "chunked", "accept-encoding": "gzip"}
    async with receiving(answering(200)) as receiver:
        await post(f"http://127.0.0.1:{receiver.port}/", body=b"body", headers=bad, timeout_s=10)

    assert receiver.body == b"body"
    said = "\n".join(receiver.head).lower()
    assert not any(word in said for word in ("inner.example", "chunked", "gzip"))


@pytest.mark.parametrize("value", ["two\r\nX-Injected: 1", "nul\0", "line\n", "\ud800"])
async def test_a_header_that_would_be_two_is_not_sent_and_not_told(value: str) -> None:
    async with receiving(answering(200)) as receiver:
        with pytest.raises(NotAnswered) as silent:
            await post(f"http://127.0.0.1:{receiver.port}/", body=b"", headers={"Authorization": value}, timeout_s=10)

    assert receiver.requests == []
    assert silent.value.reason == "unsendable"
    assert value not in str(silent.value)


@pytest.mark.parametrize("url", HOSTILE_URLS)
async def test_a_hostile_url_is_refused_when_it_is_called(url: str, settings: Settings) -> None:
    """D01, W05"""
    settings.WEBHOOK_ALLOWED_NETWORKS = []

    with pytest.raises(AddressRefused):
        await send(url)


async def test_a_name_is_resolved_once_and_keeps_its_name_at_the_address_that_was_checked() -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with receiving(answering(200)) as receiver:
        await send(f"http://AGENT.example:{receiver.port}/", resolve=names)

    assert names.asked == [(NAME, receiver.port)]
    assert f"Host: {NAME}:{receiver.port}" in receiver.head


async def test_a_name_that_moves_to_a_refused_address_is_never_reached_there(settings: Settings) -> None:
    """W05: first it resolves to what is open, then to loopback that is not."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.2/32"]
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    async with receiving(answering(200), address="127.0.0.2") as before:
        await send(f"http://{NAME}:{before.port}/", resolve=names)
    async with receiving(answering(200)) as after:
        with pytest.raises(AddressRefused, match="loopback"):
            await send(f"http://{NAME}:{after.port}/", resolve=names)

    assert (before.connections, after.connections) == (1, 0)


@pytest.mark.parametrize(
    "hidden", ["10.0.0.1", "::ffff:169.254.169.254", "fe80::1%1", "64:ff9b::a00:1", "0x7f.1", "nonsense", ""]
)
async def test_one_refused_address_among_several_is_enough(hidden: str) -> None:
    """D01: all addresses of a name are checked before any is connected to."""
    async with receiving(answering(200)) as receiver:
        for addresses in (["127.0.0.1", hidden], [hidden, "127.0.0.1"]):
            with pytest.raises(AddressRefused):
                await send(f"http://{NAME}:{receiver.port}/", resolve=Names(addresses))

    assert receiver.connections == 0


SPELLINGS = IN_REFUSED_IPV4.flatmap(lambda inner: st.sampled_from([inner, *wrappings(inner)]).map(str))


@examples(max_examples=200, deadline=None)
@given(
    addresses=st.lists(SPELLINGS, min_size=1, max_size=4),
    public=st.lists(st.just("8.8.8.8"), max_size=3),
    data=st.data(),
)
def test_whatever_resolves_into_a_refused_class_is_refused(
    addresses: list[str], public: list[str], data: st.DataObject
) -> None:
    """D01, W05"""
    found = data.draw(st.permutations([*addresses, *public]))
    with override_settings(WEBHOOK_ALLOWED_NETWORKS=[]), pytest.raises(AddressRefused):
        asyncio.run(send(f"https://{NAME}/", resolve=Names(found)))


async def test_the_next_address_is_tried_if_one_is_dead() -> None:
    async with receiving(answering(200)) as receiver:
        answer = await send(f"http://{NAME}:{receiver.port}/", resolve=Names(["127.0.0.2", "127.0.0.1"]))

    assert answer.status == 200


async def test_a_name_that_leads_to_ourselves_is_refused(settings: Settings) -> None:
    async with receiving(answering(200)) as receiver:
        settings.PORT = receiver.port
        with pytest.raises(AddressRefused, match="Signalbox itself"):
            await send(f"http://{NAME}:{receiver.port}/", resolve=Names(["127.0.0.1"]))

    assert receiver.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """D01, W05"""
    async with receiving(answering(200)) as hidden:
        where = f"http://127.0.0.1:{hidden.port}/latest/meta-data/"
        answer = await answer_of(answering(status, b"", f"Location: {where}"))

    assert (answer.status, answer.is_success, hidden.connections) == (status, False, 0)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(answering(502)) as proxy, receiving(answering(200)) as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        answer = await send(f"http://{NAME}:{receiver.port}/", resolve=Names(["127.0.0.1"]))

    assert (answer.status, proxy.connections) == (200, 0)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
async def test_a_receiver_of_one_byte_a_second_ends_at_the_total_time(first: bytes) -> None:
    """W06"""
    started = time.monotonic()

    assert await failure_of(dribbling(first), timeout_s=1.5) == "timed_out"
    assert 1 <= time.monotonic() - started < 10


async def test_a_name_server_that_never_answers_ends_at_the_total_time() -> None:
    with pytest.raises(NotAnswered) as silent:
        await send(f"http://{NAME}/", resolve=never, timeout_s=0.2)

    assert silent.value.reason == "timed_out"


async def test_of_an_answer_of_a_gigabyte_only_the_beginning_is_read() -> None:
    """W06"""
    written = 0

    async def pour(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        for _ in range(1024):
            writer.write(b"x" * 1024 * 1024)
            await writer.drain()
            written += 1

    answer = await answer_of(pour)

    assert (answer.status, answer.excerpt) == (200, b"x" * LIMIT)
    assert written < 64, "megabytes; what lies in the buffers of two sockets is not read"


async def test_of_the_headers_of_an_answer_those_on_a_short_list_are_kept_and_cut() -> None:
    kept = [
        "Content-Type: text/plain",
        "RETRY-AFTER: 7",
        "Server: " + "x" * 5000,
        "Webhook-Delivery: disable",
        "Date: d\xe9j\xe0",
    ]
    others = ["Set-Cookie: a=b", "Location: http://inside/", "WWW-Authenticate: Basic", "Server: a second one"]
    head = "\r\n".join(["HTTP/1.1 503 No", *kept, "X-Request-ID: r-1", *others, "", ""])
    answer = await answer_of(saying(head.encode("latin-1")))

    assert answer.headers == {
        "content-type": "text/plain",
        "date": "d\xe9j\xe0",
        "retry-after": "7",
        "server": "x" * 200,
        "webhook-delivery": "disable",
        "x-request-id": "r-1",
    }


async def test_an_answer_without_end_in_pieces_is_cut_too() -> None:
    async def pour(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"3e8\r\n" + b"y" * 1000 + b"\r\n")
            await writer.drain()

    assert (await answer_of(pour)).excerpt == b"y" * LIMIT


async def test_a_gzip_bomb_is_not_inflated() -> None:
    """W06"""
    bomb = gzip.compress(bytes(20_000_000))
    answer = await answer_of(answering(200, bomb, "Content-Encoding: gzip"))

    assert answer.excerpt == bomb[:LIMIT]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00\x01\x02\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ntoo short",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000,
        b"HTTP/1.1 99999 No\r\n\r\n",
    ],
)
async def test_half_an_answer_or_none_is_no_answer(said: bytes) -> None:
    """W09"""
    assert await failure_of(saying(said)) == "broken"


async def test_a_closed_port_is_not_reached() -> None:
    async with receiving(answering(200)) as receiver:
        port = receiver.port
    with pytest.raises(NotAnswered) as silent:
        await send(f"http://127.0.0.1:{port}/")

    assert silent.value.reason == "unreachable"


async def test_a_receiver_that_takes_no_connection_is_given_up_before_the_total_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posting, "CONNECT_S", 0.2)
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # nobody takes them, so that there is no room for another one
            queued = waiting.enter_context(socket.socket())
            queued.setblocking(False)
            queued.connect_ex(full.getsockname())
        with pytest.raises(NotAnswered) as silent:
            await send(f"http://127.0.0.1:{full.getsockname()[1]}/", timeout_s=5)

    assert silent.value.reason == "timed_out"


async def test_nothing_of_a_finished_call_stays_behind() -> None:
    for behaviour in (answering(200), answering(200, b"x" * 1_000_000), saying(b"")):
        with contextlib.suppress(NotAnswered):
            await answer_of(behaviour)
        await asyncio.sleep(0)

    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return self_signed(tmp_path, NAME)


@contextlib.asynccontextmanager
async def receiving_tls(certificate: tuple[Path, Path]) -> AsyncIterator[tuple[Receiver, list[str | None]]]:
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.sni_callback = lambda _, name, __: asked.append(name)
    async with receiving(answering(200), tls=context) as receiver:
        yield receiver, asked


async def test_tls_is_agreed_under_the_name_although_an_address_is_connected_to(certificate: tuple[Path, Path]) -> None:
    trust = ssl.create_default_context(cafile=certificate[0])
    async with receiving_tls(certificate) as (receiver, asked):
        answer = await send(f"https://{NAME}:{receiver.port}/", resolve=Names(["127.0.0.1"]), trust=trust)

    assert answer.status == 200
    assert asked == [NAME]
    assert f"Host: {NAME}:{receiver.port}" in receiver.head


@pytest.mark.parametrize(("name", "trusted"), [(NAME, False), ("other.example", True)])
async def test_a_certificate_that_does_not_hold_ends_the_call(
    certificate: tuple[Path, Path], name: str, trusted: bool
) -> None:
    """W09: of somebody unknown, or of somebody else."""
    trust = ssl.create_default_context(cafile=certificate[0]) if trusted else None
    async with receiving_tls(certificate) as (receiver, _):
        with pytest.raises(NotAnswered) as silent:
            await send(f"https://{name}:{receiver.port}/", resolve=Names(["127.0.0.1"]), trust=trust)

    assert silent.value.reason == "tls"
    assert receiver.requests == []


async def test_a_receiver_that_speaks_no_tls_ends_the_call() -> None:
    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Plain\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        with pytest.raises(NotAnswered) as silent:
            await send(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")

    assert silent.value.reason == "tls"


async def test_a_name_is_looked_up_as_the_system_does_it() -> None:
    assert "127.0.0.1" in await look_up("localhost", 80)


async def test_a_name_that_has_no_address_is_no_answer() -> None:
    with pytest.raises(NotAnswered) as silent:
        await look_up("a" * 64, 80)

    assert silent.value.reason == "unresolved"


async def test_no_exit_has_to_wait_for_a_look_up() -> None:
    await look_up("localhost", 80)

    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("look-up"))


async def test_what_an_answer_echoes_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await answer_of(answering(500, b"canary-7c1d", "X-Echo: canary-7c1d"))

    assert "canary-7c1d" not in caplog.text
