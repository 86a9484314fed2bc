"""The children of the supervisor: each leads a process group, speaks in prefixed lines and is started again."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from config.backoff import Backoff
from config.gate import GO, gated
from config.process_identity import ProcessIdentity
from config.watcher import Watcher

_CHUNK_BYTES = 65536
_BUFFER_BYTES = 65536
_LAST_WORDS_S = 1.0

Say = Callable[[str], None]


def say(line: str) -> None:
    """The line stands on standard output; a reader that went away is no reason to stop."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to start: a name for log lines and processes.json, a command and its environment."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


class _LeaderProtocol(asyncio.subprocess.SubprocessStreamProtocol):
    """Tells of the exit itself: `Process.wait` waits for the pipes, too, and what the child left behind holds them."""

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit, loop)
        self.exited: asyncio.Future[int] = loop.create_future()
        self._leader: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The child was started."""
        super().connection_made(transport)
        self._leader = cast(asyncio.SubprocessTransport, transport)

    def process_exited(self) -> None:
        """The child has ended; its exit status is known."""
        super().process_exited()
        status = self._leader.get_returncode() if self._leader else None
        if status is not None and not self.exited.done():
            self.exited.set_result(status)


class Child:
    """One child process after another, under one name."""

    def __init__(self, spec: ChildSpec, *, watcher: Watcher, say: Say, changed: Callable[[], None]) -> None:
        self.spec = spec
        self._watcher = watcher
        self._say = say
        self._changed = changed
        self._identity: ProcessIdentity | None = None
        self._retired = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The pid of the living process; None between two lives."""
        return self._identity.pid if self._identity else None

    async def live(self) -> int:
        """The child was started and has ended, with everything in its group; returns its exit status."""
        process, exited = await self._spawn()
        assert process.stdout is not None, "opened with a pipe"
        identity = self._announce(process.pid)
        echo = asyncio.create_task(self._echo(process.stdout))
        try:
            await self._open_gate(process)
            return await exited
        finally:
            # What the child started must not outlive it, nor hold its port or its end of the pipe.
            identity.send_to_group(signal.SIGKILL)
            self._withdraw(identity)
            await asyncio.wait({echo}, timeout=_LAST_WORDS_S)
            echo.cancel()

    async def live_again_and_again(self) -> None:
        """The child is started again, after a growing pause, whenever it ends; runs until it is retired."""
        backoff = Backoff()
        while not self._retired.is_set():
            began = time.monotonic()
            status = await self.live()
            pause = backoff.after_life_of(time.monotonic() - began)
            if not self._retired.is_set():
                self._say(f"{self.spec.name} | ended with {_reason(status)}; starting it again in {pause:g} s")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._retired.wait(), pause)

    def retire(self) -> None:
        """The child has been asked to end (SIGTERM) and will not be started again."""
        self._retired.set()
        self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """The child has been sent the signal; what it started is for it to end, in its own order (qcluster has one)."""
        if self._identity is not None:
            self._identity.send(number)

    def _announce(self, pid: int) -> ProcessIdentity:
        identity = ProcessIdentity.of(pid)
        assert identity is not None, "a child that waits at the gate is alive"
        self._identity = identity
        self._watcher.watch(identity, "group")
        self._changed()
        return identity

    def _withdraw(self, identity: ProcessIdentity) -> None:
        self._identity = None
        self._watcher.forget(identity)
        self._changed()

    async def _spawn(self) -> tuple[asyncio.subprocess.Process, "asyncio.Future[int]"]:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(
            lambda: _LeaderProtocol(_BUFFER_BYTES, loop),
            *gated(self.spec.command),
            env=self.spec.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        return asyncio.subprocess.Process(transport, protocol, loop), protocol.exited

    async def _open_gate(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None, "opened with a pipe"
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(GO)
            await process.stdin.drain()
        process.stdin.close()

    async def _echo(self, output: asyncio.StreamReader) -> None:
        rest = b""
        # Not readline(): it gives up on a line longer than its buffer.
        while chunk := await output.read(_CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._say(f"{self.spec.name} | {line.decode(errors='replace')}")
        if rest:
            self._say(f"{self.spec.name} | {rest.decode(errors='replace')}")


def _reason(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"
