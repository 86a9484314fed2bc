"""The state of a run as streams show it: read once for everybody who wants it at about the same time."""

import time
from uuid import UUID

from runs import bridge
from runs.streaming.sharing import SharedReadings
from runs.streaming.standing import Snapshot, snapshot_of

KEPT_SECONDS = 5.0


class SharedSnapshots:
    """The latest state of one run; whoever asks while it is read waits for the same reading."""

    def __init__(self, run_id: UUID) -> None:
        self._run_id = run_id
        self._latest: Snapshot | None = None
        self._read_at = 0.0  # monotonic
        self._readings: SharedReadings[None, Snapshot] = SharedReadings(self._read)

    async def get(self, *, at_least: int, age_s: float) -> Snapshot:
        """The state at event `at_least` or later, read at most `age_s` seconds ago. Raises RunNotFound."""
        latest = self._latest
        if latest is not None and latest.seq >= at_least and time.monotonic() - self._read_at <= age_s:
            return latest
        found = await self._readings.get(None)
        # That reading may have begun before the event was committed; the next one cannot.
        return found if found.seq >= at_least else await self._readings.get(None)

    async def _read(self, nothing: None) -> Snapshot:
        begun = time.monotonic()
        found = await bridge.rows(snapshot_of, self._run_id)
        self._latest, self._read_at = found, begun
        return found

    def forget(self) -> None:
        """Nobody was shown anything for a while: what is kept for the next one is not worth its memory."""
        if time.monotonic() - self._read_at > KEPT_SECONDS:
            self._latest = None

    def drop(self) -> None:
        """Nobody is left to be shown anything."""
        self._latest = None
        self._readings.drop()
