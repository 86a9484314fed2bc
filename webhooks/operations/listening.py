"""Whether anything may be sent to an endpoint at all."""

from runs.errors import Conflict
from webhooks.models import Endpoint


def require_active(endpoint: Endpoint) -> None:
    """The endpoint is active; it may be paused, then what is for it waits. Raises Conflict."""
    if not endpoint.active:
        raise Conflict("the webhook is not active", details={"reason": "inactive"})
