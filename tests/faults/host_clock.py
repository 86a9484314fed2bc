"""A host's clock that is wrong, and may be set while processes run: whoever is started with its environment believes it."""

import struct
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from runs.models import Event

CLOCK = Path(__file__).parent / "wrong_clock"


class HostClock:
    """Off by so many seconds, above 0 ahead of time; `set` takes effect at once. As a context manager it leaves no file."""

    def __init__(self, off_by_s: float = 0) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="clock-", buffering=0)  # noqa: SIM115 - see __exit__
        self.set(off_by_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def set(self, off_by_s: float) -> None:
        """From now on it is off by so much."""
        self._file.seek(0)
        self._file.write(struct.pack("d", off_by_s))

    @property
    def environment(self) -> dict[str, str]:
        """What a Python process on this host is started with."""
        return {"PYTHONPATH": str(CLOCK), "CLOCK_FILE": self._file.name}


def off_by_s(event: Event) -> float:
    """How wrong the clock was of the host that wrote this event: its id bears the host's time, `ts` the database's."""
    return _milliseconds(event.id) / 1000 - event.ts.timestamp()


def _milliseconds(uuid7: UUID) -> int:
    return uuid7.int >> 80
