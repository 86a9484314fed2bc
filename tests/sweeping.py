"""One sweep, as every observer does it every few seconds; and times that have passed."""

import asyncio
from collections import Counter

from django.db import connection

from runs.ending import Questions
from runs.models import Run
from runs.observer.sweep import Sweep
from runs.runtimes.registry import Runtimes

PATIENCE_SECONDS = 60


def swept() -> Counter[str]:
    """What one sweep has done."""

    async def sweep() -> Counter[str]:
        runtimes = Runtimes()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await Sweep(runtimes, Questions()).once()
        finally:
            await runtimes.close()

    return asyncio.run(sweep())


def few_are_expected() -> None:
    """As few runs as there are now are what plans are made for, however many come before the table is looked at again."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE runs_run")


def make_due(*runs: Run, column: str = "hard_deadline") -> None:
    """The runs are past the deadline (all runs, where none is named); nobody has claimed them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE runs_run SET {column} = clock_timestamp() - interval '1 second', sweep_claimed_until = NULL"
            " WHERE %(all)s OR id = ANY(%(ids)s)",
            {"all": not runs, "ids": [run.id for run in runs]},
        )


def make_cleanup_due(*runs: Run) -> None:
    """The next try is due at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_run SET cleanup_due_at = clock_timestamp() WHERE cleanup_status = 'pending' AND id = ANY(%s)",
            [[run.id for run in runs]],
        )
