"""One process of a playing: a command of ours, what it says in a file, and whether it is to die at a crash point."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.crash_matrix.stage import ROOT

PATIENCE_SECONDS = 10.0
LAST_LINES = 15


class Process:
    """A started command in a session of its own. `role` is what the story calls it."""

    def __init__(
        self, role: str, command: tuple[str, ...], environment: Mapping[str, str], folder: Path, *, is_armed: bool
    ) -> None:
        self.role = role
        self.command = command
        self.environment = environment
        self.is_armed = is_armed
        self._output = folder / f"{role.replace(' ', '-')}.{len(list(folder.iterdir()))}.log"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, *command],
                cwd=folder,  # not the project's folder, where a developer may keep a .env
                env={**environment, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def status(self) -> int | None:
        """The exit status; None while it lives."""
        return self._process.poll()

    @property
    def was_killed(self) -> bool:
        """True once it was ended by SIGKILL."""
        return self.status == -signal.SIGKILL

    def ask_to_stop(self) -> None:
        """SIGTERM was sent and the process has ended, by itself or by force."""
        if self.status is None:
            self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Gone at once."""
        self._process.kill()
        self._process.wait(PATIENCE_SECONDS)

    def answer(self) -> dict[str, object]:
        """The document it printed; `{status: none}` if it ended without one."""
        printed = [
            line for line in self._output.read_text(errors="replace").splitlines() if line.startswith('{"status"')
        ]
        document: dict[str, object] = json.loads(printed[-1]) if printed else {"status": "none"}
        return document

    def last_words(self) -> str:
        """What it said last."""
        lines = self._output.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join(f"    {self.role} | {line}" for line in lines)
