"""A runtime in a process of its own, however it is started: free port, start, kill, stop."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from select import select

from tests.stand_in_runtime.control import tell

PATIENCE = 10.0
ROOT = Path(__file__).parent.parent


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


class Child:
    """A started process in its own group; `kill` is a crash, `stop` is polite, and both return when it is gone."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def line(self) -> str:
        """The next line the process prints; raises AssertionError if it prints none in time."""
        assert self.process.stdout is not None
        ready, _, _ = select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline().decode().strip() if ready else ""
        assert line, "the process said nothing"
        return line

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class StandInRuntime:
    """The stand-in of tests/stand_in_runtime, started with its own command line (`--events 500`, `--fault drop@3`)."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self.port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """It listens: on a free port the first time, on the same one ever after."""
        command = [sys.executable, "-m", "tests.stand_in_runtime", "--port", str(self.port), *self._options]
        self.child = Child(command)
        self.port = int(self.child.line())

    def restart(self) -> None:
        """Killed and started again on the same port with the same command line."""
        self.child.kill()
        self.start()

    def freeze(self) -> None:
        """It answers nothing more; connections stay, and new ones are taken by the system for it."""
        self.child.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was."""
        self.child.process.send_signal(signal.SIGCONT)

    def fault(self, name_at_n: str) -> None:
        """One more fault is to happen."""
        tell(self.address, f"fault {name_at_n}")

    def forget(self) -> int:
        """Every session is gone; returns how many there were."""
        return int(tell(self.address, "forget"))

    def states(self) -> dict[str, int]:
        """The state of every session, by its number in the protocol."""
        answer: dict[str, int] = tell(self.address, "states")
        return answer

    def seen(self) -> dict[str, dict[str, int]]:
        """How it was called: `calls` by RPC, and `peaks`, the most that waited for an answer at once."""
        answer: dict[str, dict[str, int]] = tell(self.address, "seen")
        return answer

    def stop(self) -> None:
        self.child.stop()
