"""Every kind of frame that a real web process sends on its streams is what docs/asyncapi.json says of it, and nothing else.

The document is read as it is committed, and closed: a member that it does not name is a fault, too.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from jsonschema_rs import Draft202012Validator
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from tests.bodies import Body
from tests.documents import closed, document, told
from tests.keys import StoredKey, stored_key
from tests.observing import observing, silent_run
from tests.watching.web import AUTHORIZED, WebProcess

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PATIENCE_SECONDS = 30
MESSAGE: Body = {"from": "lead", "to": ["alice"], "messageType": "Proposal", "payload": {"proposalId": "p"}}
LIVE = "afterSeq=0&heartbeatMs=1000&snapshotMs=500"


@cache
def judge(channel: str, kind: str) -> Draft202012Validator:
    """For the payload of one message of one channel."""
    whole = document("asyncapi")
    payload = whole["channels"][channel]["messages"][kind]["payload"]
    schema = {**closed(payload), "components": {"schemas": closed(whole["components"]["schemas"])}}
    return Draft202012Validator(schema, validate_formats=True)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it came: its kind, and the payload that its channel describes."""

    kind: str
    payload: Any


@dataclass(slots=True)
class Viewer:
    """Whoever watches one channel to its end, and everything they were sent."""

    channel: str
    frames: list[Frame] = field(default_factory=list)
    close_code: int | None = None

    @property
    def kinds(self) -> set[str]:
        return {frame.kind for frame in self.frames}

    async def on_socket(self, address: str, key: StoredKey) -> None:
        headers = {"Authorization": key.header}
        async with connect(address, additional_headers=headers, proxy=None, max_size=None) as socket:
            with contextlib.suppress(ConnectionClosedError):  # any code but 1000 and 1001
                async for text in socket:
                    message = orjson.loads(text)
                    self.frames.append(Frame(message["type"], message))
            self.close_code = socket.close_code

    async def on_stream(self, address: str, key: StoredKey, *, kind: str = "") -> None:
        """`kind` is for streams whose frames name none."""
        async with (
            httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client,
            client.stream("GET", address, headers={"Authorization": key.header}) as response,
        ):
            assert response.status_code == 200
            async for fields in blocks(response.aiter_lines()):
                self._take(fields, kind)

    def _take(self, fields: dict[str, str], kind: str) -> None:
        payload = orjson.loads(fields["data"])
        name = kind or fields["event"]
        if not kind:  # only events may move the place a browser comes back to, and they say where that is
            assert fields.get("id") == (str(payload["seq"]) if name == "canonical_event" else None)
        self.frames.append(Frame(name, payload))


async def blocks(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, str]]:
    """The fields of each frame of an event stream that has data."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "data" in fields:
            yield fields
        fields = {}


async def until(condition: Callable[[], bool]) -> None:
    """Returns once it holds of what the viewers were sent."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


class Hall:
    """All viewers of a story, at one web process."""

    def __init__(self, web: WebProcess, key: StoredKey) -> None:
        self._web, self._key = web, key
        self._watching: list[asyncio.Task[None]] = []
        self.viewers: list[Viewer] = []

    def socket(self, channel: str, path: str) -> Viewer:
        viewer = self._seated(channel)
        self._watch(viewer.on_socket(f"ws://127.0.0.1:{self._web.port}{path}", self._key))
        return viewer

    def stream(self, channel: str, path: str, *, kind: str = "") -> Viewer:
        viewer = self._seated(channel)
        self._watch(viewer.on_stream(f"{self._web.base}{path}", self._key, kind=kind))
        return viewer

    async def ends(self, *viewers: Viewer) -> None:
        """Each of them was sent everything, and the connection is closed."""
        ends = [self._watching[self.viewers.index(viewer)] for viewer in viewers]
        await asyncio.wait_for(asyncio.gather(*ends), PATIENCE_SECONDS)

    def _seated(self, channel: str) -> Viewer:
        self.viewers.append(Viewer(channel))
        return self.viewers[-1]

    def _watch(self, watching: Any) -> None:
        self._watching.append(asyncio.create_task(watching))


def asked(web: WebProcess, method: str, path: str, body: object = None) -> None:
    answer = httpx.request(method, web.base + path, json=body, headers=AUTHORIZED, trust_env=False, timeout=45)
    assert answer.is_success, answer.text


@pytest.fixture
def web(transactional_db: None) -> Iterator[WebProcess]:
    process = WebProcess({"STREAM_SSE_HEARTBEAT_MS": "1000"})
    yield process
    process.end()


def test_every_frame_of_every_channel_is_the_message_that_the_document_has(web: WebProcess) -> None:
    key = stored_key("runs:read")
    with observing():
        ending, going_on = silent_run(), silent_run()
        viewers = asyncio.run(story(web, key, ending, going_on))

    seen: dict[str, set[str]] = {}
    for viewer in viewers:
        for frame in viewer.frames:
            assert told(judge(viewer.channel, frame.kind), frame.payload) == [], (viewer.channel, frame)
        seen[viewer.channel] = seen.get(viewer.channel, set()) | viewer.kinds
    # It should be every kind there is; but a replay is over before it could be quiet, or break off.
    named = {name: set(channel["messages"]) for name, channel in document("asyncapi")["channels"].items()}
    del named["webhook"]
    named["replayStream"] -= {"heartbeat", "error"}
    assert seen == named
    refuses_what_is_changed(viewers)


async def story(web: WebProcess, key: StoredKey, ending: UUID, going_on: UUID) -> list[Viewer]:
    """Two runs and the list are watched: one run ends and is deleted, then the key is withdrawn."""
    hall = Hall(web, key)
    ended = [
        hall.socket("runSocket", f"/ws/runs/{ending}?{LIVE}"),
        hall.stream("runStream", f"/runs/{ending}/stream?{LIVE}"),
        hall.stream("aguiStream", f"/runs/{ending}/agui?afterSeq=0", kind="event"),
    ]
    broken_off = [
        hall.socket("runSocket", f"/ws/runs/{going_on}?{LIVE}"),
        hall.stream("runStream", f"/runs/{going_on}/stream?{LIVE}"),
        runs := hall.socket("runsSocket", "/ws/runs?includeSandbox=true"),
    ]
    await until(lambda: all("heartbeat" in viewer.kinds for viewer in (*ended[:2], *broken_off)))
    await asyncio.to_thread(asked, web, "POST", f"/runs/{ending}/messages", MESSAGE)
    await until(lambda: all(snapshots_of(viewer) > 1 for viewer in ended[:2]))
    await asyncio.to_thread(asked, web, "POST", f"/runs/{ending}/cancel", {})
    await hall.ends(*ended, hall.stream("replayStream", f"/runs/{ending}/replay/stream?mode=instant"))
    await asyncio.to_thread(asked, web, "DELETE", f"/runs/{ending}")
    await until(lambda: "run_removed" in runs.kinds)
    await asyncio.to_thread(key.revoke)
    await hall.ends(*broken_off)

    codes = {viewer.close_code for viewer in hall.viewers if viewer.channel.endswith("Socket")}
    assert (ended[0].close_code, broken_off[0].close_code, runs.close_code) == (1000, 4401, 4401)
    assert {str(code) for code in codes} <= set(document("asyncapi")["channels"]["runSocket"]["x-close-codes"])
    return hall.viewers


def snapshots_of(viewer: Viewer) -> int:
    return sum(frame.kind == "snapshot" for frame in viewer.frames)


def refuses_what_is_changed(viewers: list[Viewer]) -> None:
    """What the judges let pass they do not let pass with a member more, or without one that is always there."""
    for viewer in viewers:
        if viewer.channel == "aguiStream":  # open: its members are AG-UI's (docs/agui.md)
            continue
        for frame in viewer.frames:
            this = judge(viewer.channel, frame.kind)
            assert told(this, {**frame.payload, "unheardOf": 1}), frame
            if viewer.channel.endswith("Socket"):
                assert told(this, {**frame.payload, "data": {**frame.payload["data"], "unheardOf": 1}}), frame
                assert told(this, {**frame.payload, "type": "other"}), frame
                assert told(this, {name: value for name, value in frame.payload.items() if name != "data"}), frame
