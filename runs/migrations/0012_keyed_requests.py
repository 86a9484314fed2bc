"""What is asked for under an idempotency key, and what it was answered; goes with its run."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import runs.models.identity

# Django declares ON DELETE in Python only; deleting a run must be one statement whoever issues it.
CASCADE = """
ALTER TABLE runs_keyedrequest ADD CONSTRAINT keyedrequests_of_run
      FOREIGN KEY (run_id) REFERENCES runs_run (id) ON DELETE CASCADE
"""


class Migration(migrations.Migration):
    dependencies = [("runs", "0011_limits_and_figures")]

    operations = [
        migrations.CreateModel(
            name="KeyedRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.identity.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("route", models.CharField(help_text="method and template of the path", max_length=255)),
                (
                    "key_sha256",
                    models.BinaryField(help_text="of the path and the key, which may be a secret", max_length=32),
                ),
                ("body_sha256", models.BinaryField(help_text="of the canonical body and the query", max_length=32)),
                ("claim", models.UUIDField(help_text="of whoever answers it, so that nobody else stores an answer")),
                ("claimed_until", models.DateTimeField(help_text="then nobody will answer it any more")),
                (
                    "status",
                    models.SmallIntegerField(
                        blank=True, help_text="of the answer; null while under way", null=True
                    ),
                ),
                ("answer", models.BinaryField(blank=True, help_text="byte for byte", null=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        default=uuid.UUID("00000000-0000-7000-8000-000000000001"),
                        on_delete=django.db.models.deletion.CASCADE,
                        to="runs.project",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("project", "key_sha256"), name="keyedrequests_key")
                ],
            },
        ),
        migrations.RunSQL(CASCADE, "ALTER TABLE runs_keyedrequest DROP CONSTRAINT keyedrequests_of_run"),
    ]
