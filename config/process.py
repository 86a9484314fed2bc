"""What this process is called, in its logs and at the database."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

NAME_OF_COMMAND = {
    "serve_web": "web",
    "observe_runs": "observer",
    "qcluster": "queue",
    "up": "supervisor",
}


def process_name(argv: Sequence[str]) -> str:
    """`SIGNALBOX_PROCESS`, else a name that follows from the command line."""
    given = os.environ.get("SIGNALBOX_PROCESS", "").strip()
    if given:
        return given
    # Workers of a parallel test session have no telling command line.
    if "pytest" in sys.modules:
        return "test"
    program = Path(argv[0]).name if argv else ""
    command = argv[1] if program in {"manage.py", "django-admin"} and len(argv) > 1 else program
    return NAME_OF_COMMAND.get(command, command.lstrip("-") or "python")
