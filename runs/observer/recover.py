"""Recovering by hand: runs that nobody living owns are taken up once, and handed on to whoever watches next."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import orjson
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from runs.bridge import rows
from runs.domain.events import JsonObject
from runs.domain.lifecycle import RunStatus
from runs.ending import Questions
from runs.models import Observer, Run
from runs.observer import lease
from runs.observer.heart import Heart
from runs.observer.lease import Lease
from runs.observer.recovery import Recovered, outcomes, report
from runs.observer.slots import Slots
from runs.observer.take_up import take_up
from runs.runtimes.registry import Runtimes

Told = Callable[[int, int], None]
# A session that is over has said so by then, and its run has ended.
LISTENING_SECONDS = 2.0


def ownerless(only: UUID | None = None) -> list[UUID]:
    """The open runs nobody living owns and that would be taken up, oldest first."""
    lost = Observer.objects.exclude(lost_at=None).values("id")
    open_runs = Run.objects.filter(Q(observer_id=None) | Q(observer_id__in=lost), ending_seq=None)
    open_runs = open_runs.exclude(status=RunStatus.QUEUED, admission_deadline__lte=Now())  # a sweep ends them
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
        claimed = await rows(lease.claim, me, settings.OBSERVER_MAX_RUNS, only=only, by_hand=True)
        known = await rows(_as_they_stand, await _taken_up(claimed, runtimes, told))
        return report(len(claimed), known, skipped=int(only is not None and not claimed))
    finally:
        heart.stop()
        await rows(lease.hand_back, me)
        await runtimes.close()


async def _taken_up(claimed: list[Lease], runtimes: Runtimes, told: Told) -> list[Recovered]:
    """What became of each, once each is being read or has ended. They are then listened to for a moment, and let go."""
    slots, questions = Slots(), Questions()
    recovered = [asyncio.get_running_loop().create_future() for _ in claimed]

    async def watch(owned: Lease, future: "asyncio.Future[Recovered]") -> None:
        try:
            observer = await take_up(owned, runtimes=runtimes, slots=slots, questions=questions, recovered=future)
            if observer is not None:
                await observer.run()
        finally:
            future.cancel()  # nobody is left to say how it went

    for future in recovered:
        future.add_done_callback(lambda _: told(sum(one.done() for one in recovered), len(claimed)))
    tasks = [asyncio.create_task(watch(*one)) for one in zip(claimed, recovered, strict=True)]
    try:
        known = await outcomes(recovered)
        if tasks:
            await asyncio.wait(tasks, timeout=LISTENING_SECONDS)
        return known
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _as_they_stand(known: list[Recovered]) -> list[Recovered]:
    """The same, with the code of every run that has ended by now."""
    found = Run.objects.filter(id__in=[one.run_id for one in known]).values_list("id", "ending")
    codes = {run_id: orjson.loads(ending)["code"] for run_id, ending in found if ending is not None}
    return [Recovered(one.run_id, one.mode, codes.get(one.run_id)) for one in known]
