"""Recovering by hand: runs that nobody living owns are taken up once, and handed on to whoever watches next."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from runs.bridge import rows
from runs.domain.events import JsonObject
from runs.ending import Questions
from runs.models import Observer, Run
from runs.observer import lease
from runs.observer.heart import Heart
from runs.observer.owned import load_owned
from runs.observer.recovery import Recovered, outcomes, report
from runs.observer.session import RunObserver
from runs.runtimes.registry import Runtimes

Told = Callable[[int, int], None]


def ownerless(only: UUID | None = None) -> list[UUID]:
    """The open runs nobody living owns, oldest first."""
    lost = Observer.objects.exclude(lost_at=None).values("id")
    open_runs = Run.objects.filter(Q(observer_id=None) | Q(observer_id__in=lost), ending_seq=None)
    if only is not None:
        open_runs = open_runs.filter(id=only)
    return list(open_runs.order_by("created_at").values_list("id", flat=True))


async def recover(*, only: UUID | None, told: Told) -> JsonObject:
    """Every ownerless run (or `only`) was taken up, as far as it goes, and is free again; the report of the take-over.

    `told` is called with how many are known of how many. A run that somebody living owns, or that has ended, is skipped.
    """
    await rows(lease.declare_losses)
    me = await rows(lease.register)
    heart, runtimes = Heart(me, asyncio.get_running_loop()), Runtimes()
    heart.start()
    try:
        claimed = await rows(lease.claim, me, settings.OBSERVER_MAX_RUNS, only=only)
        launching, questions = asyncio.Semaphore(settings.OBSERVER_LAUNCH_CONCURRENCY), Questions()
        recovered: list[asyncio.Future[Recovered]] = []
        tasks = []
        for one in claimed:
            future: asyncio.Future[Recovered] = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda _: told(sum(one.done() for one in recovered), len(claimed)))
            recovered.append(future)
            run = await rows(load_owned, one.run_id, one.epoch)
            observer = RunObserver(
                run, runtimes.get(run.kind), launching=launching, questions=questions, recovered=future
            )
            tasks.append(asyncio.create_task(observer.run()))
        known = await outcomes(recovered)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return report(len(claimed), known, skipped=int(only is not None and not claimed))
    finally:
        heart.stop()
        await rows(lease.hand_back, me)
        await runtimes.close()
