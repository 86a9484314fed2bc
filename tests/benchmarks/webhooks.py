"""Webhooks: how soon a receiver hears what was committed, how many hear how fast, beside a dead one, and what it takes.

`make bench-webhooks`. Real processes on a durable database that is started for the benchmark and deleted after it; receivers
answer on loopback, in a thread of this process.

first: one event after the other is committed by this process, at random intervals; the queue is kicked, fans out and sends.
  Timed from just before the commit to the arrival.
rate: deliveries that are due already, to a receiver that takes 5 ms, by one `deliver_webhooks --once`.
dead: a healthy endpoint gets one every 100 ms, while 10 000 wait for one that takes every connection and never answers.
memory: the resident memory of one `deliver_webhooks --once` on its way through many deliveries.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

# isort: off
from tests.benchmarks.stage import Stage, manage, progress, throwaway_database  # first: it sets Django up

# isort: on
import orjson
from django.db import connections

from runs.recorder import record
from tests.benchmarks.processes import cpu_seconds, resident_mb
from tests.benchmarks.table import load_average, print_table
from tests.cast import envelope, running_run
from tests.deliveries import flood, listening, waiting
from tests.subscriber import Answer, Heard, Subscriber, takes_it
from webhooks.models import Delivery, Endpoint, EndpointSecret

LOOPBACK = {"WEBHOOK_ALLOW_HTTP": "true", "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
RECEIVER_S = 0.005
PENDING = "SELECT NOT EXISTS (SELECT 1 FROM webhooks_delivery WHERE status = 'pending')"
PATIENCE_S = 3_600.0
HEARD_S = 60.0
STEPS = 10
Row = dict[str, object]


def main() -> None:
    """Prints a table for each part."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--only", choices=PARTS, action="append", help="a part; may be given again (default: all)")
    wanted.add_argument("--events", type=int, default=200, help="first: events that are committed")
    wanted.add_argument("--deliveries", type=int, default=5_000, help="rate: that are due")
    wanted.add_argument("--waiting", type=int, default=10_000, help="dead: that wait for the dead endpoint")
    wanted.add_argument("--seconds", type=int, default=60, help="dead: how long the healthy one is sent to")
    wanted.add_argument("--memory", type=int, default=100_000, help="memory: deliveries")
    options = wanted.parse_args()
    with throwaway_database() as stage:
        for part in options.only or PARTS:
            progress(part)
            rows = PARTS[part](stage, options)
            print_table(rows, part, load_average())
            _forget()


def first(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """From commit to the first attempt, by the kick of the commit."""
    chance = random.Random(1)
    with Subscriber() as subscriber, manage(stage, "qcluster", process="queue", **LOOPBACK):
        listening(subscriber.url(), events=["message.received"])
        run = running_run()
        record(run.id, [envelope("warm-up")], epoch=None)
        _wait(lambda: subscriber.heard, "the first of all")
        spans = []
        for number in range(options.events):
            time.sleep(chance.uniform(0.05, 1.0))
            began = time.monotonic()
            seq = record(run.id, [envelope(number)], epoch=None).last_seq
            heard = _wait(lambda seq=seq: _of_seq(subscriber.heard, seq), f"event {number}")  # type: ignore[misc]
            spans.append(heard.at - began)
    return [_spans("commit to first attempt", spans, "p50 250, p99 1000")]


def rate(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Deliveries per second of one worker."""
    rows = []
    for endpoints in (1, 20):
        with Subscriber(_after(RECEIVER_S)) as subscriber:
            for number in range(endpoints):
                flood(_fast(subscriber.url(f"/{number}")), options.deliveries // endpoints, due_at=_now())
            with manage(stage, "deliver_webhooks", "--once", process="queue", **LOOPBACK) as process:
                _wait(lambda: subscriber.heard, "the first of all")
                used = cpu_seconds(process.pid)
                stage.wait_until(PENDING, seconds=PATIENCE_S, step=0.02)
                used = cpu_seconds(process.pid) - used
            times = [heard.at for heard in subscriber.heard]
            seconds = max(times) - min(times)
            rows.append(
                {
                    "endpoints": endpoints,
                    "deliveries": len(times),
                    "deliveries/s": round(len(times) / seconds),
                    "goal": 200,
                    "worker CPU ms each": round(used * 1000 / len(times), 2),
                }
            )
        _forget()
    return rows


def dead(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """What a healthy endpoint feels of a dead one."""
    rows = []
    for number in (0, options.waiting):
        with Subscriber(_deaf_at("/dead")) as subscriber:
            if number:
                flood(listening(subscriber.url("/dead"), rate_per_second=10, concurrency=4), number, due_at=_now())
            healthy = listening(subscriber.url("/healthy"), rate_per_second=20, concurrency=4)
            began: dict[str, float] = {}
            with manage(stage, "deliver_webhooks", process="queue", **LOOPBACK):
                waiting(healthy, due_at=_now())
                _wait(lambda: subscriber.ids("/healthy"), "the first of the healthy one")
                for _ in range(options.seconds * 10):
                    (one,) = waiting(healthy, due_at=_now())
                    began[one.message_id] = time.monotonic()
                    time.sleep(0.1)
                _wait(lambda: len(subscriber.ids("/healthy")) > len(began), "the last of the healthy one")  # noqa: B023
            spans = [one.at - began[one.id] for one in subscriber.heard if one.id in began]
        rows.append({"wait for the dead one": number, **_spans("due to first attempt", spans, "p99 2000")})
        _forget()
    return rows


def memory(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Resident memory at every tenth of the way."""
    with Subscriber() as subscriber:
        for number in range(20):
            flood(_fast(subscriber.url(f"/{number}")), options.memory // 20, due_at=_now())
        rows: list[Row] = []
        with manage(stage, "deliver_webhooks", "--once", process="queue", **LOOPBACK) as process:
            for step in range(STEPS + 1):
                done = max(1, options.memory * step // STEPS)
                while len(subscriber.heard) < done and process.poll() is None:
                    time.sleep(0.02)
                if process.poll() is None:
                    rows.append({"deliveries": len(subscriber.heard), "worker MB": round(resident_mb(process.pid), 1)})
    return rows


PARTS: dict[str, Callable[[Stage, argparse.Namespace], list[Row]]] = {
    "first": first,
    "rate": rate,
    "dead": dead,
    "memory": memory,
}


def _now() -> datetime:
    return datetime.now(tz=UTC)


def _fast(url: str) -> Endpoint:
    return listening(url, rate_per_second=100_000, concurrency=100)


def _after(seconds: float) -> Answer:
    async def answer(heard: Heard) -> int:
        await asyncio.sleep(seconds)
        return await takes_it(heard)

    return answer


def _deaf_at(path: str) -> Answer:
    async def answer(heard: Heard) -> int:
        if heard.path == path:
            await asyncio.sleep(PATIENCE_S)
        return await takes_it(heard)

    return answer


def _of_seq(heard: Iterable[Heard], seq: int) -> Heard | None:
    return next((one for one in tuple(heard) if orjson.loads(one.body)["seq"] == seq), None)


def _wait(condition: Callable[[], object], what: str) -> Heard:
    """What the condition is, once it is true."""
    deadline = time.monotonic() + HEARD_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise SystemExit(f"the benchmark did not finish in time: {what}")
        time.sleep(0.005)
    return found  # type: ignore[return-value]


def _spans(what: str, spans: list[float], goal: str) -> Row:
    ordered = sorted(spans)

    def percentile(part: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000, 1)

    return {
        "from, to": what,
        "number": len(ordered),
        "p50 ms": percentile(0.50),
        "p99 ms": percentile(0.99),
        "max ms": round(ordered[-1] * 1000, 1),
        "goal": goal,
    }


def _forget() -> None:
    """The next part begins with nothing that is due and nobody who listens."""
    Delivery.objects.all().delete()
    EndpointSecret.objects.all().delete()
    Endpoint.objects.all().delete()
    connections.close_all()


if __name__ == "__main__":
    main()
