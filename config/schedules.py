"""Schedules of the queue: none is caught up with minute by minute."""

from django.db.models.functions import Now
from django_q.models import Schedule


def bring_up_to_now() -> int:
    """No schedule that runs every few minutes is due longer than since now; returns how many were.

    django-q steps from the time at which one was due to the next that lies ahead, an interval at a time, in a transaction
    that holds its row. After years in which no queue ran, or in a restored database, those are millions of steps that a net
    must not wait for. What is due is run once in any case (`catch_up` is off). Schedules by the hour or longer keep their
    time of day: they are soon stepped.
    """
    moved: int = Schedule.objects.filter(schedule_type=Schedule.MINUTES, next_run__lt=Now()).update(next_run=Now())
    return moved
