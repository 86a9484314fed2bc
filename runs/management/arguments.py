"""What several commands take on their command line."""

import argparse
from uuid import UUID


def run_id(text: str) -> UUID:
    """The id of a run; whether there is one is another question."""
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no run id (a UUID)") from None
