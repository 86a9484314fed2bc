"""Who owns a folder: one flock, released by the kernel whatever kills its holder."""

import fcntl
import json
import os
import time
from pathlib import Path

from config.process_identity import ProcessIdentity


class AlreadyOwned(Exception):
    """Another living process owns the folder."""

    def __init__(self, path: Path, owner: ProcessIdentity | None) -> None:
        self.owner = owner
        by = f"process {owner.pid}" if owner else "another process"
        super().__init__(f"{path.parent} is already in use by {by}")


class OwnerLock:
    """The lock file of a folder; its text names the owner for whoever comes second.

    The watcher holds a copy of the open file, so the lock lasts until it has cleaned up after a killed owner.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    @property
    def descriptor(self) -> int:
        """The open lock file, to be handed to the watcher."""
        assert self._file is not None, "the lock is not held"
        return self._file

    def acquire(self, *, patience_s: float = 20.0) -> None:
        """This process owns the folder; raises AlreadyOwned at once when a living process does.

        Waits up to `patience_s` seconds when the owner is dead and its watcher still cleans up.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(file, deadline=time.monotonic() + patience_s)
        except BaseException:
            os.close(file)
            raise
        self._file = file

    def release(self) -> None:
        """Nobody owns the folder any more, as far as this process is concerned."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def owner(self) -> ProcessIdentity | None:
        """The living process that wrote its name into the lock file last, if any."""
        try:
            written = json.loads(self.path.read_text())
            named = ProcessIdentity(int(written["pid"]), str(written["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return named if named.is_alive else None

    def _take(self, file: int, *, deadline: float) -> None:
        while not _locked(file):
            owner = self.owner()
            if owner is not None or time.monotonic() > deadline:
                raise AlreadyOwned(self.path, owner)
            time.sleep(0.05)
        me = ProcessIdentity.of(os.getpid())
        assert me is not None, "a process can see itself"
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps({"pid": me.pid, "started": me.started}).encode(), 0)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
