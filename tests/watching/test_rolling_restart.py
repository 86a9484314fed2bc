"""A deployment restarts one web process after the other under a thousand streams: every log is complete (S09)."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from runs.streaming.log import page_after
from tests.integration.runs.conftest import append, end, store_run
from tests.watching.web import KEY, WebProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]
STREAMS, RUNS = 1_000, 10
CONNECTS_AT_ONCE = 50


class Watcher:
    """One subscriber: it comes back with its cursor, to whichever process is next, until it was told the end."""

    def __init__(self, run_id: UUID, ports: Sequence[int], gate: asyncio.Semaphore) -> None:
        self.run_id, self._ports, self._gate = run_id, ports, gate
        self.seqs: list[int] = []
        self.connections = 0

    async def watch(self) -> None:
        """The whole log has been read."""
        turn = self.run_id.int
        while not await self._connect(self._ports[turn % len(self._ports)]):
            turn += 1

    async def _connect(self, port: int) -> bool:
        """True once it was told the end."""
        try:
            async with self._gate:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(self._request())
                status = await reader.readline()
                self.connections += 1
        except OSError:
            await asyncio.sleep(0.2)
            return False
        try:
            if status.startswith(b"HTTP/1.1 204"):
                return True
            return await self._read(reader) if status.startswith(b"HTTP/1.1 200") else False
        except (OSError, asyncio.IncompleteReadError):
            return False
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> bool:
        while line := await reader.readline():
            if line.startswith(b"id: "):
                self.seqs.append(int(line[4:]))
            elif line == b"event: end\n":
                return True
        return False

    def _request(self) -> bytes:
        cursor = self.seqs[-1] if self.seqs else 0
        path = f"/runs/{self.run_id}/stream?afterSeq={cursor}&includeSnapshot=false"
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()


def test_every_stream_has_its_whole_log_after_a_rolling_restart_s09(web: WebProcess) -> None:
    other = WebProcess()
    runs = [store_run() for _ in range(RUNS)]
    ports = [web.port, other.port]

    async def story() -> list[Watcher]:
        gate = asyncio.Semaphore(CONNECTS_AT_ONCE)
        watchers = [Watcher(runs[number % RUNS].id, ports, gate) for number in range(STREAMS)]
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            for watcher in watchers:
                group.create_task(watcher.watch())
            await _all_are_connected(watchers)
            for process in (web, other):
                await asyncio.to_thread(_write_to_all)
                await asyncio.to_thread(process.restart)
                await asyncio.to_thread(_write_to_all)
            await asyncio.to_thread(_end_all)
        return watchers

    def _write_to_all() -> None:
        for run in runs:
            append(run, 5)

    def _end_all() -> None:
        for run in runs:
            end(run)

    try:
        watchers = asyncio.run(story())
    finally:
        other.end()
    lengths = {run.id: page_after(run.id, 0).last_seq for run in runs}
    assert all(watcher.seqs == list(range(1, lengths[watcher.run_id] + 1)) for watcher in watchers)
    assert sum(watcher.connections for watcher in watchers) >= 2 * STREAMS


async def _all_are_connected(watchers: Sequence[Watcher]) -> None:
    while not all(watcher.connections for watcher in watchers):
        await asyncio.sleep(0.05)
