"""DrainSlot: so many drains at once and no more, however many kicks there are."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, models

from runs.models.identity import uuid7

# One statement: of all who ask for a free slot at once, the row's lock lets one be the first. A row that is not there is
# made: no drain must be kept from its work because somebody emptied a table.
_TAKE = """
INSERT INTO webhooks_drainslot AS slot (id, number, holder, held_until) VALUES (%(id)s, %(number)s, %(holder)s, %(until)s)
    ON CONFLICT (number) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
 WHERE slot.held_until IS NULL OR slot.held_until <= %(now)s
"""


class DrainSlotQuerySet(models.QuerySet["DrainSlot"]):
    """Slots, taken, kept and given back by one statement each."""

    def take(self, holder: UUID, *, slots: int, now: datetime, hold: timedelta) -> int | None:
        """The number of the slot that is the holder's until `now + hold`; None if each of the `slots` is somebody else's."""
        for number in range(1, slots + 1):
            values: dict[str, Any] = {
                "id": uuid7(),
                "number": number,
                "holder": holder,
                "until": now + hold,
                "now": now,
            }
            with connection.cursor() as cursor:
                cursor.execute(_TAKE, values)
                if cursor.rowcount:
                    return number
        return None

    def keep(self, holder: UUID, *, now: datetime, hold: timedelta) -> bool:
        """The holder has its slot for longer; False if it was too late, and the slot may be somebody else's."""
        return bool(self.filter(holder=holder, held_until__gt=now).update(held_until=now + hold))

    def give_back(self, holder: UUID) -> None:
        """The slot is free, unless it is somebody else's already."""
        self.filter(holder=holder).update(holder=None, held_until=None)


class DrainSlot(models.Model):
    """One place for one drain. Whoever holds it says until when; a dead holder loses it then."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.IntegerField(unique=True)
    holder = models.UUIDField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)

    objects = DrainSlotQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.number)
