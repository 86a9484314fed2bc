"""Taking a run up: from the lease on it to whoever watches it."""

import asyncio
import contextlib
import logging

from django.db import Error as DatabaseFault

from runs.bridge import rows
from runs.domain.endings import EndingCode
from runs.domain.lifecycle import TERMINAL
from runs.ending import Questions, end_run
from runs.errors import Fenced, RunEnded
from runs.observer.decided import defect
from runs.observer.lease import Lease
from runs.observer.owned import load_owned
from runs.observer.recovery import LOST, Recovered
from runs.observer.session import RunObserver
from runs.observer.slots import Slots
from runs.runtimes.registry import Runtimes

log = logging.getLogger("signalbox.observer")


async def take_up(
    owned: Lease,
    *,
    runtimes: Runtimes,
    slots: Slots,
    questions: Questions,
    recovered: "asyncio.Future[Recovered]",
) -> RunObserver | None:
    """What will watch the run; None where it has ended meanwhile, and its runtime is not asked anything.

    One that cannot even be read has ended, too: starting it at every sweep would never end.
    """
    try:
        run = await rows(load_owned, owned.run_id, owned.epoch)
        if run.status in TERMINAL:
            log.info("run %s is over: nothing is left to watch", run.id)
            recovered.cancel()
            return None
        runtime = runtimes.get(run.kind)
        return RunObserver(run, runtime, launching=slots.of(run.kind), questions=questions, recovered=recovered)
    except DatabaseFault:
        raise
    except Exception as error:
        log.exception("run %s cannot be watched", owned.run_id)
        with contextlib.suppress(RunEnded, Fenced):
            await rows(end_run, owned.run_id, defect(error).verdict, epoch=owned.epoch)
        if not recovered.done():
            recovered.set_result(Recovered(owned.run_id, LOST, EndingCode.INTERNAL_ERROR))
        return None
