"""A crowd of subscribers in one process: each its own connection, all of them counting and timing what arrives.

A subprocess of the fan-out benchmark, so that its own work is not the server's. It prints `ready` once every subscriber
has been answered, and one JSON line when standard input is closed: frames, bytes and the quantiles of the latency.
"""

import argparse
import base64
import os
import resource
import select
import socket
import sys
import time
from array import array

import orjson

MARK = b'"sentNs":'
DIGITS = 19  # of nanoseconds since 1970, until 2286
MOST_READ = 1 << 18
PATIENCE_S = 30.0
ACCEPTED = (b"HTTP/1.1 101", b"HTTP/1.1 200")


class Tally:
    """What all subscribers were sent, and how long each event had been on its way, in microseconds."""

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.delays = array("q")
        self.lost = 0


class Subscriber:
    """One connection. It understands nothing of what it reads but the mark that every event bears."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._rest = b""

    def read(self, tally: Tally) -> bool:
        """Every mark in what has arrived is counted and timed; False when the connection is closed."""
        data = self.connection.recv(MOST_READ)
        now = time.time_ns()
        tally.bytes += len(data)
        text = self._rest + data if self._rest else data
        place = text.find(MARK)
        end = 0
        while place >= 0 and (end := place + len(MARK) + DIGITS) <= len(text):
            tally.frames += 1
            tally.delays.append((now - int(text[end - DIGITS : end])) // 1_000)
            place = text.find(MARK, end)
        # A mark may be cut in two, but not where a frame ends.
        self._rest = b"" if text[-1:] in (b"}", b"\n") else text[max(end if place < 0 else place, len(text) - 40) :]
        return bool(data)


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


def connected(port: int, request: bytes) -> Subscriber:
    """A subscriber that has been answered."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    connection.sendall(request)
    if connection.recv(12, socket.MSG_WAITALL) not in ACCEPTED:
        raise SystemExit("a subscriber was refused")
    connection.setblocking(False)
    return Subscriber(connection)


def listen(subscribers: list[Subscriber], tally: Tally) -> None:
    """Reads for all of them until standard input is closed."""
    reading = {subscriber.connection.fileno(): subscriber for subscriber in subscribers}
    with select.epoll() as ready:
        for number in (sys.stdin.fileno(), *reading):
            ready.register(number, select.EPOLLIN)
        while True:
            for number, _ in ready.poll():
                if number not in reading:
                    return
                if not reading[number].read(tally):
                    tally.lost += 1
                    ready.unregister(number)


def main() -> None:
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
    tally = Tally()
    host = f"127.0.0.1:{options.port}"
    subscribers = [
        connected(options.port, request_of(options.kind, options.path, host, options.key))
        for _ in range(options.subscribers)
    ]
    print("ready", flush=True)
    listen(subscribers, tally)
    delays = sorted(tally.delays)
    report: dict[str, float] = {"frames": tally.frames, "bytes": tally.bytes, "lost": tally.lost}
    if delays:
        report |= {name: delays[min(len(delays) - 1, int(len(delays) * part))] / 1_000 for name, part in PARTS.items()}
    print(orjson.dumps(report).decode(), flush=True)


PARTS = {"p50": 0.5, "p99": 0.99, "max": 1.0}

if __name__ == "__main__":
    main()
