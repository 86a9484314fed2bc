"""The three clocks as pure functions: what moves them, by how much, and that nothing else does (A13, L06, I20)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.domain import deadlines
from runs.domain.endings import EndingCode
from runs.domain.events import (
    Ack,
    Envelope,
    InlineError,
    Observation,
    ObservationKind,
    SessionSnapshot,
    SessionState,
    StreamStatus,
    Undecodable,
)

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GRACE_MS = 30_000

BODIES = {
    ObservationKind.ENVELOPE: Envelope(
        mode="m", message_type="Note", message_id="1", session_id="s", sender="a", payload=b""
    ),
    ObservationKind.AMBIENT: Envelope(
        mode="m", message_type="Progress", message_id="2", session_id="s", sender="a", payload=b""
    ),
    ObservationKind.UNDECODABLE: Undecodable(reason="garbage"),
    ObservationKind.ACK: Ack(ok=True, message_id="3", session_id="s"),
    ObservationKind.INLINE_ERROR: InlineError(code="X", message="x"),
    ObservationKind.SNAPSHOT: SessionSnapshot(session_id="s", state=SessionState.OPEN),
    ObservationKind.LIFECYCLE: SessionSnapshot(session_id="s", state=SessionState.SUSPENDED),
    ObservationKind.STREAM_STATUS: StreamStatus(status="opened"),
}


@pytest.mark.parametrize("kind", list(ObservationKind))
def test_only_what_a_session_itself_says_is_progress(kind: ObservationKind) -> None:
    said = {ObservationKind.ENVELOPE, ObservationKind.AMBIENT, ObservationKind.UNDECODABLE}
    assert deadlines.is_progress(Observation(kind=kind, body=BODIES[kind])) is (kind in said)


def test_the_binding_ends_admission_and_starts_the_other_two() -> None:
    clocks = deadlines.bound(NOW, ttl_ms=60_000, grace_ms=GRACE_MS, progress_timeout_ms=5_000)
    assert clocks == {
        "admission_deadline": None,
        "progress_deadline": NOW + 5 * SECOND,
        "hard_deadline": NOW + 90 * SECOND,
    }


def test_zero_switches_the_progress_clock_off_for_good() -> None:
    assert deadlines.bound(NOW, ttl_ms=1, grace_ms=0, progress_timeout_ms=0)["progress_deadline"] is None
    assert deadlines.progressed(NOW, deadline=None, progress_timeout_ms=0) == {}
    assert deadlines.resumed(NOW, since=NOW - SECOND, hard=NOW, progress=None)["progress_deadline"] is None


@given(st.integers(0, 10_000_000), st.integers(1, 86_400_000))
def test_progress_is_written_only_where_it_moves_the_deadline_by_more_than_a_second(
    elapsed_us: int, timeout_ms: int
) -> None:
    deadline = NOW + timedelta(milliseconds=timeout_ms)
    moved = deadlines.progressed(
        NOW + timedelta(microseconds=elapsed_us), deadline=deadline, progress_timeout_ms=timeout_ms
    )
    if elapsed_us > 1_000_000:
        assert moved == {"progress_deadline": deadline + timedelta(microseconds=elapsed_us)}
    else:
        assert moved == {}


def test_each_clock_has_a_code_of_its_own() -> None:
    assert deadlines.CODE_OF_CLOCK == {
        "admission": EndingCode.NEVER_STARTED,
        "progress": EndingCode.PROGRESS_TIMEOUT,
        "hard": EndingCode.RUN_TIMEOUT,
    }


@dataclass
class Clocks:
    """A run's clocks as the recorder keeps them, and beside them the arithmetic of the design."""

    ttl_ms: int
    timeout_ms: int
    now: datetime = NOW
    row: dict[str, Any] = field(default_factory=dict)
    paused: timedelta = timedelta()  # in all
    paused_since_progress: timedelta = timedelta()
    progressed_at: datetime = NOW

    def __post_init__(self) -> None:
        self._take(
            deadlines.bound(NOW, ttl_ms=self.ttl_ms, grace_ms=GRACE_MS, progress_timeout_ms=self.timeout_ms),
            {"admission_deadline", "progress_deadline", "hard_deadline"},
        )
        self.row["suspended_at"] = self.row["hard_deadline_awake"] = None

    @property
    def is_suspended(self) -> bool:
        return self.row["suspended_at"] is not None

    def say(self) -> None:
        if self.is_suspended:
            return
        deadline = self.row["progress_deadline"]
        moved = deadlines.progressed(self.now, deadline=deadline, progress_timeout_ms=self.timeout_ms)
        self._take(moved, {"progress_deadline"})
        if moved:
            self.progressed_at, self.paused_since_progress = self.now, timedelta()

    def suspend(self) -> None:
        if not self.is_suspended:
            moved = deadlines.suspended(self.now, hard=self.row["hard_deadline"], grace_ms=GRACE_MS)
            self._take(moved, {"suspended_at", "hard_deadline_awake", "hard_deadline"})

    def resume(self) -> None:
        if not self.is_suspended:
            return
        pause = self.now - self.row["suspended_at"]
        self.paused += pause
        self.paused_since_progress += pause
        moved = deadlines.resumed(
            self.now,
            since=self.row["suspended_at"],
            hard=self.row["hard_deadline_awake"],
            progress=self.row["progress_deadline"],
        )
        self._take(moved, {"suspended_at", "hard_deadline_awake", "hard_deadline", "progress_deadline"})

    def _take(self, moved: Mapping[str, object], allowed: set[str]) -> None:
        assert set(moved) <= allowed  # it should touch no other clock
        self.row.update(moved)

    def check(self) -> None:
        ttl = timedelta(milliseconds=self.ttl_ms + GRACE_MS)
        if self.is_suspended:
            most = deadlines.MAX_SUSPENSION + timedelta(milliseconds=GRACE_MS)
            assert self.row["hard_deadline"] == self.row["suspended_at"] + most
            assert self.row["hard_deadline_awake"] == NOW + ttl + self.paused
        else:
            # It should be the old value plus the suspended time, whatever was said in between.
            assert self.row["hard_deadline"] == NOW + ttl + self.paused
        if self.timeout_ms == 0:
            assert self.row["progress_deadline"] is None
        else:
            timeout = timedelta(milliseconds=self.timeout_ms)
            assert self.row["progress_deadline"] == self.progressed_at + timeout + self.paused_since_progress


steps = st.lists(st.tuples(st.sampled_from(["say", "suspend", "resume"]), st.integers(0, 10_000_000)), max_size=40)


@given(st.integers(1, 86_400_000), st.sampled_from([0, 1, 500, 60_000]), steps)
def test_whatever_happens_only_suspension_moves_the_hard_deadline_and_by_what_it_took(
    ttl_ms: int, timeout_ms: int, story: list[tuple[str, int]]
) -> None:
    clocks = Clocks(ttl_ms=ttl_ms, timeout_ms=timeout_ms)
    for step, elapsed_us in story:
        clocks.now += timedelta(microseconds=elapsed_us)
        getattr(clocks, step)()
        clocks.check()


@pytest.mark.parametrize("clock", ["admission", "hard"])
@pytest.mark.parametrize(("grace_ms", "seconds"), [(30_000, 30), (0, 1)])
def test_a_suspended_session_past_a_deadline_is_asked_for_again_and_not_at_once(
    clock: str, grace_ms: int, seconds: int
) -> None:
    moved = deadlines.asked_again(NOW, clock=clock, grace_ms=grace_ms)
    assert moved == {f"{clock}_deadline": NOW + seconds * SECOND}
