"""The end of the queue, announced to its workers: they are forked, and django-q itself lets each finish its task.

One byte that all of them share, without a lock that one who was killed could have held.
"""

from multiprocessing import RawValue

_is_stopping = RawValue("b", 0)


def announce_stop() -> None:
    """Every process forked from this one since it loaded this module knows that the queue is to end."""
    _is_stopping.value = 1


def is_queue_stopping() -> bool:
    """True where a task that can be cut short should be."""
    return bool(_is_stopping.value)
