"""A command that waits for leave before it begins.

Between the birth of a child and the moment the watcher hears of it, its parent may be killed. The child therefore
starts as a shell that waits for one line; if its parent dies first, the line never comes and nothing was started.
The shell then becomes the program (`exec`), under the same pid.
"""

from collections.abc import Sequence

GO = b"go\n"


def gated(command: Sequence[str]) -> list[str]:
    """The command, to be run with a pipe as standard input; it begins after `GO` was written there."""
    return ["/bin/sh", "-c", 'read -r go && exec "$0" "$@"', *command]
