"""The three clocks of a run, and the only ways in which they move.

admission  from creation until the session is bound; the first owner sets it anew unless the request named it
progress   from the binding, `progress_timeout_ms` after the last real observation; stands still while suspended; 0 = off
hard       set once, at the binding: the session's own time to live and a grace; only suspension moves it
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from runs.domain.endings import EndingCode
from runs.domain.events import Observation, ObservationKind

# How long a runtime lets a session be suspended in all, where SessionStart names nothing else, as ours does not.
MAX_SUSPENSION = timedelta(days=7)
# The progress deadline is a column of the hottest row: it is written only when it moves by more than this.
WORTH_WRITING = timedelta(seconds=1)

# What a session says. Answers to our own questions, our own notes and mere changes of state are no progress.
_PROGRESS = frozenset({ObservationKind.ENVELOPE, ObservationKind.AMBIENT, ObservationKind.UNDECODABLE})

Columns = Mapping[str, object]

CODE_OF_CLOCK = {
    "admission": EndingCode.NEVER_STARTED,
    "progress": EndingCode.PROGRESS_TIMEOUT,
    "hard": EndingCode.RUN_TIMEOUT,
}


def is_progress(observation: Observation) -> bool:
    """True if the session itself has said something, whatever it was."""
    return observation.kind in _PROGRESS


def bound(now: datetime, *, ttl_ms: int, grace_ms: int, progress_timeout_ms: int) -> Columns:
    """The clocks of a run whose session is bound: admission is over, progress and the hard deadline begin."""
    return {
        "admission_deadline": None,
        "progress_deadline": now + timedelta(milliseconds=progress_timeout_ms) if progress_timeout_ms else None,
        "hard_deadline": now + timedelta(milliseconds=ttl_ms + grace_ms),
    }


def progressed(now: datetime, *, deadline: datetime | None, progress_timeout_ms: int) -> Columns:
    """The progress deadline after a real observation; nothing where it would hardly move."""
    moved = now + timedelta(milliseconds=progress_timeout_ms)
    if not progress_timeout_ms or (deadline is not None and moved - deadline <= WORTH_WRITING):
        return {}
    return {"progress_deadline": moved}


def suspended(now: datetime, *, hard: datetime | None, grace_ms: int) -> Columns:
    """The clocks of a session that is suspended: as long as it may be, and a grace."""
    return {
        "suspended_at": now,
        "hard_deadline_awake": hard,
        "hard_deadline": now + MAX_SUSPENSION + timedelta(milliseconds=grace_ms),
    }


def resumed(now: datetime, *, since: datetime | None, hard: datetime | None, progress: datetime | None) -> Columns:
    """The clocks of a session that goes on, later by the time it was suspended; `hard` is what it was before."""
    pause = now - since if since is not None else timedelta()
    return {
        "suspended_at": None,
        "hard_deadline_awake": None,
        "hard_deadline": hard + pause if hard is not None else None,
        "progress_deadline": progress + pause if progress is not None else None,
    }


def asked_again(now: datetime, *, clock: str, grace_ms: int) -> Columns:
    """A session past this deadline that its runtime calls suspended, as its run cannot be, is asked for once more later."""
    return {f"{clock}_deadline": now + timedelta(milliseconds=max(grace_ms, 1_000))}
