"""How soon a nudge wakes who waits for it, and what a thousand of them a second cost the process that listens.

`make bench-wakeups`. One process sends them one by one, as many processes together would; this one listens: on the thread
of the hub, in the event loop itself (written here for comparison), and with a redis-server in PATH by Redis. `busy` means that
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
Listening = Callable[[Watched], contextlib.AbstractAsyncContextManager[None]]


def main() -> None:
    """Prints one line for each way to listen."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--send", nargs=2, metavar=("KIND", "ADDRESS"), help="used by itself: be the sender")
    wanted.add_argument("--rate", type=int, default=1_000)
    options = wanted.parse_args()
    if options.send:
        _send(*options.send, rate=options.rate, topics=json.loads(sys.stdin.readline()))
        return
    with throwaway_database() as stage, contextlib.ExitStack() as opened:
        ways: list[tuple[str, Listening, str, str]] = [
            ("NOTIFY, thread", _by_thread(OverNotify), "notify", stage.dsn),
            ("NOTIFY, in the loop", _in_loop(stage.dsn), "notify", stage.dsn),
        ]
        if binary():
            server = opened.enter_context(RedisServer())
            settings.REDIS_URL = server.url
            ways.append(("Redis, thread", _by_thread(OverRedis), "redis", server.url))
        lines = [
            asyncio.run(_measured(name, listening, (kind, address), rate=options.rate, is_busy=is_busy))
            for is_busy in (False, True)
            for name, listening, kind, address in ways
        ]
        print_table(lines, load_average())
        sys.stdout.flush()


async def _measured(
    name: str, listening: Listening, sender: tuple[str, str], *, rate: int, is_busy: bool
) -> dict[str, object]:
    progress(f"{name}, {'busy' if is_busy else 'idle'}")
    watched = {uuid4().hex: Nudges() for _ in range(RUNS)}
    arrivals: Arrivals = {topic: [] for topic in watched}
    async with listening(watched), asyncio.TaskGroup() as group:
        tasks = [group.create_task(_wait(nudges, arrivals[topic])) for topic, nudges in watched.items()]
        if is_busy:
            tasks.append(group.create_task(_work()))
        await asyncio.sleep(SETTLING_S)
        idle_from = time.process_time()
        await asyncio.sleep(SECONDS / 2)
        idle = (time.process_time() - idle_from) * 2
        before = time.process_time()
        sent: Arrivals = await asyncio.to_thread(_sent, sender, rate, list(watched))
        await asyncio.sleep(SETTLING_S)
        used = time.process_time() - before - idle * (1 + SETTLING_S / SECONDS)
        for task in tasks:
            task.cancel()
    delays = sorted(delay for topic in watched for delay in _delays(sent[topic], arrivals[topic]))
    count = sum(map(len, sent.values()))
    return {
        "listens": name,
        "loop": "busy" if is_busy else "idle",
        "nudges/s": rate,
        "woken": f"{len(delays) / count:.1%}",
        "p50 ms": f"{statistics.median(delays) * 1000:.2f}",
        "p99 ms": f"{delays[int(len(delays) * 0.99)] * 1000:.2f}",
        "CPU us/nudge": f"{used / count * 1e6:.0f}",
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
                        watched[topic]._event.set()

            task = asyncio.create_task(listen())
            yield
            task.cancel()
            await asyncio.wait({task})

    return listening


def _sent(sender: tuple[str, str], rate: int, topics: list[str]) -> Arrivals:
    command = [sys.executable, "-m", "tests.benchmarks.wakeups", "--send", *sender, "--rate", str(rate)]
    told = subprocess.run(command, input=json.dumps(topics), capture_output=True, text=True, check=True)
    sent: Arrivals = json.loads(told.stdout)
    return sent


def _send(kind: str, address: str, *, rate: int, topics: list[str]) -> None:
    times: Arrivals = {topic: [] for topic in topics}
    with contextlib.ExitStack() as opened:
        if kind == "redis":
            settings.REDIS_URL = address
            send = opened.enter_context(OverRedis().sender())
        else:
            settings.DATABASES["default"].update(_entry_of(address))
            send = opened.enter_context(OverNotify().sender())
        begun = time.monotonic()
        for number in range(rate * SECONDS):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            topic = topics[number % len(topics)]
            times[topic].append(time.monotonic())
            send({topic})
    print(json.dumps(times))


def _entry_of(dsn: str) -> dict[str, object]:
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return {names[name]: str(value) for name, value in parts.items() if name in names}


def _delays(sent: list[float], arrived: list[float]) -> list[float]:
    """From the last send before it to each arrival; the clock is the same in all processes of a machine."""
    return [at - sent[place - 1] for at in arrived if (place := bisect.bisect_right(sent, at))]


if __name__ == "__main__":
    main()
