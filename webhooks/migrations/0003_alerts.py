"""Operators are told of endpoints that miss endings: a schedule of the queue, visible in the admin."""

from django.db import migrations, models

NAME = "webhook alerts"


def watch(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.get_or_create(
        name=NAME,
        defaults={"func": "webhooks.alerts.alert_operators", "schedule_type": "I", "minutes": 10, "repeats": -1},
    )


def look_away(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0002_drain"), ("django_q", "0018_task_success_index")]

    operations = [
        migrations.RunPython(watch, look_away),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["endpoint", "-created_at", "-id"],
                condition=models.Q(status__in=["exhausted", "cancelled"]),
                name="delivery_given_up",
            ),
        ),
    ]
