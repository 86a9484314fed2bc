"""The fan-out: what runs put into the outbox becomes deliveries.

    what nobody hears of is dropped, unread; else: lock the head of a run's entries -> who hears -> read the log
    -> one delivery per endpoint, event and name -> the entries are gone -> COMMIT

The entries of a run are taken in order and by one fan-out at a time. Who hears is always asked after the entries are seen:
whoever was told that an endpoint is there will not miss what happened after that.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, takewhile
from operator import attrgetter
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from runs.crashpoint import committing
from runs.models import OutboxEntry
from runs.models.outbox import Moved
from webhooks.fanout.listeners import all_listeners, has_listeners, heard_runs, locked_listeners, sources_for
from webhooks.fanout.run_log import RunLog
from webhooks.fanout.store import store_deliveries

__all__ = ["fan_out_some", "flush", "has_listeners"]

log = logging.getLogger("signalbox.webhooks")

LOOKED_AT = 2  # times as many entries as are to be turned: some are dropped
MOST_DROPPED = 20_000  # entries in one transaction
FLUSHED_AT_ONCE = 1_000  # entries
# Numbers of a log that one transaction goes through. A longer entry is taken in parts: it then begins later.
SLICE = 2_000

_BEGINNING = UUID(int=0)


def fan_out_some(*, limit: int = 100) -> int:
    """Some entries, nearly the oldest, are gone from the outbox, and whoever hears of them has deliveries.

    Returns how many; a part of a long one counts as one. 0: nothing is left that no other fan-out is at. What nobody
    hears of is dropped in bulk, beyond `limit`.
    """
    after = _BEGINNING
    while page := OutboxEntry.objects.page(after=after, limit=LOOKED_AT * limit):
        after, run_ids = page[-1][0], list(dict.fromkeys(run_id for _, run_id in page))
        done, heard = _drop_unheard(run_ids, each=max(1, MOST_DROPPED // len(run_ids)))
        turned = 0
        for run_id in heard:
            if turned < limit:
                turned += _fan_out(run_id, limit=limit - turned)
        if done + turned:
            return done + turned
    return 0


def flush(run_id: UUID) -> None:
    """No entry of the run is left, and whoever hears of them has deliveries. Before its log is erased, in the transaction
    that does so: a fan-out that is at the run is waited for."""
    OutboxEntry.objects.lock_all_of(run_id)
    while entries := OutboxEntry.objects.first_of([run_id], each=FLUSHED_AT_ONCE):
        _turn(run_id, entries)


def _drop_unheard(run_ids: Sequence[UUID], *, each: int) -> tuple[int, list[UUID]]:
    """How many entries are gone from the beginnings of these runs because nobody hears of them, and of which runs somebody
    hears. Runs that others are at are left out."""
    with transaction.atomic():
        ours = set(OutboxEntry.objects.lock_heads(run_ids))
        entries = OutboxEntry.objects.first_of([run_id for run_id in run_ids if run_id in ours], each=each)
        unheard = {entry.id for entry in _unheard(entries)}
        OutboxEntry.objects.remove(unheard)
        committing("webhooks.drop")
    return len(unheard), list(dict.fromkeys(entry.run_id for entry in entries if entry.id not in unheard))


def _unheard(entries: Iterable[Moved]) -> Iterator[Moved]:
    """The first entries of each run up to that of which somebody hears: what is left has no hole."""
    listeners = all_listeners()  # after the entries
    runs = heard_runs({entry.run_id for entry in entries}) if listeners else {}
    for run_id, of_run in groupby(entries, key=attrgetter("run_id")):
        run = runs.get(run_id)
        sources = sources_for(run, listeners) if run is not None else frozenset()
        yield from takewhile(lambda entry: sources.isdisjoint(entry.types), of_run)  # noqa: B023 - used up at once


def _fan_out(run_id: UUID, *, limit: int) -> int:
    """How many of the run's entries are gone, up to `limit`; 0 if another fan-out is at it.

    What cannot be told stays, and keeps nobody from hearing of other runs.
    """
    try:
        with transaction.atomic():
            entries = OutboxEntry.objects.take(run_id, limit=limit)
            turned = _turn(run_id, entries) if entries else 0
            committing("webhooks.fanout")
        return turned
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("nobody hears of run %s: its entries stay in the outbox", run_id)
        return 0


def _turn(run_id: UUID, entries: Sequence[Moved]) -> int:
    """How many of these entries are gone; whoever hears has deliveries of them. Of a long one, a part is."""
    run = heard_runs([run_id]).get(run_id)  # after the entries: its status is not older than they are
    listeners = locked_listeners(run) if run is not None else []
    sources = sources_for(run, listeners) if run is not None else frozenset()
    if run is None or all(sources.isdisjoint(entry.types) for entry in entries):
        OutboxEntry.objects.remove([entry.id for entry in entries])
        return len(entries)
    first = entries[0].from_seq
    last = min(entries[-1].to_seq, first + SLICE - 1)
    for page in RunLog(run, first, last).told(sources):
        store_deliveries(run, listeners, page)
    return _done_up_to(last, entries)


def _done_up_to(last: int, entries: Sequence[Moved]) -> int:
    done = [entry for entry in entries if entry.to_seq <= last]
    OutboxEntry.objects.remove([entry.id for entry in done])
    cut = [entry for entry in entries if entry.from_seq <= last < entry.to_seq]
    for entry in cut:
        OutboxEntry.objects.filter(id=entry.id).update(from_seq=last + 1)
    return len(done) + len(cut)
