"""The sweep: everything that is due and that nobody else may be there to do. Every observer sweeps every few seconds; so does
the net, when none of them is left.

    lost observers -> deadlines -> overdue replies, messages and wishes nobody carried out -> expired rows -> clean-ups

It owns no run. Any number may sweep at once: rows are claimed, or their election is lost. One bad row stops nobody.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

from django.db import Error as DatabaseFault

from runs.bridge import rows
from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.ending import Outcome, Questions, end_run, settle
from runs.ending.cleanup import DueCleanup, claim_cleanups, clean_up, give_up
from runs.errors import RunEnded
from runs.models import BreakerChange, KeyedRequest, MetricSource, RateWindow, Ticket
from runs.observer import lease
from runs.observer.abandoned import abandoned_cancels, cancelled_for_good, is_still_wanted, refuse_abandoned
from runs.observer.due import BATCH, DueRun, claim_due_runs, release
from runs.observer.overdue import expire_replies, fail_unclaimed
from runs.observer.owned import load_run
from runs.runtimes.port import Session
from runs.runtimes.registry import Runtimes

log = logging.getLogger("signalbox.sweep")

FAILED = "failed"
EXPIRED = 500  # rows of a kind that one statement clears away


class Sweep:
    """Sweeps of one process. Belongs to one event loop."""

    def __init__(self, runtimes: Runtimes, questions: Questions) -> None:
        self._runtimes = runtimes
        self._questions = questions
        self.is_behind = False  # the last sweep has left something that is due already

    async def once(self) -> Counter[str]:
        """Whatever was due has been done, or was found and failed (logged); returns how much of what."""
        done = await self.obligations()
        while self.is_behind:
            done += await self.obligations()
        return done + await self.cleanups()

    async def obligations(self) -> Counter[str]:
        """What is owed to runs: a batch of it, so that no runtime that is away holds up what others wait for."""
        self.is_behind = False
        return await self._done(
            self._declare_losses,
            self._end_due_runs,
            self._cancel_abandoned,
            self._settle_overdue,
            self._prune_tickets,
            self._prune_keyed_requests,
            self._prune_breaker_changes,
            self._prune_rate_windows,
            self._prune_metric_sources,
        )

    async def cleanups(self) -> Counter[str]:
        """What is owed to runtimes. They may take their time with it, and no run waits."""
        return await self._done(self._clean_up)

    async def _done(self, *steps: Callable[[], Awaitable[Counter[str]]]) -> Counter[str]:
        done: Counter[str] = Counter()
        for step in steps:
            try:
                done += await step()
            except DatabaseFault as error:
                log.warning("a sweep could not go on, the next one will: %s", error)
                done[FAILED] += 1
            except Exception:
                log.exception("a step of a sweep failed; the others go on")
                done[FAILED] += 1
        if done:
            log.info("swept: %s", ", ".join(f"{number} {name}" for name, number in sorted(done.items())))
        return done

    async def _declare_losses(self) -> Counter[str]:
        return +Counter({"observers declared lost": await rows(lease.declare_losses)})

    async def _end_due_runs(self) -> Counter[str]:
        due = await rows(claim_due_runs)
        self.is_behind |= len(due) >= BATCH
        return Counter(await asyncio.gather(*(self._one(one.run_id, self._ended(one)) for one in due)))

    async def _cancel_abandoned(self) -> Counter[str]:
        left = await rows(abandoned_cancels)
        return Counter(await asyncio.gather(*(self._one(run_id, self._cancelled(run_id)) for run_id in left)))

    async def _settle_overdue(self) -> Counter[str]:
        """What needs no runtime: its time is over, or nobody is there to do it."""
        done = Counter(
            {
                "replies unanswered": await rows(expire_replies),
                "messages failed": await rows(fail_unclaimed),
                "wishes refused": await rows(refuse_abandoned),
            }
        )
        self.is_behind |= any(number >= BATCH for number in done.values())
        return +done

    async def _prune_tickets(self) -> Counter[str]:
        return self._pruned("tickets", await rows(Ticket.objects.prune, at_most=EXPIRED))

    async def _prune_keyed_requests(self) -> Counter[str]:
        return self._pruned("keyed requests", await rows(KeyedRequest.objects.prune, at_most=EXPIRED))

    async def _prune_rate_windows(self) -> Counter[str]:
        return self._pruned("rate windows", await rows(RateWindow.objects.prune, at_most=EXPIRED))

    async def _prune_metric_sources(self) -> Counter[str]:
        return self._pruned("metric sources", await rows(MetricSource.objects.prune, at_most=EXPIRED))

    def _pruned(self, what: str, gone: int) -> Counter[str]:
        self.is_behind |= gone >= EXPIRED
        return +Counter({f"{what} pruned": gone})

    async def _prune_breaker_changes(self) -> Counter[str]:
        return self._pruned("breaker changes", await rows(BreakerChange.objects.prune, at_most=EXPIRED))

    async def _clean_up(self) -> Counter[str]:
        done: Counter[str] = Counter()
        while due := await rows(claim_cleanups):
            done.update(await asyncio.gather(*(self._one(one.run_id, self._cleaned(one)) for one in due)))
        return done

    async def _one(self, run_id: UUID, work: Awaitable[str]) -> str:
        """What became of one row; a defect in it is logged and costs the others nothing."""
        try:
            return await work
        except DatabaseFault as error:
            log.warning("run %s could not be swept, a later sweep will try: %s", run_id, error)
        except Exception:
            log.exception("run %s could not be swept", run_id)
        return FAILED

    async def _ended(self, due: DueRun) -> str:
        session = await self._session_of(due.run_id)
        if session is None:
            return await self._end_unreadable(due.run_id)
        try:
            outcome = await settle(due.run_id, due.verdict, session, self._questions, epoch=None, still=due.still)
        finally:
            await session.close()
        if outcome is Outcome.NOT_DUE:
            await rows(release, due.run_id)
        return f"runs {outcome}" if outcome is Outcome.ENDED else f"due runs {outcome}"

    async def _cancelled(self, run_id: UUID) -> str:
        session = await self._session_of(run_id)
        if session is None:
            return await self._end_unreadable(run_id)
        try:
            verdict = await rows(cancelled_for_good, run_id)
            outcome = await settle(run_id, verdict, session, self._questions, epoch=None, still=is_still_wanted)
        finally:
            await session.close()
        return f"abandoned cancels {outcome}"

    async def _cleaned(self, due: DueCleanup) -> str:
        session = await self._session_of(due.run_id)
        if session is None:
            await rows(give_up, due, "the run cannot be read")
        else:
            try:
                await clean_up(due, session)
            finally:
                await session.close()
        return "clean-ups tried"

    async def _session_of(self, run_id: UUID) -> Session | None:
        """A handle on the run's session; None for a run that cannot be read: what was asked for is broken."""
        try:
            run = await rows(load_run, run_id)
            return self._runtimes.get(run.kind).attach(run.plan, adapter_state=run.adapter_state)
        except DatabaseFault:
            raise
        except Exception:
            log.exception("run %s cannot be read", run_id)
            return None

    async def _end_unreadable(self, run_id: UUID) -> str:
        verdict = Verdict(
            code=EndingCode.INTERNAL_ERROR, decided_by=DecidedBy.SWEEPER, message="the run cannot be read"
        )
        try:
            await rows(end_run, run_id, verdict, epoch=None)
        except RunEnded:
            return f"due runs {Outcome.LOST}"
        return f"runs {Outcome.ENDED}"
