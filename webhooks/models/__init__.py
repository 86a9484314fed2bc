"""Who listens, what is to be delivered, how each try went."""

from webhooks.models.attempt import Attempt
from webhooks.models.delivery import Delivery
from webhooks.models.drain import DrainSlot
from webhooks.models.endpoint import Endpoint
from webhooks.models.notice import Notice
from webhooks.models.replay import Replay
from webhooks.models.secret import EndpointSecret

__all__ = ["Attempt", "Delivery", "DrainSlot", "Endpoint", "EndpointSecret", "Notice", "Replay"]
