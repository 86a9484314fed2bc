"""The whole service as a child of the demo: started, waited for, stopped; never left behind."""

import asyncio
import contextlib
import errno
import os
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

from config.children import Child, ChildSpec
from config.watcher import Watcher

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
READY_WITHIN_S = 120  # a new data folder gets a database first
STOP_WITHIN_S = 15  # the supervisor promises ten
KEPT_LINES = 20


class ServiceFailed(Exception):
    """The service did not start, or ended by itself; the message holds its last lines."""


class Service:
    """`manage.py up` as a child. `url` is where it answers."""

    def __init__(self, data: Path, port: int, watcher: Watcher) -> None:
        command = [sys.executable, str(MANAGE), "up", "--data", str(data), "--port", str(port)]
        self._child = Child(ChildSpec("up", command, os.environ), watcher=watcher, say=self._hear, changed=_ignore)
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._ready = asyncio.get_running_loop().create_future()
        self._life: asyncio.Task[int] | None = None
        self.url = ""

    async def start(self) -> None:
        """It answers. Raises ServiceFailed."""
        self._life = asyncio.create_task(self._child.live())
        await asyncio.wait({self._life, self._ready}, timeout=READY_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done():
            raise ServiceFailed(self._last_words("did not start"))
        self.url = self._ready.result()

    async def ended(self) -> None:
        """Wait for its end, which nobody asked for: raises ServiceFailed."""
        assert self._life is not None, "started"
        await asyncio.wait({self._life})
        raise ServiceFailed(self._last_words("has ended"))

    async def stop(self) -> None:
        """It has ended with everything it started."""
        if self._life is None:
            return
        self._child.retire()
        _, late = await asyncio.wait({self._life}, timeout=STOP_WITHIN_S)
        for life in late:
            life.cancel()  # kills it; its own watcher stops what it started
            await asyncio.wait({life})

    def _hear(self, line: str) -> None:
        said = line.removeprefix("up | ")
        self._lines.append(said)
        if said.startswith("ready ") and not self._ready.done():
            self._ready.set_result(said.removeprefix("ready "))

    def _last_words(self, what: str) -> str:
        return "\n".join([f"the service {what}; it said last:", *(f"  {line}" for line in self._lines)])


@contextlib.asynccontextmanager
async def service_running(data: Path, port: int) -> AsyncIterator[Service]:
    """The service answers, and has ended afterwards. Raises ServiceFailed."""
    watcher = Watcher()
    watcher.start()
    try:
        service = Service(data, port, watcher)
        try:
            await service.start()
            yield service
        finally:
            await service.stop()
    finally:
        watcher.close()


async def staff_login(data: Path, name: str) -> str:
    """A new password of the member of staff `name`, who exists now. Raises ServiceFailed."""
    # A process of its own: this one began before there was a database to connect to.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(MANAGE), "staff_login", name),
        env=os.environ | {"SIGNALBOX_DATA": str(data)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise ServiceFailed(f"no staff login could be made: {errors.decode(errors='replace').strip()}")
    return out.decode().split()[-1]


def free_port(host: str, wanted: int) -> int:
    """`wanted` if it is free, else 0: any free one."""
    family, kind, _, _, where = socket.getaddrinfo(host, wanted, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE:
                raise
            return 0
    return wanted


def _ignore() -> None:
    """Nobody keeps a list of one child."""
