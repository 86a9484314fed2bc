"""The supervisor behind `manage.py up`: starts the children, keeps them alive, says when they are ready, stops them."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from config.backoff import Backoff
from config.children import Child, ChildSpec, Say, say
from config.json_file import write_json
from config.postgres_cluster import PostgresFailed
from config.watcher import Watcher

STOP_WITHIN_S = 9.5
CHILDREN_PATIENCE_S = 6.5
DATABASE_RESERVE_S = 1.0
LOOK_EVERY_S = 0.5
READY_POLL_S = 0.1
PROCESSES_FILE = "processes.json"

log = logging.getLogger("signalbox.supervisor")


class PreparationFailed(Exception):
    """What has to be done before anything is served could not be done."""


class Database(Protocol):
    """The database server the supervisor looks after; None stands for one that somebody else runs."""

    @property
    def pid(self) -> int | None: ...
    def ensure_running(self) -> bool: ...
    @property
    def address(self) -> Mapping[str, object]: ...
    def stop(self, *, fast_s: float, immediate_s: float) -> None: ...


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """Where the web server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def near(self) -> str:
        """The host under which this machine reaches the listener."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104


class Supervisor:
    """Children of one kind each. `preparation` runs first, one after the other; each must succeed."""

    def __init__(
        self,
        *,
        data: Path,
        address: HttpAddress,
        preparation: Sequence[ChildSpec],
        children: Sequence[ChildSpec],
        database: Database | None,
        watcher: Watcher,
        say: Say = say,
    ) -> None:
        self._data = data
        self._address = address
        self._database = database
        self._watcher = watcher
        self._say = say
        self._preparation: list[Child] = []
        self._children: list[Child] = []
        self._preparation = [self._child(spec) for spec in preparation]
        self._children = [self._child(spec) for spec in children]

    async def run(self) -> None:
        """Everything ran until SIGINT or SIGTERM came and has ended, within 10 s of the signal.

        Raises PreparationFailed when nothing could be served; then too everything has ended.
        """
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        work = asyncio.create_task(self._work())
        stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            await self._stop_all(work)
        fault = None if work.cancelled() else work.exception()
        if fault is not None and not stopping.is_set():
            raise fault

    async def _work(self) -> None:
        for child in self._preparation:
            if await child.live() != 0:
                raise PreparationFailed(f"{child.spec.name} failed")
        async with asyncio.TaskGroup() as tasks:
            guards = [tasks.create_task(self._tell_when_ready()), tasks.create_task(self._look_after_watcher())]
            if self._database is not None:
                guards.append(tasks.create_task(self._look_after_database(self._database)))
            await asyncio.gather(*(child.live_again_and_again() for child in self._children))
            for guard in guards:
                guard.cancel()

    async def _tell_when_ready(self) -> None:
        while not await answers_ready(self._address):  # noqa: ASYNC110 - another process, it sets no event of ours
            await asyncio.sleep(READY_POLL_S)
        self._say(f"ready {self._address}")

    async def _look_after_watcher(self) -> None:
        while True:
            if self._watcher.ensure():
                log.error("the watcher died; started another one")
                self._write_processes()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look_after_database(self, database: Database) -> None:
        backoff = Backoff()
        while True:
            before, began = database.address, time.monotonic()
            try:
                if await asyncio.to_thread(database.ensure_running):
                    self._write_processes()
            except PostgresFailed as fault:
                log.error("%s", fault)
                await asyncio.sleep(backoff.after_life_of(time.monotonic() - began))
            if database.address != before:
                # Somebody took the port meanwhile: the children learn the new one by starting again.
                for child in self._children:
                    child.send(signal.SIGTERM)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _stop_all(self, work: "asyncio.Task[None]") -> None:
        began = time.monotonic()
        for child in (*self._preparation, *self._children):
            child.retire()
        await asyncio.wait({work}, timeout=CHILDREN_PATIENCE_S)
        work.cancel()
        await asyncio.wait({work})
        if self._database is not None:
            left = STOP_WITHIN_S - DATABASE_RESERVE_S - (time.monotonic() - began)
            await asyncio.to_thread(self._database.stop, fast_s=left, immediate_s=DATABASE_RESERVE_S / 2)
        (self._data / PROCESSES_FILE).unlink(missing_ok=True)

    def _child(self, spec: ChildSpec) -> Child:
        return Child(spec, watcher=self._watcher, say=self._say, changed=self._write_processes)

    def _write_processes(self) -> None:
        pids = {"supervisor": os.getpid(), "watcher": self._watcher.pid}
        if self._database is not None:
            pids["postgres"] = self._database.pid
        pids |= {child.spec.name: child.pid for child in (*self._preparation, *self._children)}
        write_json(self._data / PROCESSES_FILE, {name: pid for name, pid in pids.items() if pid is not None})


async def answers_ready(address: HttpAddress) -> bool:
    """True when GET /readyz answers 200 within two seconds."""
    try:
        async with asyncio.timeout(2.0):
            reader, writer = await asyncio.open_connection(address.near, address.port)
            try:
                host = f"Host: {address.near}:{address.port}"
                writer.write(f"GET /readyz HTTP/1.1\r\n{host}\r\nConnection: close\r\n\r\n".encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
