"""Project: the wall nothing crosses."""

from uuid import UUID

from django.db import models

from runs.models.identity import uuid7

# The project of whoever never asked for one; made by the first migration.
DEFAULT_PROJECT_ID = UUID("00000000-0000-7000-8000-000000000001")


class Project(models.Model):
    """Everything below belongs to exactly one project; a single team never notices."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=100, unique=True)  # names the project in admin addresses
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        # Policies are no rows: they belong to a runtime. The right to change them has to belong to some model.
        permissions = [("manage_policies", "Can register and remove policies of a runtime")]

    def __str__(self) -> str:
        return self.name
