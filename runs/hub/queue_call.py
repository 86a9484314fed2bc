"""A call of the queue: one task that says "look into the outbox", unless one waits already or nobody would hear."""

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.brokers import orm as loaded_before_it_is_used  # noqa: F401 - as prepare_call() says; django-q is lazy
from django_q.models import OrmQ
from django_q.tasks import async_task

MOST_LOOKED_AT = 20  # tasks; if so many others wait, one more does no harm


def prepare_call() -> None:
    """What a call needs is loaded. Not by the thread that calls: a child that is forked meanwhile would wait for ever for a
    module that nobody loads there."""
    import_string(settings.OUTBOX_HEARD)


def call_queue_now() -> None:
    """A task that has not begun is in the queue, so it finds all that is committed by now; none if nobody hears anything.

    Who hears is asked each time: that costs less than a task, and whoever is new does not wait for a memory to fade.
    """
    if import_string(settings.OUTBOX_HEARD)() and not _waits(settings.OUTBOX_TASK):
        async_task(settings.OUTBOX_TASK)


def _waits(task: str) -> bool:
    """True if nobody has begun such a task: once it is handed to a worker it is locked for a time."""
    waiting = OrmQ.objects.filter(lock__lte=timezone.now()).order_by("id")[:MOST_LOOKED_AT]
    return any(one.task.get("func") == task for one in waiting)
