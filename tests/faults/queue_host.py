"""A real queue, with the broker it has in production or with one that cannot be relied on."""

import contextlib
import os
import re
import signal
from collections.abc import Iterator, Mapping

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task

from tests.beside import beside
from tests.processes import ManageCommand, wait_until

STARTS_IN_S = 90.0
STOPS_IN_S = 30.0
CARRIES_OUT_IN_S = 90.0
NET = "runs.tasks.cast_the_net"


@contextlib.contextmanager
def the_queue(environment: Mapping[str, str] | None = None) -> Iterator[ManageCommand]:
    """`manage.py qcluster`, and nothing of it afterwards."""
    queue = beside("qcluster", environment={"SIGNALBOX_PROCESS": "queue", **(environment or {})})
    try:
        queue.wait_for_line("running", within_s=STARTS_IN_S)
        yield queue
    finally:
        queue.send(signal.SIGTERM)
        try:
            queue.wait(within_s=STOPS_IN_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(queue.pid, signal.SIGKILL)


def unreliable(
    faults: str, environment: Mapping[str, str] | None = None
) -> contextlib.AbstractContextManager[ManageCommand]:
    """A queue that does to every task what `faults` says (tests/faults/broker.py); it carries out this test's own tasks."""
    return the_queue(
        {
            **(environment or {}),
            "DJANGO_SETTINGS_MODULE": "tests.faults.queue_settings",
            "TASK_FAULTS": faults,
            "SECRET_KEY": settings.SECRET_KEY,  # tasks are signed with it
        }
    )


def queue_nets(*names: str) -> None:
    """A task of each name, which says "sweep once"; the broker sees all of them at the same moment."""
    with transaction.atomic():
        for name in names:
            async_task(NET, task_name=name)


def handed_out(queue: ManageCommand) -> list[int]:
    """How often each task is handed out to workers, in the order in which the unreliable broker had them."""
    found = (re.search(r"is handed out (\d) times", line) for line in tuple(queue.lines))
    return [int(one.group(1)) for one in found if one is not None]


def begun(queue: ManageCommand) -> list[str]:
    """The names of the tasks that workers have begun, in order, as often as each was begun."""
    lines = [line for line in tuple(queue.lines) if " processing " in line and NET in line]
    return [line.split(" processing ")[1].split()[0] for line in lines]


def carried_out(queue: ManageCommand) -> int:
    """How many tasks have succeeded; raises AssertionError where one failed."""
    assert not queue.said(f"Failed '{NET}'"), "\n".join(queue.lines)
    return sum(f"Processed '{NET}'" in line for line in tuple(queue.lines))


def wait_until_carried_out(queue: ManageCommand, *, tasks: int) -> None:
    """The broker has had so many tasks, and whatever it handed out has succeeded."""
    try:
        wait_until(
            lambda: len(handed_out(queue)) == tasks and carried_out(queue) == sum(handed_out(queue)),
            within_s=CARRIES_OUT_IN_S,
            what="every net",
        )
    except AssertionError as late:
        raise AssertionError("\n".join([str(late), *queue.lines])) from late
