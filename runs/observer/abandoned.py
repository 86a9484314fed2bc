"""Abandoned: a wish whose run nobody owns, and whose caller may be gone too, is settled by a sweep."""

from uuid import UUID

from django.conf import settings
from django.db import connection

from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.domain.wishes import WishKind, refused
from runs.errors import NoOwner, RunEnded, RunNotFound
from runs.models import Run
from runs.recorder import RunWriter, writing
from runs.recorder.wish_refused import note_open_refused

LIMIT = 200
# Whoever wanted it waits five seconds for an owner and then acts; only what is older was left behind.
LEFT_BEHIND_SECONDS = 10

# The scan is that of the partial index runs_open.
_ABANDONED = """
SELECT r.id FROM runs_run r
 WHERE r.ending_seq IS NULL AND r.wanted = ANY(%(kinds)s)
   AND r.wanted_at < clock_timestamp() - make_interval(secs => %(seconds)s)
   AND NOT EXISTS (SELECT 1 FROM runs_observer o WHERE o.id = r.observer_id AND o.lost_at IS NULL
                    AND o.beat_at > clock_timestamp() - make_interval(secs => %(lease)s))
 LIMIT %(limit)s
"""


def abandoned_cancels(limit: int = LIMIT) -> list[UUID]:
    """Open runs without a living owner that somebody wanted to cancel a while ago."""
    return _found([WishKind.CANCEL], LEFT_BEHIND_SECONDS, limit)


def cancelled_for_good(run_id: UUID) -> Verdict:
    """How such a run ends: as whoever wanted it decided."""
    through = Run.objects.values_list("wanted_through", flat=True).get(id=run_id)
    return Verdict(code=EndingCode.CANCELLED, decided_by=DecidedBy(through or DecidedBy.API))


def is_still_wanted(writer: RunWriter) -> bool:
    """True if the cancel is wanted also by the row as it is now locked."""
    return writer.run.wanted == WishKind.CANCEL


def refuse_abandoned(limit: int = LIMIT) -> int:
    """Suspending or resuming that nobody carried out is refused, in the row; returns how many wishes."""
    patience_s = settings.RUNTIME_REQUEST_TIMEOUT_MS / 1000
    runs = _found([WishKind.SUSPEND, WishKind.RESUME], patience_s, limit)
    return sum(_refuse(run_id) for run_id in runs)


def _refuse(run_id: UUID) -> bool:
    try:
        with writing(run_id, epoch=None, step="wish.refused") as writer:
            run = writer.run
            if run.wanted not in (WishKind.SUSPEND, WishKind.RESUME) or run.wanted_at is None:
                return False
            answer = refused(WishKind(run.wanted), run.wanted_at, NoOwner())
            note_open_refused(run, NoOwner.code)
            writer.change_run(wanted=None, wanted_answer=answer.dumps())
    except (RunEnded, RunNotFound):
        return False
    return True


def _found(kinds: list[WishKind], seconds: float, limit: int) -> list[UUID]:
    with connection.cursor() as cursor:
        lease: float = settings.OBSERVER_LEASE_S
        cursor.execute(_ABANDONED, {"kinds": [*map(str, kinds)], "seconds": seconds, "lease": lease, "limit": limit})
        return [run_id for (run_id,) in cursor.fetchall()]
