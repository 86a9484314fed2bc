"""Who sits at a command line."""

import getpass
import os
import socket

from runs.audit import Actor


def operator() -> Actor:
    """Whoever sits at the command line, as the audit list names them."""
    try:
        person = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        person = f"uid {os.getuid()}"
    return Actor(name=f"{person}@{socket.gethostname()}", kind="system")
