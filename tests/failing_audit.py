"""An audit list that takes nothing: whatever writes to it fails in the database itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_BREAK = """
CREATE FUNCTION test_refuse_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'canary: the audit list is broken';
END $$;
CREATE TRIGGER test_refuse_audit BEFORE INSERT ON runs_auditentry FOR EACH ROW EXECUTE FUNCTION test_refuse_audit();
"""
_MEND = "DROP TRIGGER test_refuse_audit ON runs_auditentry; DROP FUNCTION test_refuse_audit();"


@contextmanager
def failing_audit() -> Iterator[None]:
    """Inside, no audit entry can be written."""
    with connection.cursor() as cursor:
        cursor.execute(_BREAK)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(_MEND)
