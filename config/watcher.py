"""The last one out: a tiny process that leaves no orphan behind, even when its owner is killed with SIGKILL.

The owner tells it over a pipe which processes live. However the owner dies, the kernel closes the pipe; the watcher
sees the end of the file and stops what is left. A parent-death signal would not do: it does not survive a change of
uid and does not exist on macOS.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypedDict

from config.process_identity import ProcessIdentity

Kind = Literal["group", "postgres"]

_PROJECT = Path(__file__).resolve().parent.parent
_GROUP_PATIENCE_S = 5.0
_FAST_SHUTDOWN_PATIENCE_S = 5.0
_IMMEDIATE_SHUTDOWN_PATIENCE_S = 3.0


class Line(TypedDict):
    """One line on the pipe: a process to watch, or one to forget."""

    watch: bool
    kind: Kind
    pid: int
    started: str


class Watcher:
    """The owner's end of the pipe."""

    def __init__(self) -> None:
        self._watched: dict[ProcessIdentity, Kind] = {}
        self._held: tuple[int, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the watching process; None before `start` and after `close`."""
        return self._process.pid if self._process else None

    def start(self, *, hold: Sequence[int] = ()) -> None:
        """A watcher runs in a session of its own and shares the open files `hold` until it ends."""
        self._held = (*self._held, *hold)
        self._spawn()

    def ensure(self) -> bool:
        """The watcher lives; True when it had been killed and another one was told everything."""
        if self._process is None or self._process.poll() is None:
            return False
        self._spawn()
        return True

    def watch(self, process: ProcessIdentity, kind: Kind) -> None:
        """The process (`group`: with the group it leads) will not outlive this one for long."""
        self._watched[process] = kind
        self._tell(process, kind, watch=True)

    def forget(self, process: ProcessIdentity) -> None:
        """The process has ended and is the watcher's business no more."""
        kind = self._watched.pop(process, None)
        if kind is not None:
            self._tell(process, kind, watch=False)

    def close(self) -> None:
        """The watcher has ended, after stopping whatever was still watched."""
        if self._process is None:
            return
        assert self._process.stdin is not None, "opened with a pipe"
        self._process.stdin.close()
        self._process.wait()
        self._process = None

    def _spawn(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "config.watcher"],
            cwd=_PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            pass_fds=self._held,
        )
        for process, kind in self._watched.items():
            self._tell(process, kind, watch=True)

    def _tell(self, process: ProcessIdentity, kind: Kind, *, watch: bool) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None, "opened with a pipe"
        line = Line(watch=watch, kind=kind, pid=process.pid, started=process.started)
        try:
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
        except BrokenPipeError:
            self._process.wait()
            self._spawn()


def stop_all(watched: dict[ProcessIdentity, Kind]) -> None:
    """Everything watched is dead: first the groups, then PostgreSQL, each asked politely before it is killed.

    The leader of a group is asked alone: it knows in which order its own children have to end.
    """
    groups = [process for process, kind in watched.items() if kind == "group"]
    for process in groups:
        process.send(signal.SIGTERM)
    _wait(lambda: not any(process.is_alive for process in groups), _GROUP_PATIENCE_S)
    for process in groups:
        process.send_to_group(signal.SIGKILL)
    for process, kind in watched.items():
        if kind == "postgres":
            stop_postgres(process)


def stop_postgres(
    server: ProcessIdentity,
    *,
    fast_s: float = _FAST_SHUTDOWN_PATIENCE_S,
    immediate_s: float = _IMMEDIATE_SHUTDOWN_PATIENCE_S,
) -> None:
    """The server is dead: fast shutdown (SIGINT), then immediate (SIGQUIT), then killed."""
    for number, patience in ((signal.SIGINT, fast_s), (signal.SIGQUIT, immediate_s), (signal.SIGKILL, 1.0)):
        server.send(number)
        if _wait(lambda: not server.is_alive, patience):
            return


def _wait(done: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _serve() -> None:
    # Whoever stops the whole service signals the watcher too, yet its work begins only when its owner is gone.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched: dict[ProcessIdentity, Kind] = {}
    for text in sys.stdin:
        line: Line = json.loads(text)
        process = ProcessIdentity(line["pid"], line["started"])
        if line["watch"]:
            watched[process] = line["kind"]
        else:
            watched.pop(process, None)
    stop_all(watched)
    os._exit(0)


if __name__ == "__main__":
    _serve()
