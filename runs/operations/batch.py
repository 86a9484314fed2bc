"""Many runs at once: each is judged alone, several at a time, and nobody waits for all of them longer than a minute."""

import contextvars
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import psycopg
from django.db import InterfaceError, OperationalError, connection

from runs.bridge import release_connection
from runs.errors import ControlPlaneError

log = logging.getLogger("signalbox.operations")

WITHIN_SECONDS = 60.0
WAITING_AT_ONCE = 20  # of those that mostly wait for the owner of a run, and hold no connection meanwhile
WORKING_AT_ONCE = 4  # of those that hold one all the time: requests and streams need theirs

UNEXPECTED = "INTERNAL_ERROR"
_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


class Fate(StrEnum):
    """What became of one of many."""

    DONE = "done"
    FAILED = "failed"
    PENDING = "pending"  # not done when the time was over; what had begun may still be


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one run; of a failure its code and what to say of it."""

    run_id: UUID
    fate: Fate
    error_code: str = ""
    message: str = ""


def judge_each(
    run_ids: Sequence[UUID], act: Callable[[UUID], object], *, at_once: int, within_s: float = WITHIN_SECONDS
) -> list[Outcome]:
    """What became of each run when `act` was called with it, in their order; one that is named twice is judged once.

    The time of all together is limited: of what is not done by then nothing more is begun.
    """
    release_connection()  # of this thread, which only waits from here on
    pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="batch")
    try:
        judged = {
            run_id: pool.submit(contextvars.copy_context().run, _judged, act, run_id)
            for run_id in dict.fromkeys(run_ids)
        }
        wait(judged.values(), timeout=within_s)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    outcomes = {run_id: _outcome(run_id, future) for run_id, future in judged.items()}
    return [outcomes[run_id] for run_id in run_ids]


def _judged(act: Callable[[UUID], object], run_id: UUID) -> Outcome:
    """On a thread of the batch, with a connection of its own."""
    try:
        act(run_id)
    except ControlPlaneError as refused:
        if refused.code != UNEXPECTED:
            return Outcome(run_id, Fate.FAILED, refused.code, refused.message)
        return _unexpected(run_id)
    except _AWAY as away:
        log.warning("run %s: the database did not serve its part of a batch: %s", run_id, away)
        return Outcome(run_id, Fate.FAILED, "SERVICE_UNAVAILABLE", "the database cannot be reached")
    except Exception:  # a defect with one run costs the others nothing
        return _unexpected(run_id)
    finally:
        connection.close()  # the thread ends with the batch
    return Outcome(run_id, Fate.DONE)


def _unexpected(run_id: UUID) -> Outcome:
    log.exception("run %s: its part of a batch failed", run_id)
    return Outcome(run_id, Fate.FAILED, UNEXPECTED, "Something went wrong; the request id finds it in the log.")


def _outcome(run_id: UUID, future: Future[Outcome]) -> Outcome:
    if future.done() and not future.cancelled():
        return future.result()
    return Outcome(run_id, Fate.PENDING)
