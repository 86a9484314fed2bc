"""The two watches of a MACP runtime: whoever observes a session waits until they stand, and not for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from runs.domain.events import Envelope
from runs.errors import RuntimeUnavailable, RuntimeUnsupported
from runs.runtimes.macp import watches, wire
from runs.runtimes.macp.credentials import Credentials
from runs.runtimes.macp.mailbox import Mailbox
from runs.runtimes.macp.settings import MacpSettings
from runs.runtimes.macp.watches import Watches

SETTINGS = MacpSettings(backoff_base=0.001, backoff_max=0.001)
PATIENCE = 5.0


class Channels:
    """Streams that stand when they are released, and then tell what is put into `frames`."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.faults: dict[str, list[Exception]] = {}
        self.frames: asyncio.Queue[bytes] = asyncio.Queue()

    @asynccontextmanager
    async def server_stream(self, rpc: str, request: bytes, metadata: object) -> AsyncIterator[AsyncIterator[bytes]]:
        if self.faults.get(rpc):
            raise self.faults[rpc].pop()
        await self.released.wait()
        yield self._told(rpc)

    async def _told(self, rpc: str) -> AsyncIterator[bytes]:
        while True:
            if rpc == "WatchSignals":
                yield await self.frames.get()
            else:
                await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def long_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "STAND_S", PATIENCE)


def watching(channels: Channels) -> Watches:
    return Watches(SETTINGS, channels, Credentials(SETTINGS))  # type: ignore[arg-type]


def signal(correlation: str) -> bytes:
    payload = wire.SignalPayload(signal_type="alarm", correlation_session_id=correlation).SerializeToString()
    envelope = wire.Envelope(message_type="Signal", message_id="m", sender="ann", payload=payload)
    answer = wire.WatchSignalsResponse()
    answer.envelope.MergeFromString(envelope.SerializeToString())
    return answer.SerializeToString()


async def test_whoever_waits_goes_on_when_both_watches_stand() -> None:
    channels = Channels()
    both = watching(channels)
    with both.delivering("s", Mailbox()):
        waiting = asyncio.create_task(both.stand())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        channels.released.set()
        async with asyncio.timeout(PATIENCE / 2):
            await waiting
    await both.close()


async def test_a_watch_the_runtime_lacks_is_not_waited_for_and_one_that_breaks_is() -> None:
    channels = Channels()
    channels.faults = {"WatchSignals": [RuntimeUnsupported()], "WatchSessions": [RuntimeUnavailable()] * 3}
    channels.released.set()
    both = watching(channels)
    with both.delivering("s", Mailbox()):
        async with asyncio.timeout(PATIENCE / 2):
            await both.stand()
        assert channels.faults == {"WatchSignals": [], "WatchSessions": []}
    await both.close()


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "STAND_S", 0.01)
    both = watching(Channels())
    with both.delivering("s", Mailbox()):
        await both.stand()
    await both.close()


async def test_a_signal_reaches_the_session_it_is_correlated_to_and_what_matches_none_is_counted() -> None:
    channels = Channels()
    channels.released.set()
    both, mailbox = watching(channels), Mailbox()
    with both.delivering("s", mailbox):
        for correlation in ("other", "", "s"):
            channels.frames.put_nowait(signal(correlation))
        async with asyncio.timeout(PATIENCE):
            post = await mailbox.take()
    await both.close()

    [heard] = post.asides
    assert isinstance(heard.body, Envelope)
    assert heard.source_id == "amb:ann:m"
    assert both.unmatched == 2
