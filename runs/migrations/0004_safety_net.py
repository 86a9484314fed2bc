"""The net below the observers: a schedule of the queue, visible in the admin, that sweeps once a minute."""

from django.db import migrations

NAME = "safety net"


def spread(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.get_or_create(
        name=NAME,
        defaults={"func": "runs.tasks.cast_the_net", "schedule_type": "I", "minutes": 1, "repeats": -1},
    )


def take_in(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("runs", "0003_deadlines_and_cleanups"), ("django_q", "0018_task_success_index")]

    operations = [migrations.RunPython(spread, take_in)]
