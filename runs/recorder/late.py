"""Quarantine: what arrives after the ending, or contradicts what is known, is kept apart and counted."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from runs.crashpoint import committing
from runs.domain.events import Observation
from runs.models import Run
from runs.models.identity import uuid7
from runs.recorder.known import Identified, sift

_KEEP = """
INSERT INTO runs_lateobservation (id, run_id, reason, kind, source_id, digest, body)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


def keep_late(run_id: UUID, late: Sequence[Identified], *, reason: str) -> int:
    """Each of `late` is a LateObservation; returns how many were new. `reason` is after_ending or conflict."""
    added = 0
    with connection.cursor() as cursor:
        for one in late:
            body = one.observation.raw
            cursor.execute(_KEEP, [uuid7(), run_id, reason, one.observation.kind, one.source_id, one.digest, body])
            added += cursor.rowcount
    return added


def quarantine(run_id: UUID, observations: Sequence[Observation]) -> int:
    """What arrived after the ending is kept and counted; what the log already holds is a repeat and is not.

    Only what the runtime identifies is kept: a snapshot of an ended session says nothing new.
    """
    identified = [observation for observation in observations if observation.source_id is not None]
    if not identified:
        return 0
    with transaction.atomic():
        if Run.objects.select_for_update(no_key=True).only("id").filter(id=run_id).first() is None:
            return 0  # it was deleted, and nothing is kept of it
        sifted = sift(run_id, identified)
        added = keep_late(run_id, sifted.fresh, reason="after_ending")
        added += keep_late(run_id, sifted.conflicts, reason="conflict")
        if added:
            Run.objects.filter(id=run_id).update(late_count=F("late_count") + added)
        committing("quarantine")
    return added
