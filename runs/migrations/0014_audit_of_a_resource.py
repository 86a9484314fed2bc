"""What was done to one run, endpoint or key is found however long ago it was.

Safe beside live traffic: the index is built without holding up writers. It may be repeated: it begins by dropping what a build
that failed has left behind.
"""

from django.db import migrations, models

NAME = "audit_of_resource"


class Migration(migrations.Migration):
    # An index cannot be built concurrently inside a transaction.
    atomic = False

    dependencies = [("runs", "0013_groups_of_staff")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    [
                        "SET statement_timeout = 0",
                        "SET lock_timeout = 0",
                        f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}",
                        f"CREATE INDEX CONCURRENTLY {NAME} ON runs_auditentry (resource_id, created_at DESC)",
                        "RESET statement_timeout",
                        "RESET lock_timeout",
                    ],
                    f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}",
                )
            ],
            state_operations=[
                migrations.AddIndex("auditentry", models.Index(fields=["resource_id", "-created_at"], name=NAME))
            ],
        )
    ]
