"""How an endpoint is doing, as a colour and in words: the colour alone would tell nothing to whoever cannot see it."""

from dataclasses import dataclass
from typing import Literal

from webhooks.models import Endpoint
from webhooks.notices.outage import FAILING_AFTER

Colour = Literal["green", "amber", "red", "grey"]


@dataclass(frozen=True, slots=True)
class Health:
    """A colour and the words beside it."""

    colour: Colour
    words: str


def health_of(endpoint: Endpoint) -> Health:
    """What matters most at present comes first."""
    if endpoint.deleted_at is not None:
        return Health("grey", "deleted")
    if not endpoint.active:
        return Health("red", "disabled") if endpoint.disabled_at else Health("grey", "switched off")
    if endpoint.failures >= FAILING_AFTER:
        return Health("red", f"failing, {endpoint.failures} in a row")
    if endpoint.paused_at is not None:
        return Health("amber", "paused")
    if endpoint.failures:
        return Health("amber", f"unsteady, {endpoint.failures} failed")
    if endpoint.last_success_at is None:
        return Health("grey", "not tried yet")
    return Health("green", "healthy")
