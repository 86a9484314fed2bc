"""One notice: a row of the present transaction, and a line in the log once that has committed."""

import logging
from datetime import datetime
from typing import cast
from uuid import UUID

from django.db import transaction

from runs.domain.events import JsonObject
from webhooks.models import Endpoint, Notice
from webhooks.models.notice import NoticeKind

logger = logging.getLogger(__name__)

LONGEST_MESSAGE = 500


def tell(endpoint: Endpoint, kind: NoticeKind, message: str, details: JsonObject, now: datetime) -> None:
    """Operators are told. `details` must hold no secrets."""
    notice = Notice.objects.create(
        project_id=project_of(endpoint),
        endpoint=endpoint,
        kind=kind,
        message=" ".join(message.split())[:LONGEST_MESSAGE],
        details=details,
        created_at=now,
    )
    transaction.on_commit(lambda: _log(notice), robust=True)


def project_of(endpoint: Endpoint) -> UUID:
    """The project's id, which is never null, whatever its default makes of its type."""
    return cast(UUID, endpoint.project_id)


def _log(notice: Notice) -> None:
    level = logging.INFO if notice.kind == NoticeKind.RECOVERED else logging.WARNING
    # The kind is the code to search for, or to alert on.
    logger.log(level, "%s %s: %s", notice.kind, notice.endpoint_id, notice.message)
