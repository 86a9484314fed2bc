"""Requests are counted per caller and route over all processes; what processes count is added up, each report once."""

import django.db.models.functions.datetime
from django.db import migrations, models

import runs.models.identity


class Migration(migrations.Migration):
    dependencies = [("runs", "0010_keys_and_audit")]

    operations = [
        migrations.CreateModel(
            name="RateWindow",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.identity.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "caller",
                    models.CharField(
                        help_text="the id of a key or user, or an address; no part of a key", max_length=255
                    ),
                ),
                ("route", models.CharField(help_text="method and template of the path", max_length=255)),
                ("given", models.IntegerField(help_text="requests in all slices of this window")),
                ("slice", models.IntegerField(help_text="the last of them")),
                ("ends_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("caller", "route"), name="ratewindows_caller_route")
                ],
            },
        ),
        migrations.CreateModel(
            name="MetricSource",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=runs.models.identity.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("process", models.CharField(help_text="web, observer, queue ...", max_length=40)),
                ("host", models.CharField(max_length=255)),
                ("process_id", models.IntegerField()),
                ("reports", models.BigIntegerField(help_text="number of the last report that is in the sums")),
                ("gauges", models.TextField(help_text="JSON")),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("reported_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
