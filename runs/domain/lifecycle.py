"""The states of a run and the moves between them, written once.

docs/lifecycle.md is generated from `TRANSITIONS`; a test compares the two.
"""

from enum import StrEnum


class RunStatus(StrEnum):
    """Where a run is in its life; the values are the words of the HTTP contract."""

    QUEUED = "queued"
    STARTING = "starting"
    BINDING_SESSION = "binding_session"
    RUNNING = "running"
    SUSPENDED = "suspended"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


_BROKEN_OFF = frozenset({RunStatus.FAILED, RunStatus.CANCELLED})
_ENDED = _BROKEN_OFF | {RunStatus.COMPLETED}

TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: _BROKEN_OFF | {RunStatus.STARTING},
    RunStatus.STARTING: _BROKEN_OFF | {RunStatus.BINDING_SESSION},
    RunStatus.BINDING_SESSION: _BROKEN_OFF | {RunStatus.RUNNING},
    RunStatus.RUNNING: _ENDED | {RunStatus.SUSPENDED},
    RunStatus.SUSPENDED: _ENDED | {RunStatus.RUNNING},
    RunStatus.COMPLETED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
}

TERMINAL: frozenset[RunStatus] = frozenset(s for s, targets in TRANSITIONS.items() if not targets)


def may_move(source: RunStatus, target: RunStatus) -> bool:
    """True if the table has an edge from `source` to `target`."""
    return target in TRANSITIONS[source]


def sources_of(target: RunStatus) -> frozenset[RunStatus]:
    """The states from which `target` can be reached in one move."""
    return frozenset(source for source, targets in TRANSITIONS.items() if target in targets)


def path_between(source: RunStatus, target: RunStatus) -> list[RunStatus] | None:
    """The shortest legal walk from `source` to `target` without `source`; None if there is none.

    A session found further on than its run is walked there: no status is ever skipped.
    """
    trails: list[list[RunStatus]] = [[source]]
    seen = {source}
    while trails:
        trail = trails.pop(0)
        if trail[-1] is target:
            return trail[1:]
        for following in sorted(TRANSITIONS[trail[-1]] - seen):
            seen.add(following)
            trails.append([*trail, following])
    return None


def as_mermaid() -> str:
    """The table as a Mermaid state diagram, one edge a line, in the order of the table."""
    lines = ["stateDiagram-v2", f"    [*] --> {RunStatus.QUEUED}"]
    for source, targets in TRANSITIONS.items():
        lines += [f"    {source} --> {target}" for target in RunStatus if target in targets]
        if not targets:
            lines.append(f"    {source} --> [*]")
    return "\n".join(lines)
