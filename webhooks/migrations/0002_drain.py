"""What the drain needs: the net of the queue, an index of what is being sent, and attempts that nobody changes."""

from django.db import migrations, models

NAME = "deliver webhooks"


def spread(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.get_or_create(
        name=NAME,
        defaults={"func": "webhooks.tasks.deliver", "schedule_type": "I", "minutes": 1, "repeats": -1},
    )


def take_in(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0001_initial"),
        ("runs", "0002_guards"),
        ("django_q", "0018_task_success_index"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("locked_until__isnull", False)),
                fields=["endpoint", "locked_until"],
                name="delivery_in_flight",
            ),
        ),
        # An attempt is history. It goes with its delivery, and so may be deleted.
        migrations.RunSQL(
            "CREATE TRIGGER webhooks_attempt_append_only BEFORE UPDATE ON webhooks_attempt "
            "FOR EACH ROW EXECUTE FUNCTION signalbox_append_only();",
            "DROP TRIGGER webhooks_attempt_append_only ON webhooks_attempt;",
        ),
        migrations.RunPython(spread, take_in),
    ]
