"""Recovery: how a run that had an owner before is taken up again, told in its log and in the log of the take-over.

fresh       nothing had been sent yet: the run is launched
rerun       the same SessionStart went out again, for nobody knows whether it had arrived
reattached  the session goes on, read from the committed cursor
lost        the runtime does not know the session any more
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Draft, EventType, JsonObject, Observation
from runs.domain.lifecycle import RunStatus
from runs.metrics import RECOVERIES
from runs.observer.owned import OwnedRun
from runs.observer.telling import is_opened

LOST = "lost"
KNOWN_AFTER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of one run that was taken over; `code` is that of its ending, where it ended instead."""

    run_id: UUID
    mode: str
    code: str | None = None


class Recovery:
    """The taking up of one run; of a run that is launched for the first time there is nothing to tell."""

    def __init__(self, run: OwnedRun, outcome: "asyncio.Future[Recovered]") -> None:
        self._run = run
        self._outcome = outcome
        self._mode = _mode_of(run) if run.epoch > 1 else None
        self._is_told = self._mode is None

    def announced(self, batch: Sequence[Observation]) -> list[Observation | Draft]:
        """The batch, with how the recovery went once our subscription stands again."""
        if self._is_told or self._mode is None or not any(map(is_opened, batch)):
            return list(batch)
        self._is_told = True
        return [*batch, self._draft(self._mode)]

    def recorded(self) -> None:
        """What was announced is in the log: the run is being read, even if its session has nothing to say."""
        if self._is_told:
            self.stands()

    def stands(self) -> None:
        """The run is being read."""
        self._settle(self._mode or "fresh", None)

    def last_words(self, code: str) -> list[Draft]:
        """What the log of a run that ends so still has to say of its recovery."""
        return [self._draft(LOST)] if code == EndingCode.SESSION_LOST and not self._is_told else []

    def ended(self, code: str) -> None:
        """The run has been settled: it ended so, unless its runtime knew better."""
        self._settle(LOST if code == EndingCode.SESSION_LOST else self._mode or "fresh", code)

    def _settle(self, mode: str, code: str | None) -> None:
        if not self._outcome.done():
            self._outcome.set_result(Recovered(self._run.id, mode, code))
            if self._mode is not None:
                RECOVERIES.add("failed" if code is not None and _fails(code) else "recovered")

    def _draft(self, mode: str) -> Draft:
        data: JsonObject = {"status": "recovered", "recovery": mode}
        return Draft(
            type=EventType.SESSION_STREAM_OPENED,
            data=data,
            source_name="recovery",
            subject_kind="session",
            subject_id=self._run.plan.session_id,
        )


async def outcomes(futures: Sequence["asyncio.Future[Recovered]"]) -> list[Recovered]:
    """What became of the runs of one take-over, as far as it is known after a while."""
    if futures:
        await asyncio.wait(futures, timeout=KNOWN_AFTER_SECONDS)
    return [one.result() for one in futures if one.done() and not one.cancelled()]


def _mode_of(run: OwnedRun) -> str:
    if run.status is RunStatus.QUEUED or (run.start_envelope is None and not run.start_acked):
        is_bound = run.status not in (RunStatus.QUEUED, RunStatus.STARTING)
        return "reattached" if is_bound else "fresh"
    return "reattached" if run.start_acked else "rerun"


def report(claimed: int, recovered: Sequence[Recovered], *, skipped: int = 0) -> JsonObject:
    """What a take-over came to: `{claimed, recovered, failed, skipped, runs: [{runId, mode, code?}]}`."""
    failed = [one for one in recovered if one.code is not None and _fails(one.code)]
    return {
        "claimed": claimed,
        "recovered": len(recovered) - len(failed),
        "failed": len(failed),
        "skipped": skipped + claimed - len(recovered),
        "runs": [
            {"runId": str(one.run_id), "mode": one.mode} | ({"code": one.code} if one.code else {}) for one in recovered
        ],
    }


def _fails(code: str) -> bool:
    return Verdict(code=EndingCode(code)).status is RunStatus.FAILED
