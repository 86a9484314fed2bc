"""What must be in the rows of one run, told from what has happened to it by nothing but the promises."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from runs.domain.events import Envelope, Observation, ObservationKind, SessionSnapshot, SessionState
from tests.run_machine.runtime import Mood, SessionAtRuntime

PROGRESS = frozenset({ObservationKind.ENVELOPE, ObservationKind.AMBIENT, ObservationKind.UNDECODABLE})
CODES_OF_CLOCKS = {"admission": "never_started", "progress": "progress_timeout", "hard": "run_timeout"}
DEADLINES = frozenset({*CODES_OF_CLOCKS.values(), "runtime_unreachable"})
OUTCOMES = {
    SessionState.RESOLVED: "resolved",
    SessionState.EXPIRED: "session_expired",
    SessionState.CANCELLED: "session_cancelled",
}
STATUSES = {"resolved": "completed", "session_cancelled": "cancelled", "cancelled": "cancelled"}
TRIES = 5

Content = tuple[object, ...]
Identity = tuple[str, Content]


@dataclass(frozen=True)
class Ended:
    """How a run has ended: the code of its certificate, who decided, and what could not be read (None: nothing)."""

    code: str
    by: str
    missing_after: int | None = None
    runtime_state: str | None = None

    @property
    def status(self) -> str:
        """The status a run has for ever."""
        return STATUSES.get(self.code, "failed")


@dataclass
class ExpectedRun:
    """One run. `raw` are its observations in order, by kind and source id; `late` what was kept apart, and why."""

    id: UUID
    session: SessionAtRuntime
    opener: str
    has_progress_clock: bool
    names_admission: bool
    is_delegated: bool
    status: str = "queued"
    epoch: int = 0
    owner: int | None = None
    attempts: int = 0
    is_sent: bool = False
    is_acked: bool = False
    raw: list[tuple[str, str | None]] = field(default_factory=list)
    known: dict[str, Content] = field(default_factory=dict)
    late: dict[Identity, str] = field(default_factory=dict)
    cursor: int = 0
    unreadable: int = 0
    session_state: str | None = None
    is_committed: bool = False
    wanted_through: str | None = None
    ended: Ended | None = None
    past: set[str] = field(default_factory=set)
    was_past_awake: bool = False
    cleanup: str | None = None
    cleanup_tries: int = 0
    cleanup_is_due: bool = False
    moved: set[str] = field(default_factory=set)

    # --- what is heard

    def hears(self, batch: Iterable[Observation]) -> None:
        """The batch was recorded: what is new is in the log, what contradicts it is kept apart."""
        for one in batch:
            content = content_of(one)
            if one.source_id is not None and one.source_id in self.known:
                if self.known[one.source_id] != content:
                    self.late.setdefault((one.source_id, content), "conflict")
                continue
            if one.source_id is not None:
                self.known[one.source_id] = content
            self.raw.append((one.kind.value, one.source_id))
            self._learns(one)

    def _learns(self, one: Observation) -> None:
        if one.kind in PROGRESS:
            self.attempts = 0
            if self.has_progress_clock and self.status != "suspended":
                self.past.discard("progress")
                self.moved.add("progress")
        self.cursor += one.kind == ObservationKind.ENVELOPE
        self.unreadable += one.kind == ObservationKind.UNDECODABLE
        if isinstance(one.body, Envelope):
            self.is_committed |= one.body.message_type == "Commitment"
        if isinstance(one.body, SessionSnapshot):
            self._learns_state(one.body.state)

    def _learns_state(self, state: SessionState) -> None:
        if state == self.session_state or self.session_state in OUTCOMES:
            return
        self.session_state = state.value
        if state == SessionState.SUSPENDED and self.status == "running":
            self.suspends()
        elif state == SessionState.OPEN and self.status == "suspended":
            self.resumes()

    def keeps_apart(self, lines: Iterable[Observation]) -> None:
        """The lines came after the ending: none is in the log, and what the log does not hold is kept."""
        told: dict[str, Content] = dict(self.known)
        for one in lines:
            if one.source_id is None:
                continue
            content = content_of(one)
            if one.source_id not in told:
                told[one.source_id] = content
                self.late.setdefault((one.source_id, content), "after_ending")
            elif told[one.source_id] != content:
                self.late.setdefault((one.source_id, content), "conflict")

    # --- where it is

    def is_taken(self, owner: int, *, from_the_dead: bool) -> None:
        """It has a new owner, under the next epoch."""
        if self.epoch == 0 and self.status == "queued" and not self.names_admission:
            self.past.discard("admission")
            self.moved.add("admission")
        self.epoch += 1
        self.owner = owner
        self.attempts += from_the_dead

    def binds(self) -> None:
        """Its session is bound: admission is over, the other clocks begin."""
        self.status = "binding_session"
        self.session_state = SessionState.OPEN.value
        self.is_acked = True
        self.past.clear()
        self.moved |= set(CODES_OF_CLOCKS)

    def runs(self) -> None:
        """Its kickoff is done."""
        self.status = "running"
        if self.session_state == SessionState.SUSPENDED:
            self.suspends()
        else:
            self.session_state = SessionState.OPEN.value

    def suspends(self) -> None:
        """It stands still, and so do its clocks; it may be suspended for long."""
        self.status = "suspended"
        self.was_past_awake = "hard" in self.past
        self.past.discard("hard")
        self.moved.add("hard")

    def resumes(self) -> None:
        """It goes on with the clocks it had."""
        self.status = "running"
        if self.was_past_awake:
            self.past.add("hard")
        else:
            self.past.discard("hard")
        self.moved |= {"hard", "progress"}

    @property
    def due(self) -> str | None:
        """The clock that is to end the run at the next sweep."""
        if self.ended is not None:
            return None
        if "admission" in self.past:
            return "admission"
        if "hard" in self.past:
            return "hard"
        return "progress" if "progress" in self.past and self.status != "suspended" else None

    # --- how it ends

    def is_settled(self, code: str, by: str, *, asked: SessionAtRuntime) -> None:
        """Somebody wanted to end it with `code`; its runtime was asked, where there may be a session, and preferred."""
        may_have_session = self.is_sent or (self.opener == "agent" and self.status != "queued")
        may_be_theirs = self.is_sent and not self.is_acked
        if not may_have_session:
            self.ends(code, by)
        elif asked.fault is not None:
            self._ends_without_answer(code, by, is_gone=asked.is_unknown)
        elif may_be_theirs and asked.mood is Mood.COMPACTED:  # nobody can say whose it is
            self._ends_without_answer(code, by, is_gone=False)
        elif may_be_theirs and asked.is_theirs:
            self.ends(code, by, is_theirs=True)
        elif asked.is_over:
            self._ends_as_told(asked)
        elif asked.state == SessionState.SUSPENDED and code in DEADLINES:
            self._is_found_suspended(asked)
        else:
            self.ends(code, by)

    def _ends_without_answer(self, code: str, by: str, *, is_gone: bool) -> None:
        if not is_gone or code == "never_started" or not self.is_acked:
            self.ends(code, by, is_gone=is_gone)
        elif self.is_committed:
            self.ends("resolved", "observer", is_gone=True)
        else:
            self.ends("session_lost", by, is_gone=True)

    def _ends_as_told(self, asked: SessionAtRuntime) -> None:
        """Its session is over: what that had left to say is in the log, as far as it is replayed."""
        if asked.mood is not Mood.COMPACTED:
            self.hears(asked.missing_after(self.cursor))
        missing = self.cursor if self.cursor + self.unreadable < len(asked.lines) else None
        self.hears([asked.now()])
        self.ends(OUTCOMES[asked.state], "runtime", missing_after=missing, runtime_state=asked.state.value)

    def _is_found_suspended(self, asked: SessionAtRuntime) -> None:
        if self.status == "suspended":
            self.past.discard("hard")
            self.moved.add("hard")
        else:
            self.hears([asked.now()])
            if self.status != "suspended":
                self.suspends()

    def ends(
        self,
        code: str,
        by: str,
        *,
        missing_after: int | None = None,
        is_gone: bool = False,
        is_theirs: bool = False,
        runtime_state: str | None = None,
    ) -> None:
        """It has ended, as whoever wanted to cancel it wants it unless it was over by itself before."""
        is_over = runtime_state is not None
        if self.wanted_through is not None and code not in ("resolved", "session_expired"):
            code, by = "cancelled", self.wanted_through
        ours = self.is_sent or (
            self.opener == "agent" and self.is_delegated and self.status not in ("queued", "starting")
        )
        if ours and not (is_over or is_theirs or (is_gone and self.is_acked)):
            self.cleanup, self.cleanup_is_due = "pending", True
        self.ended = Ended(code, by, missing_after, runtime_state)
        self.status = self.ended.status

    def is_cleaned_up(self) -> None:
        """A sweep has tried to cancel what the run left behind."""
        self.cleanup_is_due = False
        self.cleanup_tries += 1
        is_ours = self.is_acked or self.session.mood is not Mood.COMPACTED  # else nobody can say whose it is
        may_still_come = not self.is_acked and self.cleanup_tries == 1
        if (self.session.is_unknown and not may_still_come) or (self.session.fault is None and is_ours):
            self.cleanup = "done"
        elif self.cleanup_tries >= TRIES:
            self.cleanup = "failed"
        if self.session.mood is Mood.ANSWERS and self.session.exists and not self.session.is_theirs:
            self.keeps_apart(self.session.missing_after(self.cursor))


def content_of(one: Observation) -> Content:
    """What must be the same for two observations to be the same."""
    if isinstance(one.body, Envelope):
        return (one.body.mode, one.body.message_type, one.body.sender, one.body.payload)
    return (one.raw,)


def oldest_first(runs: Sequence[ExpectedRun]) -> list[ExpectedRun]:
    """In the order in which they were created."""
    return sorted(runs, key=lambda run: run.id)
