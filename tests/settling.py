"""Ending a run as a test decides it, with a puppet for its session."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.ending import Outcome, Questions, settle
from runs.models import Run
from runs.recorder import RunWriter
from tests.cast import fresh
from tests.puppet import Puppet

Ending = dict[str, Any]
PATIENCE_SECONDS = 20

DEADLINES = (EndingCode.PROGRESS_TIMEOUT, EndingCode.RUN_TIMEOUT)
OURS = (*DEADLINES, EndingCode.RECOVERY_EXHAUSTED, EndingCode.KICKOFF_FAILED, EndingCode.INTERNAL_ERROR)


def verdict(code: EndingCode, **more: Any) -> Verdict:
    """What a sweep decides."""
    return Verdict(**{"code": code, "decided_by": DecidedBy.SWEEPER, "message": "so it was decided", **more})


def settled(
    run: Run,
    decided: Verdict,
    session: Puppet,
    *,
    still: Callable[[RunWriter], bool] | None = None,
    epoch: int | None = None,
) -> Outcome:
    """What became of it."""

    async def ending() -> Outcome:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await settle(run.id, decided, session, Questions(), epoch=epoch, still=still)  # type: ignore[arg-type]

    return asyncio.run(ending())


def ending_of(run: Run) -> Ending:
    """The certificate, as everybody sees it."""
    stored = fresh(run).ending
    assert stored is not None, "the run has not ended"
    ending: Ending = orjson.loads(stored)
    return ending
