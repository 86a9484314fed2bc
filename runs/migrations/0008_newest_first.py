"""The index of the newest runs answers for what the dashboard counts, too.

Safe beside live traffic: the new one is built without holding up writers before the old one goes. It may be repeated: it
begins by dropping what a build that failed has left behind.
"""

from django.db import migrations, models

OLD, NEW = "runs_newest", "runs_newest_first"
COLUMNS = "project_id, created_at DESC, id DESC"
COVERED = "status, mode, ended_at, error_code, source_ref"


def swap(new: str, definition: str, old: str) -> list[str]:
    return [
        "SET statement_timeout = 0",
        "SET lock_timeout = 0",
        f"DROP INDEX CONCURRENTLY IF EXISTS {new}",
        f"CREATE INDEX CONCURRENTLY {new} ON runs_run {definition}",
        f"DROP INDEX CONCURRENTLY IF EXISTS {old}",
        "RESET statement_timeout",
        "RESET lock_timeout",
    ]


class Migration(migrations.Migration):
    # An index cannot be built concurrently inside a transaction.
    atomic = False

    dependencies = [("runs", "0007_figures_of_runs")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    swap(NEW, f"({COLUMNS}) INCLUDE ({COVERED})", OLD),
                    swap(OLD, f"({COLUMNS})", NEW),
                )
            ],
            state_operations=[
                migrations.AddIndex(
                    "run",
                    models.Index(
                        fields=["project", "-created_at", "-id"],
                        include=["status", "mode", "ended_at", "error_code", "source_ref"],
                        name=NEW,
                    ),
                ),
                migrations.RemoveIndex("run", OLD),
            ],
        )
    ]
