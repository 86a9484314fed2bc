"""Posting: one request to a URL that a caller gave, to an address that was checked, within a time that is bounded."""

import asyncio
import functools
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpcore

from runs.egress.lookup import Resolver, look_up
from runs.egress.rules import Rules
from runs.egress.target import HTTPS, Target
from runs.errors import AddressRefused, NotAnswered
from runs.version import VERSION

READ_LIMIT = 64 * 1024
CONNECT_S = 5.0
MOST_TRIED = 3  # addresses of one name; all of them are checked

# Of an answer's headers: what says when to come again, and what helps to find the answer in the receiver's own logs.
KEPT_HEADERS = ("content-type", "date", "retry-after", "server", "webhook-delivery", "x-request-id")
LONGEST_VALUE = 200

# What a caller's headers must not say: they belong to the connection, which is ours.
OF_THE_CONNECTION = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "accept-encoding",
        "connection",
        "upgrade",
        "expect",
        "te",
        "trailer",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered. `excerpt` is the beginning of its body as it came, never inflated; of its `headers`
    those of KEPT_HEADERS are here, in lower case."""

    status: int
    excerpt: bytes
    duration_ms: int
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_success(self) -> bool:
        """True for 2xx and nothing else: a redirect is not followed."""
        return 200 <= self.status <= 299


async def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    timeout_s: float,
    read_limit: int = READ_LIMIT,
    resolve: Resolver = look_up,
    trust: ssl.SSLContext | None = None,
) -> Answer:
    """The answer to `body` at `url`, whole or cut at `read_limit` bytes, within `timeout_s` seconds.

    Raises AddressRefused, and then nothing was connected to, or NotAnswered, and then the receiver may have got it all the
    same. No message of either holds anything of the URL, the headers or the answer.
    """
    rules = Rules.configured()
    target = rules.target(url)
    started = time.monotonic()
    connection = httpcore.AsyncHTTPConnection(
        _location(target).origin,
        ssl_context=_context(target, trust),
        network_backend=_Guarded(rules, resolve),
    )
    try:
        async with asyncio.timeout(timeout_s):
            response, excerpt = await _exchange(connection, target, body, headers, read_limit)
    except TimeoutError:
        raise NotAnswered(f"no whole answer came within {timeout_s:.3g} s", reason="timed_out") from None
    except httpcore.ConnectError:  # a connection was there already, see _Guarded
        raise NotAnswered("TLS could not be agreed upon", reason="tls") from None
    except (httpcore.LocalProtocolError, UnicodeEncodeError):
        raise NotAnswered("a header cannot be sent as it is", reason="unsendable") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError):
        raise NotAnswered("the connection broke before the whole answer had come", reason="broken") from None
    return Answer(
        status=response.status,
        excerpt=excerpt,
        duration_ms=round((time.monotonic() - started) * 1000),
        headers=_kept(response.headers),
    )


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to a name only at an address that was checked, and only if all of its addresses may be reached."""

    def __init__(self, rules: Rules, resolve: Resolver) -> None:
        self._rules = rules
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to `host`. Raises AddressRefused or NotAnswered."""
        addresses = (await self._checked(host, port))[:MOST_TRIED]
        is_silent = False  # the last of them
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout=CONNECT_S / len(addresses))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failure:
                is_silent = isinstance(failure, httpcore.ConnectTimeout)
        if is_silent:
            raise NotAnswered(f"no connection stood within {CONNECT_S:g} s", reason="timed_out")
        raise NotAnswered("the receiver cannot be reached", reason="unreachable")

    async def _checked(self, host: str, port: int) -> list[str]:
        checked = []
        for found in await self._addresses(host, port):
            try:
                address = ip_address(found)
            except ValueError:
                raise AddressRefused("must resolve to addresses") from None
            self._rules.refuse(address, port)
            checked.append(str(address))
        return checked

    async def _addresses(self, host: str, port: int) -> Iterable[str]:
        try:
            ip_address(host)
        except ValueError:
            return await self._resolve(host, port)
        return (host,)


async def _exchange(
    connection: httpcore.AsyncHTTPConnection, target: Target, body: bytes, headers: Mapping[str, str], read_limit: int
) -> tuple[httpcore.Response, bytes]:
    sent = _headers(target, body, headers)
    async with connection, connection.stream("POST", _location(target), headers=sent, content=body) as response:
        return response, await _beginning(response, read_limit)


async def _beginning(response: httpcore.Response, limit: int) -> bytes:
    kept = bytearray()
    async for chunk in response.aiter_stream():
        kept += chunk[: limit - len(kept)]
        if len(kept) >= limit:
            break
    return bytes(kept)


def _kept(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    # Backwards, so that the first one stays of those that are said twice.
    said = {name.decode("ascii").lower(): value.decode("latin-1") for name, value in reversed(list(headers))}
    return {name: said[name][:LONGEST_VALUE] for name in KEPT_HEADERS if name in said}


def _headers(target: Target, body: bytes, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    said = {name: value for name, value in headers.items() if name.lower() not in OF_THE_CONNECTION}
    if not any(name.lower() == "user-agent" for name in said):
        said["User-Agent"] = f"Signalbox/{VERSION}"
    said |= {
        "Host": target.authority,
        "Content-Length": str(len(body)),
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    return [(name.encode(), value.encode()) for name, value in said.items()]


def _location(target: Target) -> httpcore.URL:
    # In parts, so that no second parser reads the URL in another way.
    return httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)


def _context(target: Target, trust: ssl.SSLContext | None) -> ssl.SSLContext | None:
    return (trust or _public_trust()) if target.scheme == HTTPS else None


@functools.cache
def _public_trust() -> ssl.SSLContext:
    return httpcore.default_ssl_context()
