"""A ticket is bound to what its caller showed, and to the page that asked for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0005_one_run_per_session_id")]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="credential",
            field=models.CharField(max_length=200, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="ticket",
            name="origin",
            field=models.CharField(help_text="of the page that asked for it", max_length=300, null=True),
        ),
    ]
