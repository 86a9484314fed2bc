"""The log of a run as the timeline shows it: a short line an event, a fifth of the bytes of the events themselves."""

from typing import Any
from uuid import UUID

import orjson

from runs.domain.documents import EventRow, iso
from runs.queries import events_after
from runs.streaming.standing import standing_of
from runs.streaming.words import plain, speaker, words

MOST = 1_000

Line = tuple[int, str, str, str, str]  # number, time, type, who, what


def lines_after(run_id: UUID, after: int, *, limit: int = MOST) -> dict[str, Any]:
    """The next lines after event `after`, and how far the log goes. Raises RunNotFound."""
    rows = events_after(run_id, after, limit=limit)
    # Read second: it never says less than the lines show.
    standing = standing_of(run_id)
    return {
        "lines": [_line(row) for row in rows],
        "lastSeq": standing.last_seq,
        "isOver": standing.ending_seq is not None,
    }


def _line(row: EventRow) -> Line:
    data = orjson.loads(row.data)
    event = {"type": row.type, "data": data, "source": {"name": row.source_name}}
    return row.seq, iso(row.ts), plain(row.type), plain(speaker(event)), words(event)
