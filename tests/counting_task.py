"""A task of the queue that counts something."""

from runs.metrics import STREAM_RECONNECTS
from webhooks.counting import count_attempt, count_given_up
from webhooks.models.delivery import DeliveryStatus
from webhooks.result import Result


def count_once() -> None:
    """One more."""
    STREAM_RECONNECTS.add()


def try_once() -> None:
    """One attempt that delivered, two that failed and gave their delivery up."""
    count_attempt(Result(duration_ms=20, status=204))
    for _ in range(2):
        count_attempt(Result(duration_ms=700, reason="timed_out"))
    count_given_up(DeliveryStatus.EXHAUSTED, 2)
