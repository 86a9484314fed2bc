"""Changes of circuit breakers, so that any process can show them all and reset them."""

import django.db.models.functions.datetime
from django.db import migrations, models

import runs.models.identity


class Migration(migrations.Migration):
    dependencies = [("runs", "0008_newest_first")]

    operations = [
        migrations.CreateModel(
            name="BreakerChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.identity.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(max_length=20)),
                ("state", models.CharField(help_text="CLOSED, OPEN or HALF_OPEN", max_length=10)),
                ("reason", models.TextField(blank=True, default="")),
                (
                    "observer_id",
                    models.UUIDField(blank=True, help_text="whose breaker it is; empty for a web process", null=True),
                ),
                (
                    "is_reset",
                    models.BooleanField(default=False, help_text="somebody closed the breakers of all processes"),
                ),
                ("entered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [
                    models.Index(fields=["kind", "-entered_at"], name="breaker_changes_newest"),
                    models.Index(fields=["entered_at"], name="breaker_changes_oldest"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["CLOSED", "OPEN", "HALF_OPEN"])),
                        name="breaker_changes_known_state",
                    ),
                ],
            },
        ),
    ]
