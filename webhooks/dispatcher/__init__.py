"""Dispatcher: one drain. It fans out, claims, sends and records until its time is over or nothing more is due.

    fan_out_some (by itself, ten times a second)
    claim -> send, send, send ... -> record what has come back -> claim ...

All that touches rows is one turn after the other, so a drain never waits for itself; what is being sent is beside it, and a
receiver that takes its time holds up nobody. Whatever is killed at any place loses nothing: outbox rows stay until they are
deliveries, and deliveries are due again when their claim is over.
"""

import asyncio
from collections.abc import Callable

from runs.bridge import rows
from webhooks import fanout, sender
from webhooks.clock import Clock, database_clock
from webhooks.dispatcher.turn import is_due_soon
from webhooks.dispatcher.under_way import Drained, Send, UnderWay

__all__ = ["Drained", "Send", "drain", "is_due_soon"]


def always() -> bool:
    """Nobody else says when a drain is over."""
    return True


def nothing() -> None:
    """Nobody waits for the last claim."""


async def drain(
    *,
    for_s: float,
    clock: Clock = database_clock,
    horizon_s: float | None = None,
    send: Send = sender.send,
    fan_out_some: Callable[[], int] = fanout.fan_out_some,
    still: Callable[[], bool] = always,
    when_claimed: Callable[[], None] = nothing,
) -> Drained:
    """Whatever is due within `for_s` seconds has been tried, and how that went is on record.

    It ends sooner when nothing is due within the time that is left, or within `horizon_s` seconds if they are given, or when
    `still`, asked before every claim, says no. After its last claim it calls `when_claimed` and only then waits for receivers
    that take their time. Both are called on a thread that may touch rows.
    """
    drain = UnderWay(clock, send, fan_out_some, still)
    try:
        await drain.claim_until(asyncio.get_running_loop().time() + for_s, horizon_s)
    finally:
        try:
            await rows(when_claimed)
        finally:
            await drain.finish()
    drain.done.is_due_soon = not drain.outbox_is_quiet or await rows(is_due_soon, clock)
    return drain.done
