"""The first list of a subscriber to /ws/runs, read once for those who come together and ask for the same."""

from dataclasses import dataclass
from uuid import UUID

import orjson

from runs import bridge
from runs.domain.documents import summary_document
from runs.domain.events import JsonObject
from runs.queries.summaries import newest_summaries
from runs.streaming.frame import Frame
from runs.streaming.selection import ListSubscription
from runs.streaming.sharing import SharedReadings


@dataclass(frozen=True, slots=True)
class FirstList:
    """The newest runs of a selection, and the frame that shows them."""

    run_ids: tuple[UUID, ...]
    frame: Frame


def first_list(project_id: UUID, subscription: ListSubscription) -> FirstList:
    """The list as it is now."""
    wanted = subscription.selection.filter
    rows, total = newest_summaries(project_id, wanted, limit=subscription.limit, counted=subscription.include_total)
    data: JsonObject = {"data": [summary_document(row) for row in rows]}
    if subscription.include_total:
        data["total"] = total
    return FirstList(tuple(row.id for row in rows), Frame("snapshot", orjson.dumps(data)))


class FirstLists:
    """The first lists that are being read at the moment."""

    def __init__(self) -> None:
        self._readings: SharedReadings[tuple[UUID, ListSubscription, int], FirstList] = SharedReadings(
            lambda key: bridge.rows(first_list, key[0], key[1])
        )

    async def get(self, project_id: UUID, subscription: ListSubscription, *, tellings: int) -> FirstList:
        """The list, from a reading that began after the last of so many `tellings`.

        What was told before is then in the list, and what is told later is told to whoever asks.
        """
        return await self._readings.get((project_id, subscription, tellings))
