"""How soon a nudge wakes who waits for it, and what a thousand of them a second cost the process that listens.

`make bench-wakeups`. One process sends them one by one, as many processes together would; this one listens: on the thread
of the hub, in the event loop itself (written here for comparison), and with a redis-server in PATH by Redis. `busy` says that
the loop has work of its own for half of the time, a millisecond at once, as in a fan-out.
"""

import argparse
import asyncio
import bisect
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

# isort: off
from tests.benchmarks.stage import progress, throwaway_database  # first: it sets Django up

# isort: on
import psycopg
from django.conf import settings

from runs.hub.listener import Listener
from runs.hub.nudges import Nudges
from runs.hub.over_notify import RUNS_CHANNEL, OverNotify
from runs.hub.over_redis import OverRedis
from runs.hub.transport import Transport
from tests.benchmarks.table import load_average, print_table
from tests.redis_process import RedisServer, binary

SECONDS = 10
SETTLING_S = 1.0
RUNS = 200
WORK_S, REST_S = 0.001, 0.001

Watched = dict[str, Nudges]
Arrivals = dict[str, list[float]]
THREAD, IN_LOOP, REDIS = "NOTIFY, thread", "NOTIFY, in the loop", "Redis, thread"

Listening = Callable[[Watched], contextlib.AbstractAsyncContextManager[None]]


def main() -> None:
    """Prints one line for each way to listen, each measured in a process of its own."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--rate", type=int, default=1_000)
    wanted.add_argument("--listen", nargs=3, metavar=("WAY", "ADDRESS", "LOOP"), help="used by itself: one line")
    wanted.add_argument("--send", nargs=2, metavar=("KIND", "ADDRESS"), help="used by itself: be the sender")
    options = wanted.parse_args()
    if options.send:
        _send(*options.send, rate=options.rate, topics=json.loads(sys.stdin.readline()))
    elif options.listen:
        way, address, loop = options.listen
        print(json.dumps(asyncio.run(_measured(way, address, rate=options.rate, is_busy=loop == "busy"))))
    else:
        _compare(options.rate)


def _compare(rate: int) -> None:
    with throwaway_database() as stage, contextlib.ExitStack() as opened:
        addresses = {THREAD: stage.dsn, IN_LOOP: stage.dsn}
        if binary():
            addresses[REDIS] = opened.enter_context(RedisServer()).url
        lines = [_line(way, address, loop, rate) for loop in ("idle", "busy") for way, address in addresses.items()]
        print_table(lines, load_average())


def _line(way: str, address: str, loop: str, rate: int) -> dict[str, object]:
    progress(f"{way}, {loop}")
    line: dict[str, object] = json.loads(_itself("--listen", way, address, loop, "--rate", str(rate)))
    return line


def _itself(*arguments: str, said: str = "") -> str:
    command = [sys.executable, "-m", "tests.benchmarks.wakeups", *arguments]
    return subprocess.run(command, input=said, stdout=subprocess.PIPE, text=True, check=True).stdout


async def _measured(way: str, address: str, *, rate: int, is_busy: bool) -> dict[str, object]:
    _point_at(address)
    listening = {THREAD: _by_thread(OverNotify), IN_LOOP: _in_loop(address), REDIS: _by_thread(OverRedis)}[way]
    watched = {uuid4().hex: Nudges() for _ in range(RUNS)}
    arrivals: Arrivals = {topic: [] for topic in watched}
    async with listening(watched), asyncio.TaskGroup() as group:
        tasks = [group.create_task(_wait(nudges, arrivals[topic])) for topic, nudges in watched.items()]
        if is_busy:
            tasks.append(group.create_task(_work()))
        await asyncio.sleep(SETTLING_S)
        before = time.process_time()
        sent: Arrivals = await asyncio.to_thread(_sent, way, address, rate, list(watched))
        await asyncio.sleep(SETTLING_S)
        used = time.process_time() - before
        for task in tasks:
            task.cancel()
    delays = sorted(delay for topic in watched for delay in _delays(sent[topic], arrivals[topic]))
    count = sum(map(len, sent.values()))
    return {
        "listens": way,
        "loop": "busy" if is_busy else "idle",
        "nudges/s": rate,
        "woken": f"{len(delays) / count:.1%}",
        "p50 ms": f"{statistics.median(delays) * 1000:.2f}",
        "p99 ms": f"{delays[int(len(delays) * 0.99)] * 1000:.2f}",
        "CPU us/nudge": "" if is_busy else f"{used / count * 1e6:.0f}",
    }


async def _wait(nudges: Nudges, arrivals: list[float]) -> None:
    while True:
        if await nudges.wait(SECONDS * 10):
            arrivals.append(time.monotonic())


async def _work() -> None:
    while True:
        until = time.perf_counter() + WORK_S
        while time.perf_counter() < until:
            pass
        await asyncio.sleep(REST_S)


def _by_thread(transport: Callable[[], Transport]) -> Listening:
    @contextlib.asynccontextmanager
    async def listening(watched: Watched) -> AsyncIterator[None]:
        listener = Listener(transport())
        for topic, nudges in watched.items():
            listener.add(topic, nudges)
        yield
        for topic, nudges in watched.items():
            listener.remove(topic, nudges)

    return listening


def _in_loop(dsn: str) -> Listening:
    @contextlib.asynccontextmanager
    async def listening(watched: Watched) -> AsyncIterator[None]:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as channel:
            await channel.execute(f"LISTEN {RUNS_CHANNEL}")

            async def listen() -> None:
                async for notice in channel.notifies():
                    for topic in notice.payload.split(","):
                        watched[topic]._event.set()  # no thread to cross

            task = asyncio.create_task(listen())
            yield
            task.cancel()
            await asyncio.wait({task})

    return listening


def _sent(way: str, address: str, rate: int, topics: list[str]) -> Arrivals:
    kind = "redis" if way == REDIS else "notify"
    sent: Arrivals = json.loads(_itself("--send", kind, address, "--rate", str(rate), said=json.dumps(topics)))
    return sent


def _send(kind: str, address: str, *, rate: int, topics: list[str]) -> None:
    times: Arrivals = {topic: [] for topic in topics}
    _point_at(address)
    transport: Transport = OverRedis() if kind == "redis" else OverNotify()
    with transport.sender() as send:
        begun = time.monotonic()
        for number in range(rate * SECONDS):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            topic = topics[number % len(topics)]
            times[topic].append(time.monotonic())
            send({topic})
    print(json.dumps(times))


def _point_at(address: str) -> None:
    if address.startswith("redis"):
        settings.REDIS_URL = address
        return
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    parts = psycopg.conninfo.conninfo_to_dict(address)
    settings.DATABASES["default"].update({names[name]: str(value) for name, value in parts.items() if name in names})


def _delays(sent: list[float], arrived: list[float]) -> list[float]:
    """From the last send before it to each arrival; the clock is the same in all processes of a machine."""
    return [at - sent[place - 1] for at in arrived if (place := bisect.bisect_right(sent, at))]


if __name__ == "__main__":
    main()
