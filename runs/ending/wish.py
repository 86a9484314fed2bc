"""What a committed cancel makes of an ending."""

from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.domain.wishes import WishKind
from runs.models import Run


def as_wanted(run: Run, verdict: Verdict) -> Verdict:
    """Once a cancel is committed, whoever writes the ending writes `cancelled`; only a session that was over decides more."""
    if run.wanted != WishKind.CANCEL or _was_over(verdict):
        return verdict
    return Verdict(
        code=EndingCode.CANCELLED,
        decided_by=DecidedBy(run.wanted_through or DecidedBy.API),
        runtime_asked=verdict.runtime_asked,
        cleanup_errors=verdict.cleanup_errors,
        missing=verdict.missing,
    )


def fulfils_wish(run: Run, verdict: Verdict) -> bool:
    """True if this ending is what is wanted of the run, or nothing is."""
    return run.wanted is None or verdict.status is WishKind(run.wanted).aim


def _was_over(verdict: Verdict) -> bool:
    """True if the session was resolved or had expired; an accepted Commitment stands in for one that is gone."""
    if verdict.decided_by is DecidedBy.RUNTIME:
        return verdict.code in (EndingCode.RESOLVED, EndingCode.SESSION_EXPIRED)
    return verdict.commitment_seq is not None
