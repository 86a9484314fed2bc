"""DrainSlot: so many drains at once and no more, however many kicks there are."""

from django.db import models

from runs.models.identity import uuid7


class DrainSlot(models.Model):
    """One place for one drain. Whoever holds it says until when; a dead holder loses it then."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.IntegerField(unique=True)
    holder = models.UUIDField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.number)
