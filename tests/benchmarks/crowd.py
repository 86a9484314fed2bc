"""A crowd of subscribers in one process: each its own connection, all of them counting and timing what arrives.

A subprocess of the fan-out benchmark, so that its own work is not the server's. It prints `ready` once every subscriber
has been answered, and one JSON line when standard input is closed: frames, bytes and the quantiles of the latency.
"""

import argparse
import asyncio
import base64
import os
import re
import resource
import sys
import time
from array import array

import orjson

SENT = re.compile(rb'"sentNs":(\d+)')

CONNECTS_AT_ONCE = 100
ACCEPTED = (b"HTTP/1.1 101", b"HTTP/1.1 200")


class Tally:
    """What all subscribers were sent, and how long each event had been on its way, in microseconds."""

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.delays = array("q")
        self.lost = 0


class Subscriber(asyncio.Protocol):
    """One connection. Chunks may cut a frame anywhere, but hardly ever within the few digits that are looked for."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self._request, self._tally = request, tally
        self.answered = asyncio.get_running_loop().create_future()
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The request is on its way."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Every whole event in it is counted and timed."""
        now = time.time_ns()
        if not self.answered.done():
            self.answered.set_result(data[:12])
        tally = self._tally
        tally.bytes += len(data)
        text = self._rest + data
        last = 0
        for found in SENT.finditer(text):
            if found.end() == len(text):
                break
            tally.frames += 1
            tally.delays.append((now - int(found[1])) // 1_000)
            last = found.end()
        self._rest = text[max(last, len(text) - 40) :]

    def connection_lost(self, error: Exception | None) -> None:
        """Somebody closed it before the end."""
        self._tally.lost += 1
        if not self.answered.done():
            self.answered.set_exception(error or ConnectionError("closed"))


def request_of(kind: str, path: str, host: str, key: str) -> bytes:
    """The bytes with which a subscriber begins."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {key}"]
    if kind == "ws":
        challenge = base64.b64encode(os.urandom(16)).decode()
        lines += ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {challenge}"]
        lines += ["Sec-WebSocket-Version: 13"]
    else:
        lines.append("Accept: text/event-stream")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def main() -> None:
    """Connect, say so, and report when whoever started us has seen enough."""
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--kind", choices=["sse", "ws"], required=True)
    wanted.add_argument("--port", type=int, required=True)
    wanted.add_argument("--path", required=True)
    wanted.add_argument("--key", required=True)
    wanted.add_argument("--subscribers", type=int, required=True)
    options = wanted.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    loop, tally = asyncio.get_running_loop(), Tally()
    gate = asyncio.Semaphore(CONNECTS_AT_ONCE)

    async def connect() -> None:
        request = request_of(options.kind, options.path, f"127.0.0.1:{options.port}", options.key)
        async with gate:
            _, subscriber = await loop.create_connection(lambda: Subscriber(request, tally), "127.0.0.1", options.port)
            if await subscriber.answered not in ACCEPTED:
                raise SystemExit("a subscriber was refused")

    await asyncio.gather(*(connect() for _ in range(options.subscribers)))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    delays = sorted(tally.delays)
    quantiles = {name: delays[min(len(delays) - 1, int(len(delays) * part))] / 1_000 for name, part in PARTS.items()}
    report = {"frames": tally.frames, "bytes": tally.bytes, "lost": tally.lost, **(quantiles if delays else {})}
    print(orjson.dumps(report).decode(), flush=True)


PARTS = {"p50": 0.5, "p99": 0.99, "max": 1.0}

if __name__ == "__main__":
    asyncio.run(main())
