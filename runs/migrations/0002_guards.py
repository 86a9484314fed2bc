"""Rules the database keeps by itself: the default project, append-only logs, cascades, room for hot updates."""

from django.db import migrations

from runs.models.project import DEFAULT_PROJECT_ID

APPEND_ONLY = ("runs_event", "runs_rawobservation")
CASCADING = (
    "runs_runtimesession",
    "runs_projection",
    "runs_outboundmessage",
    "runs_lateobservation",
    "runs_artifact",
    "runs_ticket",
)

# A prune says so with SET LOCAL signalbox.prune = 'on'; nothing else may rewrite history (promise P6).
GUARD = """
CREATE FUNCTION signalbox_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('signalbox.prune', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


def guard(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION signalbox_append_only();",
        f"DROP TRIGGER {table}_append_only ON {table};",
    )


# Django declares ON DELETE in Python only; deleting a run must be one statement whoever issues it.
CASCADE = """
DO $$
DECLARE c record;
BEGIN
    FOR c IN
        SELECT conname, conrelid::regclass AS child, a.attname
        FROM pg_constraint JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]
        WHERE contype = 'f' AND confrelid = 'runs_run'::regclass AND conrelid::regclass::text = ANY(ARRAY[{tables}])
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.child, c.conname);
        EXECUTE format(
            'ALTER TABLE %s ADD CONSTRAINT %I FOREIGN KEY (%I) REFERENCES runs_run (id) ON DELETE CASCADE'
            ' DEFERRABLE INITIALLY DEFERRED', c.child, c.conname, c.attname);
    END LOOP;
END $$;
""".format(tables=", ".join(f"'{table}'" for table in CASCADING))


def create_default_project(apps, schema_editor):
    apps.get_model("runs", "Project").objects.get_or_create(
        id=DEFAULT_PROJECT_ID, defaults={"name": "Default", "slug": "default"}
    )


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_initial")]

    operations = [
        migrations.RunPython(create_default_project, migrations.RunPython.noop),
        migrations.RunSQL(GUARD, "DROP FUNCTION signalbox_append_only();"),
        *(guard(table) for table in APPEND_ONLY),
        migrations.RunSQL(CASCADE, migrations.RunSQL.noop),
        # Every batch rewrites these three rows: room on the page keeps the updates HOT.
        migrations.RunSQL(
            "ALTER TABLE runs_run SET (fillfactor = 70); ALTER TABLE runs_projection SET (fillfactor = 70);"
            "ALTER TABLE runs_runtimesession SET (fillfactor = 70);",
            "ALTER TABLE runs_run RESET (fillfactor); ALTER TABLE runs_projection RESET (fillfactor);"
            "ALTER TABLE runs_runtimesession RESET (fillfactor);",
        ),
    ]
