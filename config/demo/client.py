"""The demo as a client: launches a run over HTTP and shows its stream."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

import httpx

from runs.streaming.burst import Burst
from runs.streaming.frame import Frame
from runs.streaming.viewing import View

STEP_MS = 400
TRIES = 5
RUN: dict[str, object] = {
    "mode": "sandbox",
    "runtime": {"kind": "scripted", "options": {"stepMs": STEP_MS}},
    "session": {
        "modeName": "macp.mode.decision.v1",
        "modeVersion": "1.0.0",
        "configurationVersion": "demo",
        "ttlMs": 120_000,
        "participants": [
            {"id": "lead", "role": "proposer"},
            {"id": "alice", "role": "voter"},
            {"id": "bob", "role": "voter"},
        ],
        "metadata": {"source": "demo", "intent": "release on Friday"},
    },
    "execution": {"tags": ["demo"]},
}


class Refused(Exception):
    """The service answered, but not with what was asked for."""


async def launch(client: httpx.AsyncClient) -> str:
    """The id of a new run. Raises Refused with the service's own words, or httpx.HTTPError."""
    answer = await client.post("/runs", json=RUN)
    if answer.status_code != httpx.codes.CREATED:
        raise Refused(f"POST /runs answered {answer.status_code}: {answer.text[:500]}")
    return str(answer.json()["runId"])


async def watch(client: httpx.AsyncClient, run_id: str, view: View) -> str:
    """The status the run ended with; every event was shown. A broken stream goes on where it broke, TRIES times."""
    for attempt in range(TRIES):
        try:
            while view.status is None:  # a stream may close politely
                await _show(client, run_id, view)
            return view.status
        except httpx.TransportError:
            await asyncio.sleep(2**attempt / 4)
    raise Refused(f"the stream of run {run_id} broke {TRIES} times")


async def _show(client: httpx.AsyncClient, run_id: str, view: View) -> None:
    address, cursor = f"/runs/{run_id}/stream?snapshotMs=500", {"Last-Event-ID": str(view.cursor)}
    async with client.stream("GET", address, headers=cursor) as answer:
        if answer.status_code != httpx.codes.OK:
            raise Refused(f"GET {address} answered {answer.status_code}: {(await answer.aread())[:500]!r}")
        await view.show(bursts_of(answer.aiter_bytes()))


async def bursts_of(chunks: AsyncIterable[bytes]) -> AsyncIterator[Burst]:
    """The frames of an event stream, those of one chunk together. Bytes, because text breaks lines elsewhere, too."""
    rest = b""
    async for chunk in chunks:
        *texts, rest = (rest + chunk).split(b"\n\n")
        yield Burst(frame for text in texts if (frame := _frame(text)) is not None)


def _frame(text: bytes) -> Frame | None:
    fields = dict(line.split(b": ", 1) for line in text.split(b"\n") if b": " in line)
    if b"event" not in fields:
        return None  # `retry` stands alone
    seq = int(fields[b"id"]) if b"id" in fields else None
    return Frame(fields[b"event"].decode(), fields[b"data"], seq)
