"""Under uvicorn, started as the guide says, a WebSocket is told what the log says, as under `serve_web`."""

import asyncio
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect

from runs.models import Run
from runs.streaming.log import page_after
from tests.beside import environment_of
from tests.integration.runs.conftest import append, end, store_run
from tests.processes import PROJECT, wait_until
from tests.runtime_process import free_port
from tests.watching.guide import GUIDE
from tests.watching.web import AUTHORIZED, KEY

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]


def command_of_the_guide() -> list[str]:
    """The arguments with which docs/streaming.md starts uvicorn."""
    text = GUIDE.read_text()
    written = text[text.index("uvicorn config.asgi:application") :].split("```", 1)[0]
    return shlex.split(written.replace("\\\n", " "))[1:]


@pytest.fixture
def port(transactional_db: None) -> Iterator[int]:
    """Where uvicorn listens."""
    chosen = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *command_of_the_guide(), "--port", str(chosen)],
        cwd=PROJECT,
        env=environment_of({"AUTH_API_KEYS": f"test={KEY}", "SIGNALBOX_PROCESS": "web"}),
    )
    try:
        wait_until(lambda: answers(chosen), within_s=30, what="uvicorn")
        yield chosen
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(15)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False


async def test_a_websocket_is_told_the_log_and_its_end(port: int) -> None:
    run = await asyncio.to_thread(stored)
    address = f"ws://127.0.0.1:{port}/ws/runs/{run.id}?afterSeq=0&includeSnapshot=false"
    async with connect(address, additional_headers=AUTHORIZED, proxy=None) as socket:
        first = await socket.recv()
        await asyncio.to_thread(go_on, run)
        *events, last = [first, *[text async for text in socket]]
    expected = await asyncio.to_thread(lambda: page_after(run.id, 0).entries)
    assert events == [
        f'{{"type":"canonical_event","id":{entry.seq},"data":{entry.document.decode()}}}' for entry in expected
    ]
    assert str(last).startswith('{"type":"end","data":{')
    assert socket.close_code == 1000


def stored() -> Run:
    run = store_run()
    append(run, sender="alice", messageType="Note", text="x" * 100_000)  # goes out in fragments
    return run


def go_on(run: Run) -> None:
    """More of it, and its end."""
    for number in range(50):
        append(run, sender="alice", messageType="Note", text=f"{number} ü\n")
    end(run)
