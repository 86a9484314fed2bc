"""What is due: the rows a sweep acts on, each claimed for one sweep alone, at most a batch at a time."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from runs.crashpoint import committing
from runs.domain.deadlines import CODE_OF_CLOCK
from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.domain.lifecycle import RunStatus
from runs.recorder import RunWriter

# As many as are asked about at once: a claim must not run out while its run waits for its turn.
BATCH = 64
CLAIMED_SECONDS = 15

# The scan is that of the partial index runs_open: whatever has ended, however much it is, is not looked at. The claim is
# for a time and not a lock: the runtime is asked before the ending, and nobody holds a row meanwhile. What is due is read
# once, as an array: `IN` may read it anew for each run, past its limit, where there seem to be few.
_CLAIM = """
UPDATE runs_run SET sweep_claimed_until = clock_timestamp() + make_interval(secs => %(seconds)s)
 WHERE id = ANY(ARRAY(
    SELECT id FROM runs_run
     WHERE ending_seq IS NULL
       AND (sweep_claimed_until IS NULL OR sweep_claimed_until < clock_timestamp())
       AND (admission_deadline < clock_timestamp() OR hard_deadline < clock_timestamp()
            OR (progress_deadline < clock_timestamp() AND status <> 'suspended'))
     LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id, CASE WHEN admission_deadline < clock_timestamp() THEN 'admission'
                   WHEN hard_deadline < clock_timestamp() THEN 'hard' ELSE 'progress' END
"""

_WORDS = {
    "admission": "the run was not started before its admission deadline",
    "progress": "the session said nothing before the progress deadline",
    "hard": "the session was not over before its hard deadline",
}


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run past one of its deadlines: `clock` is admission, progress or hard."""

    run_id: UUID
    clock: str

    @property
    def verdict(self) -> Verdict:
        """How the run ends if its runtime knows nothing better."""
        code: EndingCode = CODE_OF_CLOCK[self.clock]
        return Verdict(code=code, decided_by=DecidedBy.SWEEPER, message=_WORDS[self.clock])

    def still(self, writer: RunWriter) -> bool:
        """True if the deadline has passed also by the row as it is now locked."""
        run = writer.run
        if self.clock == "progress" and run.status == RunStatus.SUSPENDED:
            return False
        deadline = getattr(run, f"{self.clock}_deadline")
        return deadline is not None and deadline <= writer.clock()


def claim_due_runs(limit: int = BATCH) -> list[DueRun]:
    """Up to `limit` runs past a deadline, for this sweep alone for a while."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, {"seconds": CLAIMED_SECONDS, "limit": limit})
            claimed = [DueRun(run_id, clock) for run_id, clock in cursor.fetchall()]
        if claimed:
            committing("sweep.claim")
    return claimed


def release(run_id: UUID) -> None:
    """Any sweep may look at the run at once: what made it due did not hold any more."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_run SET sweep_claimed_until = NULL WHERE id = %s AND ending_seq IS NULL", [run_id])
