"""A process named so that it cannot be mistaken for a later one that got the same number."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A pid together with the moment its process started, in the system's own unit."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity | None":
        """The living process with this pid; None when there is none or only a zombie is left."""
        found = _state_and_start(pid)
        return None if found is None or found[0] == "Z" else cls(pid, found[1])

    @property
    def is_alive(self) -> bool:
        """True while this very process runs; a zombie is dead, and so is a successor with the same pid."""
        return ProcessIdentity.of(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """The process has been sent the signal, unless it is dead."""
        if self.is_alive:
            _deliver(os.kill, self.pid, number)

    def send_to_group(self, number: signal.Signals) -> None:
        """Every process of the group this one leads, or led, has been sent the signal."""
        found = _state_and_start(self.pid)
        # While members of the group live, the system gives its number to nobody else: a dead leader is no danger,
        # a stranger under its number means that the whole group is gone.
        if found is None or found[1] == self.started:
            _deliver(os.killpg, self.pid, number)


def command_name(pid: int) -> str:
    """The name of the program a process runs, without its folder; empty when it is gone."""
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return Path(_ps(pid, "comm")).name


def working_folder(pid: int) -> Path | None:
    """The folder a process works in; None where the system does not tell."""
    try:
        return (_PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None


def _state_and_start(pid: int) -> tuple[str, str] | None:
    if not (_PROC / "self" / "stat").exists():
        return _state_and_start_by_ps(pid)
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name in parentheses may itself hold spaces and parentheses, so count from the last one.
    fields = stat[stat.rindex(")") + 2 :].split()
    return fields[0], fields[19]


def _state_and_start_by_ps(pid: int) -> tuple[str, str] | None:
    state, _, started = _ps(pid, "stat,lstart").partition(" ")
    return (state[0], started.strip()) if state else None


def _ps(pid: int, columns: str) -> str:
    wanted = [argument for column in columns.split(",") for argument in ("-o", f"{column}=")]
    answer = subprocess.run(["ps", *wanted, "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return answer.stdout.strip()


def _deliver(send: Callable[[int, int], None], pid: int, number: signal.Signals) -> None:
    # Between the look and the signal the process may end: that is what was wanted.
    with contextlib.suppress(ProcessLookupError):
        send(pid, number)
