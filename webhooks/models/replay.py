"""Replay: many deliveries sent again at once, on record under a key that makes asking twice harmless."""

from django.db import models
from django.db.models.functions import Now

from runs.models.identity import uuid7
from runs.models.project import Project
from webhooks.models.endpoint import Endpoint


class Replay(models.Model):
    """What was asked for and how many deliveries it made pending."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, db_index=False)
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="replays")
    key = models.CharField(max_length=255)
    wanted = models.JSONField(help_text="the filter: event types, statuses, run, time range")
    count = models.IntegerField()
    created_by = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            # Whoever asks again with the same key gets the first answer.
            models.UniqueConstraint(fields=["project", "key"], name="replay_key"),
        ]

    def __str__(self) -> str:
        return self.key
