"""The connections to one runtime.

Every call and every stream holds one of a connection's HTTP/2 streams while it lasts, of which a runtime grants 128,
so many runs need several channels. gRPC merges channels that are configured alike into one connection: each has an
argument of its own. Nothing is created before the first call, so a process may fork until then.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import grpc
import grpc.aio

from runs.errors import NoRuntime, RuntimeTimedOut
from runs.metrics import GRPC_SECONDS
from runs.runtimes.macp.credentials import Metadata
from runs.runtimes.macp.faults import only_our_faults
from runs.runtimes.macp.settings import MacpSettings

STREAMS_PER_CHANNEL = 100
SETTLE_S = 0.02

_SERVICE = "/macp.v1.MACPRuntimeService/"
_ARGUMENTS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 30_000),  # a dead peer is noticed on a quiet stream too
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),  # the default of two minutes would outlast a restart of the runtime
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),  # a frame refused for its size would come again for ever
)


class StreamCall(Protocol):
    """A bidirectional or server stream under way, in bytes."""

    async def write(self, request: bytes) -> None:
        """Send one frame; the write side stays open."""

    def read(self) -> Awaitable[object]:
        """The next frame, or something that is not bytes at the end."""

    async def initial_metadata(self) -> object:
        """Returns once the runtime has taken the call."""

    def done(self) -> bool:
        """True once the call has ended, however."""

    async def code(self) -> grpc.StatusCode:
        """With which status it ended."""

    def cancel(self) -> bool:
        """End the call."""


@dataclass(slots=True)
class _Lane:
    channel: grpc.aio.Channel
    streams: int = 0
    calls: dict[str, Callable[..., Awaitable[object]]] = field(default_factory=dict)


class Channels:
    """The channels to one runtime; the least used takes the next call; when all are full, one more is opened."""

    def __init__(self, settings: MacpSettings) -> None:
        self._settings = settings
        self._lanes: list[_Lane] = []
        self._calls: set[StreamCall] = set()
        self._opened = 0

    async def call(self, rpc: str, request: bytes, metadata: Metadata) -> bytes:
        """The answer of a unary call, as bytes; RuntimeTimedOut after RUNTIME_REQUEST_TIMEOUT_MS."""
        with self._streaming() as lane, only_our_faults(rpc):
            send = lane.calls.get(rpc)
            if send is None:
                send = lane.calls[rpc] = lane.channel.unary_unary(_SERVICE + rpc)
            with _timed(rpc):
                answer = await send(request, metadata=metadata, timeout=self._settings.request_timeout)
        return cast(bytes, answer)

    @contextmanager
    def bidirectional(self, rpc: str, metadata: Metadata) -> Iterator[StreamCall]:
        """A bidirectional stream, cancelled at the end of the block."""
        with (
            self._streaming() as lane,
            self._under_way(lane.channel.stream_stream(_SERVICE + rpc)(metadata=metadata)) as call,
        ):
            yield call

    @asynccontextmanager
    async def server_stream(self, rpc: str, request: bytes, metadata: Metadata) -> AsyncIterator[AsyncIterator[bytes]]:
        """The frames of a server stream that the runtime has taken, cancelled at the end of the block.

        Raises RuntimeTimedOut where it takes longer than RUNTIME_REQUEST_TIMEOUT_MS to say so.
        """
        with self._streaming() as lane, only_our_faults(rpc):
            call = lane.channel.unary_stream(_SERVICE + rpc)(request, metadata=metadata)
            with self._under_way(call):
                await self._taken(call, rpc)
                yield cast(AsyncIterator[bytes], call)

    async def close(self) -> None:
        """Every call has ended and every channel is closed; a later call opens new ones.

        gRPC reports the end of a cancelled call a moment later, and to whichever event loop then runs: leaving before
        would break the next loop of this process.
        """
        for call in tuple(self._calls):
            call.cancel()
        lanes, self._lanes = self._lanes, []
        if lanes:
            await asyncio.sleep(SETTLE_S)
        for lane in lanes:
            await lane.channel.close()

    async def _taken(self, call: StreamCall, rpc: str) -> None:
        try:
            async with asyncio.timeout(self._settings.request_timeout):
                await call.initial_metadata()
        except TimeoutError as error:
            raise RuntimeTimedOut(f"{rpc}: no answer within {self._settings.request_timeout} s") from error
        if call.done() and await call.code() is not grpc.StatusCode.OK:
            await call.read()  # raises what it ended with

    @contextmanager
    def _under_way(self, call: StreamCall) -> Iterator[StreamCall]:
        self._calls.add(call)
        try:
            yield call
        finally:
            call.cancel()
            self._calls.discard(call)

    @contextmanager
    def _streaming(self) -> Iterator[_Lane]:
        lane = self._least_used()
        lane.streams += 1
        try:
            yield lane
        finally:
            lane.streams -= 1

    def _least_used(self) -> _Lane:
        if len(self._lanes) < self._settings.channels or all(
            lane.streams >= STREAMS_PER_CHANNEL for lane in self._lanes
        ):
            self._lanes.append(_Lane(self._open()))
        return min(self._lanes, key=lambda lane: lane.streams)

    def _open(self) -> grpc.aio.Channel:
        chosen = self._settings
        if not chosen.address:
            raise NoRuntime("there is no runtime: RUNTIME_ADDRESS is not set")
        self._opened += 1
        arguments = [*_ARGUMENTS, ("signalbox.channel", self._opened)]
        if chosen.tls:
            roots = Path(chosen.tls_ca_file).read_bytes() if chosen.tls_ca_file else None
            return grpc.aio.secure_channel(chosen.address, grpc.ssl_channel_credentials(roots), options=arguments)
        if not chosen.allow_insecure:
            raise NoRuntime("a plaintext runtime needs RUNTIME_ALLOW_INSECURE; RUNTIME_TLS is the safe choice")
        return grpc.aio.insecure_channel(chosen.address, options=arguments)


@contextmanager
def _timed(rpc: str) -> Iterator[None]:
    """How long the call takes is counted under the gRPC status it ends with."""
    began, status = time.perf_counter(), "UNKNOWN"
    try:
        yield
        status = "OK"
    except grpc.aio.AioRpcError as error:
        status = error.code().name
        raise
    except asyncio.CancelledError:
        status = "CANCELLED"
        raise
    finally:
        GRPC_SECONDS.observe(time.perf_counter() - began, rpc, status)
