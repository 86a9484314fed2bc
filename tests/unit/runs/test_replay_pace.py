"""The pace of any log at any speed, by a clock that nobody has to wait for."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast
from uuid import uuid4

import orjson
import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.domain.documents import iso
from runs.domain.replays import FASTEST, MODES, SLOWEST, TIMED, Part, Replay, pause_ms
from runs.streaming import replay
from runs.streaming.frame import Frame
from runs.streaming.log import LogEntry, Page
from runs.streaming.recording import Recording
from tests.timed_log import BEGUN_AT
from tests.watch import Watch

TOLERANCE_S = 1e-6  # of sums of floats


class Log:
    """Answers for the rows: pages of events that happened at `times`, and the end."""

    def __init__(self, times: list[datetime]) -> None:
        self._entries = [
            LogEntry(
                "message.received",
                Frame("canonical_event", orjson.dumps({"seq": seq, "ts": iso(time), "data": {"ts": None}}), seq),
            )
            for seq, time in enumerate(times, start=1)
        ]

    async def rows(self, read: Callable[..., object], *args: object, limit: int = 0) -> object:
        """What would be read from the database."""
        if read is replay.last_words:
            return {"status": "running", "seq": len(self._entries)}
        after = cast(int, args[1])
        entries = tuple(self._entries[after : after + limit])
        return Page(entries, len(self._entries), None, datetime.now(UTC))


async def played(log: Log, last: int, asked: Replay) -> list[tuple[float, int | str]]:
    """When which frame is sent."""
    recording = Recording(uuid4(), Part(0, last), "running", last, None)
    watch = Watch()
    return [
        (watch.time, frame.id or frame.event)
        async for burst in replay.replayed(recording, asked, watch)
        for frame in burst
    ]


moments = st.integers(0, 86_400_000).map(lambda ms: BEGUN_AT + timedelta(milliseconds=ms))
logs = st.lists(moments, min_size=1, max_size=12)


@settings(deadline=None)
@given(
    times=logs | logs.map(sorted),
    mode=st.sampled_from(MODES),
    speed=st.floats(SLOWEST, FASTEST),
    page=st.integers(1, 5),
    longest_ms=st.integers(0, 60_000),
    heartbeat_ms=st.integers(1_000, 45_000),
)
def test_every_event_comes_once_in_order_and_none_too_late_or_too_soon(
    times: list[datetime], mode: str, speed: float, page: int, longest_ms: int, heartbeat_ms: int
) -> None:
    log = Log(times)
    limits = {"REPLAY_BATCH_SIZE": page, "REPLAY_MAX_DELAY_MS": longest_ms, "STREAM_SSE_HEARTBEAT_MS": heartbeat_ms}
    asked = Replay(mode=mode, speed=speed)
    with pytest.MonkeyPatch.context() as patch, override_settings(**limits, STREAM_MAX_AGE_S=10**9):
        patch.setattr(replay, "bridge", SimpleNamespace(rows=log.rows))
        sent = asyncio.run(played(log, len(times), asked))

    events = [(at, told) for at, told in sent if told != "heartbeat"]
    assert [told for _, told in events] == [*range(1, len(times) + 1), "end"]

    waits = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(events)]
    assert all(0 <= wait <= longest_ms / 1000 + TOLERANCE_S for wait in waits)
    pauses = [pause_ms(asked, *pair, longest_ms=longest_ms) / 1000 for pair in itertools.pairwise(times)]
    assert waits == pytest.approx([*pauses, 0.0], abs=TOLERANCE_S)
    assert mode == TIMED or not any(waits)

    silences = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(sent)]
    assert all(silence <= heartbeat_ms / 1000 + TOLERANCE_S for silence in silences)
