"""Staff as those who ask for a change of webhooks."""

from typing import cast
from uuid import UUID

from django.http import HttpRequest

from runs.admin.callers import actor_of
from runs.log_context import current_request_id
from webhooks.models import Endpoint
from webhooks.operations.caller import Caller


def caller_of(request: HttpRequest, endpoint: Endpoint) -> Caller:
    """The member of staff, in the project of the endpoint: nothing of another one is there for them."""
    project_id = cast(UUID, endpoint.project_id)
    return Caller(project_id=project_id, actor=actor_of(request), request_id=current_request_id())
