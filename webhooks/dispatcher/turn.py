"""Turn: all that touches rows between two looks at the receivers: record what has come back, claim, see what is due next."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import Error as DatabaseFault

from runs.models import OutboxEntry
from webhooks.clock import Clock, database_clock
from webhooks.delivery import AT_MOST, Sent, claim, next_due, record_all
from webhooks.parcel import Parcel

log = logging.getLogger("signalbox.webhooks")

SOON = timedelta(minutes=1)


@dataclass(slots=True)
class Turn:
    """What came of one turn.

    `due_s`: seconds until there will be something to do; only where it `has_looked` and found nothing to claim now.
    """

    recorded: list[Sent] = field(default_factory=list)
    unrecorded: list[Sent] = field(default_factory=list)  # to be tried again
    faults: int = 0
    parcels: Sequence[Parcel] = ()
    at: int = 0
    has_looked: bool = False
    due_s: float = math.inf
    goes_on: bool = True


def take_turn(
    finished: Sequence[Sent], *, room: int, is_scarce: bool, clock: Clock, still: Callable[[], bool], with_outbox: bool
) -> Turn:
    """The turn was taken, as far as the database let it; at most `room` parcels come of it, which may be the last."""
    turn = Turn()
    try:
        now = clock()
        _record(finished, now, turn)
        turn.goes_on = room <= 0 or still()
        if room > 0 and turn.goes_on:
            _claim(turn, now, room=room, is_scarce=is_scarce, with_outbox=with_outbox)
    except DatabaseFault as error:
        log.warning("webhooks wait for the database: %s", error)
        turn.faults += 1
        known = {id(one) for one in (*turn.recorded, *turn.unrecorded)}
        turn.unrecorded += [one for one in finished if id(one) not in known]
    return turn


def is_due_soon(clock: Clock = database_clock) -> bool:
    """True if there is something to fan out, or to send within a minute."""
    now = clock()
    due = _next_work(now, with_outbox=True)
    return due is not None and due <= now + SOON


def _next_work(now: datetime, *, with_outbox: bool) -> datetime | None:
    return now if with_outbox and _is_news_in_the_outbox(now) else next_due(now)


def _is_news_in_the_outbox(now: datetime) -> bool:
    """True if runs have told something lately that is not fanned out. An old entry is one that cannot be, or that is of many:
    whoever is at those goes on by itself, and no drain is kept alive by an entry that is stuck."""
    newest = OutboxEntry.objects.order_by("-id").values_list("created_at", flat=True).first()
    return newest is not None and newest > now - SOON


def _claim(turn: Turn, now: datetime, *, room: int, is_scarce: bool, with_outbox: bool) -> None:
    turn.parcels, turn.at = claim(now, limit=min(room, AT_MOST), is_scarce=is_scarce), int(now.timestamp())
    if not turn.parcels:
        due = _next_work(now, with_outbox=with_outbox)
        turn.has_looked = True
        turn.due_s = math.inf if due is None else (due - now).total_seconds()


def _record(finished: Sequence[Sent], now: datetime, turn: Turn) -> None:
    """In one transaction, or each by itself: one that cannot be recorded costs the others nothing."""
    if not finished:
        return
    try:
        record_all(finished, now)
    except Exception as error:
        if len(finished) > 1:
            for one in finished:
                _record([one], now, turn)
            return
        turn.faults += 1
        if isinstance(error, DatabaseFault):
            log.warning("how an attempt went could not be recorded yet: %s", error)
            turn.unrecorded += finished
        else:  # its claim will run out, and it is sent again
            log.exception("delivery %s: how its attempt went cannot be recorded", finished[0].parcel.delivery_id)
    else:
        turn.recorded += finished
