"""Keys have a visible part and say who made and last used them; the audit list says which key it was, and stays as it is."""

from django.db import migrations, models

# What was put there by hand has no checksum and opens nothing any more; it says so.
NAME_EARLIER_KEYS = """
UPDATE runs_apikey SET prefix = 'old_' || right(id::text, 12), revoked_at = coalesce(revoked_at, clock_timestamp());
"""
GUARD = """
CREATE TRIGGER runs_auditentry_append_only BEFORE UPDATE OR DELETE ON runs_auditentry
    FOR EACH ROW EXECUTE FUNCTION signalbox_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("runs", "0009_breaker_changes")]

    operations = [
        migrations.AlterModelOptions("apikey", {"ordering": ["name", "id"], "verbose_name": "API key"}),
        migrations.AddField("apikey", "prefix", models.CharField(max_length=20, null=True)),
        migrations.RunSQL(NAME_EARLIER_KEYS, migrations.RunSQL.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField("apikey", "prefix", models.CharField(max_length=20, unique=True)),
        migrations.AddField("apikey", "created_by", models.CharField(blank=True, db_default="", max_length=255)),
        migrations.AddField("apikey", "last_used_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("auditentry", "actor_id", models.CharField(blank=True, db_default="", max_length=100)),
        migrations.AddField("auditentry", "address", models.CharField(blank=True, db_default="", max_length=100)),
        migrations.RunSQL(GUARD, "DROP TRIGGER runs_auditentry_append_only ON runs_auditentry;"),
    ]
