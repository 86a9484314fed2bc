"""The queue process: django-q's own command, after its schedules were brought up to now."""

import logging
import signal
from multiprocessing.util import Finalize
from types import FrameType

from django.db import Error as DatabaseFault
from django.db import connections
from django_q.management.commands import qcluster
from django_q.signals import post_spawn

from config.schedules import bring_up_to_now
from runs.queue_stop import announce_stop  # loaded before the fork
from runs.reporter import reporter

log = logging.getLogger("signalbox.queue")


class Command(qcluster.Command):  # type: ignore[misc]  # django-q has no types
    """Runs the queue until SIGTERM or SIGINT."""

    def handle(self, *args: object, **options: object) -> None:
        """The cluster has run, with no schedule to catch up with."""
        try:
            bring_up_to_now()
        except DatabaseFault as error:  # the cluster waits for its database by itself
            log.warning("schedules of the queue could not be brought up to now: %s", error)
        finally:
            connections.close_all()  # the cluster forks: no process may share a connection
        post_spawn.connect(report)
        super().handle(*args, **options)
        for number in (signal.SIGTERM, signal.SIGINT):
            announce_at(number)


def announce_at(number: signal.Signals) -> None:
    """The workers learn of the signal as well, so that a long task ends soon; the cluster does what it does."""
    cluster = signal.getsignal(number)

    def announced(number: int, frame: FrameType | None) -> None:
        announce_stop()
        if callable(cluster):
            cluster(number, frame)

    signal.signal(number, announced)


def report(**told: object) -> None:
    """This worker, which has just been forked, reports what its tasks count, and once more at its end."""
    reporter.start()
    Finalize(None, reporter.stop, exitpriority=1)
