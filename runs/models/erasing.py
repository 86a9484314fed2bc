"""What belongs to an ended run is erased, a slice at a time: no statement takes longer for a longer log.

Everything here belongs into one transaction: until it commits, everybody sees the run whole; then nobody sees any of it.
"""

from uuid import UUID

from django.db import connection

SLICE = 10_000

# The append-only tables refuse every DELETE but one that says so; what this says ends with the transaction.
_PRUNING = "SET LOCAL signalbox.prune = 'on'"
# Dense numbers, and nothing is added after the ending: slices by number read no row twice.
_LOGS = {"runs_event": "last_seq", "runs_rawobservation": "last_raw_seq"}
# The rest would go with the run's row, by cascade, in a single statement each: these may be many.
_LONG = (
    *("runs_outboxentry", "runs_outboundmessage", "runs_lateobservation", "runs_artifact"),
    "runs_keyedrequest",
)


def erase_rows_of(run_id: UUID, *, last_seq: int, last_raw_seq: int) -> None:
    """The logs of the run are gone, and all else of it that may be long. Only of an ended run: its logs do not grow."""
    last = {"last_seq": last_seq, "last_raw_seq": last_raw_seq}
    with connection.cursor() as cursor:
        cursor.execute(_PRUNING)
        for table, column in _LOGS.items():
            for first in range(1, last[column] + 1, SLICE):
                cursor.execute(
                    f"DELETE FROM {table} WHERE run_id = %s AND seq BETWEEN %s AND %s",  # noqa: S608 - our own names
                    [run_id, first, first + SLICE - 1],
                )
        for table in _LONG:
            erased = SLICE
            while erased == SLICE:
                cursor.execute(
                    f"DELETE FROM {table} WHERE id = ANY(ARRAY(SELECT id FROM {table} WHERE run_id = %s LIMIT %s))",  # noqa: S608
                    [run_id, SLICE],
                )
                erased = cursor.rowcount


def erase_run(run_id: UUID) -> bool:
    """The row of the run is gone, and with it whatever refers to it; False if there was none.

    Who has inserted such a row and not yet committed waits for us, and then has its foreign key refused.
    """
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM runs_run WHERE id = %s", [run_id])
        return bool(cursor.rowcount)
