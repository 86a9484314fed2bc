"""The first list of a subscriber to /ws/runs, read once for those who come together and ask for the same."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import orjson

from runs import bridge
from runs.domain.documents import summary_document
from runs.queries.summaries import newest_summaries
from runs.streaming.frame import Frame
from runs.streaming.selection import ListSubscription


@dataclass(frozen=True, slots=True)
class FirstList:
    """The newest runs of a selection, and the frame that shows them."""

    run_ids: tuple[UUID, ...]
    frame: Frame


def first_list(project_id: UUID, subscription: ListSubscription) -> FirstList:
    """The list as it is now."""
    rows, total = newest_summaries(project_id, subscription.selection.filter, limit=subscription.limit)
    data = orjson.dumps({"data": [summary_document(row) for row in rows], "total": total})
    return FirstList(tuple(row.id for row in rows), Frame("snapshot", data))


class FirstLists:
    """The first lists that are being read at the moment."""

    def __init__(self) -> None:
        self._readings: dict[tuple[UUID, ListSubscription, int], asyncio.Task[FirstList]] = {}

    async def get(self, project_id: UUID, subscription: ListSubscription, *, tellings: int) -> FirstList:
        """The list, from a reading that began after the last of so many `tellings`.

        What was told before is then in the list, and what is told later is told to whoever asks.
        """
        key = (project_id, subscription, tellings)
        reading = self._readings.get(key)
        if reading is None:
            reading = self._readings[key] = asyncio.create_task(bridge.rows(first_list, project_id, subscription))
            reading.add_done_callback(lambda _: self._readings.pop(key))
        # Whoever leaves while it is read does not take it from the others.
        return await asyncio.shield(reading)
