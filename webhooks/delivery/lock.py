"""Lock: how long a claim keeps other drains from a delivery."""

from datetime import datetime, timedelta

from django.conf import settings

# A claim outlives its attempt by this: nobody sends a second time because a result took a moment to be written.
SPARE_S = 30


def lock_time() -> timedelta:
    """From the claim to the moment at which the delivery is anybody's again."""
    return timedelta(seconds=settings.WEBHOOK_TIMEOUT_S + SPARE_S)


def claimed_at(locked_until: datetime | None) -> datetime | None:
    """When this process claimed what is locked so; None if the lock was taken away since."""
    return None if locked_until is None else locked_until - lock_time()
