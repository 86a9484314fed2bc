"""Thin entry for the queue: operators hear of what endpoints do not hear. It may be lost, doubled or late."""

from django.db import connection

from webhooks.notices import mail_notices, watch_silence


def alert_operators() -> str:
    """Endpoints that miss endings have been told of, and what is new was mailed, where mail is configured."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    silent = watch_silence(now)
    return f"{silent} silent, {mail_notices(now)} mailed"
