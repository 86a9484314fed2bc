"""The figures of each run, which the dashboard adds up.

The states stored so far lack what figures are made of: they are marked as of an older schema version, which is refolded
before its next use. `manage.py rebuild_projections` does that for all of them, those of ended runs included.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0006_ticket_issuer")]

    operations = [
        migrations.AddField("projection", "signal_count", models.BigIntegerField(db_default=0)),
        migrations.AddField("projection", "total_tokens", models.BigIntegerField(db_default=0)),
        migrations.AddField("projection", "cost_micro_usd", models.BigIntegerField(db_default=0)),
        migrations.AddField("projection", "outcome", models.SmallIntegerField(db_default=0)),
        migrations.AddField(
            "projection", "agents", models.JSONField(db_default=models.Value({}, models.JSONField()))
        ),
        migrations.RunSQL(
            ["SET LOCAL statement_timeout = 0", "UPDATE runs_projection SET schema_version = 2 WHERE schema_version = 3"],
            migrations.RunSQL.noop,
        ),
        # Whoever adds up the figures of many runs reads all of these rows: the two texts are kept out of them, however
        # short they are, and the figures in them.
        migrations.RunSQL(
            [
                "ALTER TABLE runs_projection SET (toast_tuple_target = 256)",
                "ALTER TABLE runs_projection ALTER COLUMN agents SET STORAGE MAIN",
            ],
            ["ALTER TABLE runs_projection RESET (toast_tuple_target)"],
        ),
    ]
