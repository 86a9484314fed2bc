"""Endpoints with their secrets, deliveries with their attempts, notices, replays, places for drains."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import runs.models.identity


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("runs", "0011_limits_and_figures"),
    ]

    operations = [
        migrations.CreateModel(
            name="DrainSlot",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.identity.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.IntegerField(unique=True)),
                ("holder", models.UUIDField(blank=True, null=True)),
                ("held_until", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.identity.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("url", models.CharField(max_length=2000)),
                ("description", models.CharField(blank=True, db_default="", max_length=500)),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), blank=True, default=list, size=None
                    ),
                ),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                ("mode_name", models.CharField(blank=True, db_default="", max_length=255)),
                ("environment", models.CharField(blank=True, db_default="", max_length=255)),
                ("run_id", models.UUIDField(blank=True, null=True)),
                ("headers_sealed", models.TextField(blank=True, db_default="")),
                (
                    "header_names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), blank=True, default=list, size=None
                    ),
                ),
                ("rate_per_second", models.FloatField(db_default=10.0)),
                ("concurrency", models.IntegerField(blank=True, help_text="WEBHOOK_CONCURRENCY, if empty", null=True)),
                ("active", models.BooleanField(db_default=True)),
                ("paused_at", models.DateTimeField(blank=True, help_text="what comes meanwhile waits", null=True)),
                ("disabled_at", models.DateTimeField(blank=True, null=True)),
                ("disabled_reason", models.CharField(blank=True, db_default="", max_length=200)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                ("last_success_at", models.DateTimeField(blank=True, null=True)),
                ("last_failure_at", models.DateTimeField(blank=True, null=True)),
                (
                    "failing_since",
                    models.DateTimeField(blank=True, help_text="the first failure after the last success", null=True),
                ),
                (
                    "failures",
                    models.IntegerField(db_default=0, help_text="attempts that failed since the last success"),
                ),
                ("paced_until", models.DateTimeField(blank=True, null=True)),
                (
                    "broken_until",
                    models.DateTimeField(
                        blank=True, help_text="the breaker is open; then one attempt as a probe", null=True
                    ),
                ),
                ("created_by", models.CharField(blank=True, db_default="", max_length=255)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "project",
                    models.ForeignKey(
                        default=uuid.UUID("00000000-0000-7000-8000-000000000001"),
                        on_delete=django.db.models.deletion.CASCADE,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.identity.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("event_type", models.CharField(max_length=80)),
                ("event_id", models.UUIDField()),
                ("run_id", models.UUIDField(blank=True, null=True)),
                ("seq", models.BigIntegerField(db_default=0)),
                ("body", models.BinaryField(help_text="the exact bytes of every attempt")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("exhausted", "Exhausted"),
                            ("cancelled", "Cancelled"),
                        ],
                        db_default="pending",
                        max_length=10,
                    ),
                ),
                (
                    "attempts",
                    models.IntegerField(db_default=0, help_text="all of them, those that somebody asked for included"),
                ),
                ("tries", models.IntegerField(db_default=0, help_text="of the schedule alone")),
                (
                    "next_attempt_at",
                    models.DateTimeField(blank=True, help_text="by the schedule; empty: it plans none", null=True),
                ),
                ("resend_at", models.DateTimeField(blank=True, help_text="somebody asked for an attempt", null=True)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("locked_until", models.DateTimeField(blank=True, help_text="a drain is at it", null=True)),
                (
                    "claim_epoch",
                    models.IntegerField(db_default=0, help_text="a result counts only under the epoch of its claim"),
                ),
                ("response_status", models.IntegerField(blank=True, null=True)),
                ("error_message", models.CharField(blank=True, db_default="", max_length=500)),
                ("last_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "project",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="runs.project"),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="webhooks.endpoint"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.identity.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.IntegerField()),
                ("is_manual", models.BooleanField(db_default=False)),
                ("started_at", models.DateTimeField()),
                ("duration_ms", models.IntegerField()),
                ("is_success", models.BooleanField()),
                ("response_status", models.IntegerField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, db_default="", max_length=40)),
                ("error_message", models.CharField(blank=True, db_default="", max_length=500)),
                ("permanent", models.BooleanField(db_default=False, help_text="trying again is of no use")),
                (
                    "excerpt",
                    models.TextField(blank=True, db_default="", help_text="the beginning of the answer, redacted"),
                ),
                ("response_headers", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "delivery",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempt_log",
                        to="webhooks.delivery",
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="EndpointSecret",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.identity.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("sealed", models.TextField(help_text="AES-256-GCM; the endpoint's id is associated data")),
                ("key_id", models.CharField(help_text="which key of the ring sealed it", max_length=16)),
                ("hint", models.CharField(help_text="its last characters", max_length=12)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("expires_at", models.DateTimeField(blank=True, help_text="empty: the present one", null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="webhooks.endpoint"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.identity.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("endpoint.failing", "Failing"),
                            ("endpoint.recovered", "Recovered"),
                            ("endpoint.disabled", "Disabled"),
                            ("endpoint.silent", "Silent"),
                        ],
                        max_length=20,
                    ),
                ),
                ("message", models.CharField(max_length=500)),
                ("details", models.JSONField(blank=True, default=dict)),
                ("mailed_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="notices", to="webhooks.endpoint"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="runs.project"),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Replay",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.identity.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.CharField(max_length=255)),
                ("wanted", models.JSONField(help_text="the filter: event types, statuses, run, time range")),
                ("count", models.IntegerField()),
                ("created_by", models.CharField(max_length=255)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="replays", to="webhooks.endpoint"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="runs.project"),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="endpoint",
            index=models.Index(
                condition=models.Q(("active", True), ("deleted_at", None)), fields=["project"], name="endpoint_active"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status", "pending")), fields=["endpoint", "due_at"], name="delivery_due"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["endpoint", "-created_at", "-id"], name="delivery_newest"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["run_id", "created_at"], name="delivery_of_run"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("endpoint", "event_id", "event_type"), name="delivery_once"),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["endpoint", "-started_at"], name="attempt_newest"),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.UniqueConstraint(fields=("delivery", "number"), name="attempt_number"),
        ),
        migrations.AddConstraint(
            model_name="endpointsecret",
            constraint=models.UniqueConstraint(
                condition=models.Q(("expires_at", None)), fields=("endpoint",), name="secret_present"
            ),
        ),
        migrations.AddConstraint(
            model_name="replay",
            constraint=models.UniqueConstraint(fields=("project", "key"), name="replay_key"),
        ),
    ]
