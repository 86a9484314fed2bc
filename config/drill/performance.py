"""One drill from beginning to end: the service starts on its scratch database, and one step follows the other."""

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import httpx
import psycopg

from config.drill.report import Outcome
from config.drill.scratch import Scratch
from config.drill.stage import Stage, Unexpected
from config.drill.steps import Step
from config.drill.troupe import Troupe, environment_of
from config.watcher import Watcher

HOST = "127.0.0.1"
READY_WITHIN_S = 60
READY_POLL_S = 0.1

Told = Callable[[Outcome], None]


class DrillFailed(Exception):
    """The service did not even start."""


async def perform(
    steps: Sequence[Step], *, scratch: Scratch, folder: Path, watcher: Watcher, seed: int, told: Told
) -> list[Outcome]:
    """Every step was done, whatever became of the one before; `told` is called after each. Raises DrillFailed."""
    async with _service(scratch, folder, watcher, seed) as stage:
        outcomes = []
        for step in steps:
            outcome = await _outcome(step, stage)
            outcomes.append(outcome)
            told(outcome)
        return outcomes


@contextlib.asynccontextmanager
async def _service(scratch: Scratch, folder: Path, watcher: Watcher, seed: int) -> AsyncIterator[Stage]:
    """The web process answers."""
    key, port = secrets.token_urlsafe(24), _free_port()
    environment = environment_of(database_url=scratch.url, folder=folder, port=port, key=key)
    troupe = Troupe(environment, folder=folder, watcher=watcher)
    status, said = await troupe.run("migrate", "migrate", "--noinput")
    if status != 0:
        raise DrillFailed(f"the tables could not be made:\n{said[-2_000:]}")
    client = httpx.AsyncClient(
        base_url=f"http://{HOST}:{port}", headers={"Authorization": f"Bearer {key}"}, timeout=30, trust_env=False
    )
    async with client, troupe.playing("web"):
        await _until_ready(client)
        yield Stage(scratch=scratch, troupe=troupe, client=client, seed=seed)


async def _outcome(step: Step, stage: Stage) -> Outcome:
    began = time.monotonic()
    try:
        seen, passed = await step.play(stage), True
    except Unexpected as unexpected:
        seen, passed = str(unexpected), False
    except (httpx.HTTPError, psycopg.Error, TimeoutError) as fault:
        seen, passed = f"{type(fault).__name__}: {fault}", False
    return Outcome(step, seen, passed, time.monotonic() - began)


async def _until_ready(client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if (await client.get("/healthz")).is_success:
                return
        await asyncio.sleep(READY_POLL_S)
    raise DrillFailed(f"the web process did not answer within {READY_WITHIN_S} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
