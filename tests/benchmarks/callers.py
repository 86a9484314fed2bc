"""Connections that ask one address again as soon as they are answered; a subprocess of the benchmark of reads.

It prints one JSON line: requests per second, quantiles of the answers' time in milliseconds, bytes of an answer's body.
"""

import argparse
import asyncio
import time

import orjson


async def main() -> None:
    """Ask, and report."""
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--port", type=int, required=True)
    wanted.add_argument("--path", required=True)
    wanted.add_argument("--key", required=True)
    wanted.add_argument("--connections", type=int, required=True)
    wanted.add_argument("--requests", type=int, required=True)
    options = wanted.parse_args()
    request = f"GET {options.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {options.key}\r\n\r\n".encode()
    left, times, sizes = options.requests, [], [0]

    async def ask() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", options.port)
        while left > 0:
            left -= 1
            begun = time.monotonic()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(head.decode())
            sizes[0] = await body(reader, head.lower())
            times.append(time.monotonic() - begun)
        writer.close()

    begun = time.monotonic()
    await asyncio.gather(*(ask() for _ in range(options.connections)))
    took = time.monotonic() - begun
    times.sort()
    quantiles = {name: times[int(len(times) * part)] * 1e3 for name, part in {"p50": 0.5, "p99": 0.99}.items()}
    print(orjson.dumps({"rate": len(times) / took, "bytes": sizes[0], **quantiles}).decode())


async def body(reader: asyncio.StreamReader, head: bytes) -> int:
    """The length of the body behind this head, which has been read."""
    _, found, rest = head.partition(b"content-length: ")
    if found:
        return len(await reader.readexactly(int(rest.partition(b"\r\n")[0])))
    length = 0
    while size := int(await reader.readline(), 16):
        length += len(await reader.readexactly(size + 2)) - 2
    await reader.readexactly(2)
    return length


if __name__ == "__main__":
    asyncio.run(main())
