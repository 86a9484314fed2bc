"""What staff see of webhooks: who listens and how well, what is delivered, how each try went."""

from webhooks.admin.delivery import DeliveryAdmin
from webhooks.admin.endpoint import EndpointAdmin
from webhooks.admin.machinery import DrainSlotAdmin
from webhooks.admin.notice import NoticeAdmin
from webhooks.admin.replay import ReplayAdmin

__all__ = ["DeliveryAdmin", "DrainSlotAdmin", "EndpointAdmin", "NoticeAdmin", "ReplayAdmin"]
