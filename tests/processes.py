"""Real processes under test: commands with their output, and what is left of them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from config.process_identity import ProcessIdentity

PROJECT = Path(__file__).resolve().parent.parent
SMALL_SERVICE = "tests.small_service.settings"
_OF_THE_DEVELOPER = ("DATABASE_URL", "TEST_DATABASE_URL", "REDIS_URL")

_SMALL_SERVICE_ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": SMALL_SERVICE,
    # Given, so that none is generated and kept in a folder of the project.
    "SECRET_KEY": "for tests only",
    "PYTHONUNBUFFERED": "1",
}


def wait_until(condition: Callable[[], object], *, within_s: float, what: str = "it") -> None:
    """The condition holds; fails the test when it does not in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {within_s:g} s"
        time.sleep(0.02)


class ManageCommand:
    """`manage.py ...` as a process of its own, by default with the settings of the small service.

    In a copy of the project it runs in the folder of the copy.
    """

    def __init__(
        self, *arguments: str, environment: Mapping[str, str] | None = None, project: Path | None = None
    ) -> None:
        clean = {name: value for name, value in os.environ.items() if name not in _OF_THE_DEVELOPER}
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, str((project or PROJECT) / "manage.py"), *arguments],
            # Not the project's folder, where a developer may keep a .env.
            cwd=project or PROJECT / "tests",
            env=clean | _SMALL_SERVICE_ENVIRONMENT | dict(environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Signals of the terminal are not for it, and its group can be ended as a whole.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The pid of the command."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """True until it has ended, also while it is stopped."""
        return self._process.poll() is None

    def said(self, part: str) -> bool:
        """True when a line with this part stands in the output."""
        return any(part in line for line in tuple(self.lines))

    def wait_for_line(self, part: str, *, within_s: float = 30.0) -> str:
        """The first line with this part, once it came."""
        wait_until(lambda: self.said(part) or self._process.poll() is not None, within_s=within_s, what=repr(part))
        found = [line for line in tuple(self.lines) if part in line]
        assert found, f"{part!r} is not in the output:\n" + "\n".join(self.lines)
        return found[0]

    def send(self, number: signal.Signals) -> None:
        """The command, and nothing else, has been sent the signal."""
        self._process.send_signal(number)

    def wait(self, *, within_s: float) -> int:
        """The exit status."""
        status = self._process.wait(within_s)
        self._reader.join(5.0)
        return status

    def end(self) -> None:
        """The command has ended, by force if need be; what it started is its watcher's business."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None, "opened with a pipe"
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))


def processes_of(data: Path) -> dict[str, int]:
    """What DIR/processes.json says; empty while there is no file."""
    try:
        content = json.loads((data / "processes.json").read_text())
    except FileNotFoundError:
        return {}
    return {str(name): int(pid) for name, pid in content.items()}


def identities(pids: Iterable[int]) -> list[ProcessIdentity]:
    """The living processes with these pids; each must be alive."""
    found = {pid: ProcessIdentity.of(pid) for pid in pids}
    assert all(found.values()), f"dead: {[pid for pid, identity in found.items() if identity is None]}"
    return [identity for identity in found.values() if identity is not None]


def wait_until_dead(processes: Iterable[ProcessIdentity], *, within_s: float) -> None:
    """None of the processes lives any more."""
    watched = list(processes)
    wait_until(lambda: not any(process.is_alive for process in watched), within_s=within_s, what="the end of all")
