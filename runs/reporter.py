"""Reporter: every ten seconds what this process has counted is added to the sums of all processes, each figure once.

A report has a number, and the sums grow in the transaction that takes it (MetricSource). A report whose outcome is unknown
is repeated under its number, with the same figures, until an attempt comes through: it then counts if no earlier one did.
What is counted meanwhile waits for the next report, so a database that is away loses nothing. A process that dies
loses what it had not handed over: at most the last ten seconds, and what a database that was away kept waiting.
"""

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import close_old_connections, connection, transaction

from runs.metrics import ALL, Counter, Gauge, Histogram
from runs.metrics.kinds import LE
from runs.metrics.tally import TALLY, Series, Tally
from runs.models import Metric, MetricSource
from runs.models.identity import uuid7
from runs.models.metric import label_text

log = logging.getLogger("signalbox.metrics")

EVERY_S = 10.0
LAST_WORDS_S = 1.0

Report = list[tuple[str, str, float]]  # name and labels of a sum, and by how much it grows
Gauges = Mapping[str, float]

_LABELS: dict[str, tuple[str, ...]] = {
    **{one.name: one.labels for one in ALL if isinstance(one, Counter)},
    **{one.bucket_name: (*one.labels, LE) for one in ALL if isinstance(one, Histogram)},
    **{one.sum_name: one.labels for one in ALL if isinstance(one, Histogram)},
}


class Reporter:
    """Hands over what one process counts. Safe between threads; a forked child is a process of its own."""

    _id: UUID
    _number: int  # of the last report that is in the sums for sure
    _pending: Report | None  # taken from the tally, and not in the sums for sure
    _told: Gauges
    _thread: threading.Thread | None

    def __init__(self, tally: Tally = TALLY) -> None:
        self._tally = tally
        self._begin_anew()
        os.register_at_fork(after_in_child=self._begin_anew)

    def start(self) -> None:
        """From now on a thread reports every ten seconds."""
        self._thread = threading.Thread(target=self._again_and_again, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """What was counted is handed over, and the gauges are taken back, if the database takes a second at most."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(LAST_WORDS_S)

    def report(self) -> None:
        """What was counted until now is in the sums. Raises a database error where that is not sure: nothing is lost then."""
        with self._lock:
            if self._pending is not None:
                self._send(self._pending)
            self._pending = _report_of(self._tally.take())
            self._send(self._pending)

    def _send(self, report: Report) -> None:
        gauges = self._gauges()
        if report or any(gauges.values()) or any(self._told.values()):
            self._store(report, gauges)
        self._pending, self._told = None, gauges

    def _store(self, report: Report, gauges: Gauges) -> None:
        number = self._number + 1
        with transaction.atomic():
            is_first = MetricSource.objects.take_report(
                self._id,
                number,
                process=settings.SIGNALBOX_PROCESS,
                host=socket.gethostname(),
                process_id=os.getpid(),
                gauges=label_text(gauges),
            )
            if is_first and report:
                Metric.objects.add_all(report)
        self._number = number

    def _gauges(self) -> Gauges:
        if self._stopped.is_set():
            return {}
        return {one.name: one.value() for one in ALL if isinstance(one, Gauge)}

    def _begin_anew(self) -> None:
        self._id, self._number = uuid7(), 0
        self._pending, self._told = None, {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = None
        self._is_away = False

    def _again_and_again(self) -> None:
        while not self._stopped.wait(EVERY_S):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            close_old_connections()
            self.report()
            self._is_away = False
        except (DatabaseFault, psycopg.Error) as error:
            if not self._is_away:
                log.warning("what is counted waits until the database takes it: %s", error)
            self._is_away = True
        except Exception:
            log.exception("figures could not be reported; they are kept")
        finally:
            connection.close()


def _report_of(sums: Mapping[Series, float]) -> Report:
    return [
        (name, label_text(dict(zip(_LABELS[name], values, strict=True))), delta)
        for (name, values), delta in sums.items()
    ]


reporter = Reporter()


@contextlib.contextmanager
def reporting() -> Iterator[None]:
    """While the block lasts this process reports what it counts; at its end nothing is kept back."""
    reporter.start()
    try:
        yield
    finally:
        reporter.stop()
