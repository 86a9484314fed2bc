"""A task of the queue that counts something."""

from runs.metrics import STREAM_RECONNECTS


def count_once() -> None:
    """One more."""
    STREAM_RECONNECTS.add()
