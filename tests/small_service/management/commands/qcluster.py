"""Stands in for a process of the service: says that it is there, then waits for its end."""

import signal

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Waits for SIGTERM."""

    def handle(self, **options: object) -> None:
        """Runs until a signal ends the process."""
        self.stdout.write("here")
        self.stdout.flush()
        signal.pause()
