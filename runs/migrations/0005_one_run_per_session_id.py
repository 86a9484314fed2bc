"""A session id has one run, whatever its runtime: `runs_session` is unique on the id alone, no longer on kind and id.

Safe beside live traffic: the index is built without holding up writers, and the constraint takes it over in one short
statement, under the name by which a process of the release before tells a taken session. Nothing is written to any row.

Where two runs share an id, the build fails and names it. One of the two is then to be renamed or deleted; `migrate` may be
repeated at any time, for it begins by dropping what a build that failed has left behind.
"""

from django.db import migrations, models

NEW = "runs_session_new"


def swap(columns: str) -> list[str]:
    return [
        # A large table takes longer than any statement of ours may, and the build waits for the open transactions of others.
        "SET statement_timeout = 0",
        "SET lock_timeout = 0",
        f"DROP INDEX CONCURRENTLY IF EXISTS {NEW}",
        f"CREATE UNIQUE INDEX CONCURRENTLY {NEW} ON runs_run ({columns})",
        # The swap locks the table for a moment; it must not wait for long, for everybody would wait behind it.
        "RESET statement_timeout",
        "RESET lock_timeout",
        f"ALTER TABLE runs_run DROP CONSTRAINT runs_session, ADD CONSTRAINT runs_session UNIQUE USING INDEX {NEW}",
    ]


class Migration(migrations.Migration):
    # An index cannot be built concurrently inside a transaction.
    atomic = False

    dependencies = [("runs", "0004_safety_net")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(swap("session_id"), swap("runtime_kind, session_id"))],
            state_operations=[
                migrations.RemoveConstraint(model_name="run", name="runs_session"),
                migrations.AddConstraint(
                    model_name="run",
                    constraint=models.UniqueConstraint(fields=["session_id"], name="runs_session"),
                ),
            ],
        ),
    ]
