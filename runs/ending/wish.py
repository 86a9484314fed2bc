"""What a committed cancel makes of an ending."""

from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.domain.events import SessionState
from runs.models import Run

# Over before anybody could cancel it: the session's own outcome stands, and the caller is told.
_OWN_OUTCOMES = frozenset({EndingCode.RESOLVED, EndingCode.SESSION_EXPIRED})


def as_wanted(run: Run, verdict: Verdict) -> Verdict:
    """Once a cancel is committed, whoever writes the ending writes `cancelled`, decided by whoever wanted it."""
    if run.wanted != "cancel" or verdict.code in _OWN_OUTCOMES:
        return verdict
    asked = verdict.runtime_asked
    if verdict.decided_by is DecidedBy.RUNTIME:
        asked = SessionState.CANCELLED.value
    return Verdict(
        code=EndingCode.CANCELLED,
        decided_by=DecidedBy(run.wanted_through or DecidedBy.API),
        runtime_asked=asked,
        cleanup_errors=verdict.cleanup_errors,
        missing=verdict.missing,
    )
