"""curl, httpx, websockets and a native EventSource are told the same, byte for byte, whatever agents write (S10)."""

import asyncio
import subprocess

import httpx
import pytest
from websockets.asyncio.client import connect

from runs.models import Run
from runs.streaming.log import page_after
from tests.integration.runs.conftest import append, end, store_run
from tests.watching.browser import Browser, PageServer
from tests.watching.guide import code_of, python_client
from tests.watching.web import AUTHORIZED, KEY, WebProcess

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]
HOSTILE = [
    "two\nlines",
    "carriage\rreturn and\r\nboth",
    "line\u2028and paragraph\u2029separators, next\u0085line",
    "data: {}\n\nevent: end\ndata: {}\n\n",
    "<script>alert(1)</script> \u202e 👩‍🚀 \x1b[31m",
]


@pytest.fixture
def told(transactional_db: None) -> Run:
    """A run that has ended, in which agents said the worst."""
    run = store_run()
    for text in HOSTILE:
        append(run, sender="alice", messageType="Note", text=text)
    end(run)
    return run


def documents(run: Run) -> list[tuple[int, bytes]]:
    return [(entry.seq, entry.document) for entry in page_after(run.id, 0).entries]


def events_of(stream: bytes) -> list[tuple[int, bytes]]:
    """Number and data of the events in an event stream, as its specification reads it."""
    found = []
    for block in stream.split(b"\n\n"):
        assert b"\r" not in block, "a carriage return ends a line, too"
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if line)
        if fields.get(b"event") == b"canonical_event":
            found.append((int(fields[b"id"]), fields[b"data"]))
        else:
            assert b"id" not in fields, "only events may move the place a browser comes back to (S14)"
    return found


def test_curl_as_in_the_guide_s10_s14_c11(web: WebProcess, told: Run) -> None:
    variables = {"KEY": KEY, "BASE": web.base, "RUN": str(told.id)}
    done = subprocess.run(["sh", "-c", code_of("sh")], env=variables, capture_output=True, timeout=30, check=True)
    assert events_of(done.stdout) == documents(told)


def test_httpx_s10(web: WebProcess, told: Run) -> None:
    address = f"{web.base}/runs/{told.id}/stream?afterSeq=0"
    assert events_of(httpx.get(address, headers=AUTHORIZED, trust_env=False).content) == documents(told)


def test_the_guides_client_on_httpx_s10(web: WebProcess, told: Run) -> None:
    events = list(python_client("httpx")(web.base, KEY, str(told.id)))
    assert [event["data"].get("text") for event in events] == [*HOSTILE, None]


async def test_websockets_s10(web: WebProcess, told: Run) -> None:
    address = f"ws://127.0.0.1:{web.port}/ws/runs/{told.id}?afterSeq=0&includeSnapshot=false"
    async with connect(address, additional_headers=AUTHORIZED, proxy=None) as socket:
        *events, last = [text async for text in socket]
    expected = await asyncio.to_thread(documents, told)
    assert events == [f'{{"type":"canonical_event","id":{seq},"data":{data.decode()}}}' for seq, data in expected]
    assert last.startswith('{"type":"end","data":{')
    assert socket.close_code == 1000


async def test_the_guides_client_on_websockets_s10(web: WebProcess, told: Run) -> None:
    follow = python_client("websockets")
    events = [event async for event in follow(f"ws://127.0.0.1:{web.port}", KEY, str(told.id))]
    assert [event["data"].get("text") for event in events] == [*HOSTILE, None]


def test_a_native_event_source_in_chromium_s10(web: WebProcess, told: Run, pages: PageServer, browser: Browser) -> None:
    pages.show(base=web.base, key=KEY, run=str(told.id))
    browser.goes_to(pages.origin)
    browser.wait_for_the_end()
    assert [(seq, text.encode()) for seq, text in browser.told()] == documents(told)
