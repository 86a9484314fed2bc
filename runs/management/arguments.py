"""What commands that look at runs have in common on their command line."""

import argparse
from uuid import UUID

from django.core.management.base import CommandError

UNKNOWN_RUN = 4


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """--run and --json."""
    parser.add_argument("--run", type=run_id, metavar="ID", help="this run alone")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run_id(text: str) -> UUID:
    """The id of a run on a command line."""
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no run id (a UUID)") from None


def unknown_run(wanted: UUID) -> CommandError:
    """What to raise where there is no such run."""
    return CommandError(f"there is no run {wanted}", returncode=UNKNOWN_RUN)
