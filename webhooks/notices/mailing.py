"""Notices go by mail to whom ALERT_EMAILS names: all that are new in one mail, so that no outage becomes a flood."""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import mail_admins

from webhooks.models import Notice

logger = logging.getLogger(__name__)

MAILED_AT_ONCE = 100
OLDEST_NEWS = timedelta(days=2)  # mail that is set up later, or works again, does not tell old stories


def mail_notices(now: datetime) -> int:
    """What was committed and not yet mailed is; so many notices were. Mail that does not work is tried again."""
    if not settings.ADMINS:
        return 0
    news = list(Notice.objects.filter(mailed_at=None, created_at__gt=now - OLDEST_NEWS).order_by("created_at", "id"))
    news = news[:MAILED_AT_ONCE]
    if not news:
        return 0
    try:
        mail_admins(_subject(news), "\n".join(map(_line, news)))
    except (OSError, SMTPException) as error:
        logger.warning("notice.not_mailed: %d notices wait for the mail server: %s", len(news), error)
        return 0
    # After it was sent: whoever dies in between mails twice, which is better than never.
    return Notice.objects.filter(id__in=[one.id for one in news], mailed_at=None).update(mailed_at=now)


def _subject(news: list[Notice]) -> str:
    return news[0].message[:120] if len(news) == 1 else f"{len(news)} notices of webhooks"


def _line(notice: Notice) -> str:
    return f"{notice.created_at:%Y-%m-%d %H:%M:%S} UTC  {notice.kind}  {notice.endpoint_id}\n  {notice.message}\n"
