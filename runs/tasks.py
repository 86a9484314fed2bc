"""Thin entries for the queue. A task means "look whether there is work of this kind"; it may be lost, doubled or late."""

import subprocess
import sys

from django.conf import settings

NET_SECONDS = 40  # below the queue's own limit for a task


def cast_the_net() -> str:
    """One sweep has run in a process of its own: an event loop and its channels have no place in a forked worker.

    Raises CalledProcessError or TimeoutExpired, which the queue keeps with the task.
    """
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "sweep", "--once"]
    swept = subprocess.run(command, check=True, timeout=NET_SECONDS, capture_output=True, text=True)  # noqa: S603 - our own
    return swept.stdout.strip()[-500:]
