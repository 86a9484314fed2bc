"""A progress bar for long commands: on a terminal only, on standard error, so that output can be piped."""

import sys
from types import TracebackType

WIDTH = 30


class Progress:
    """Use as a context manager; the line is gone at its end."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_shown = sys.stderr.isatty()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")

    def at(self, done: int, of: int) -> None:
        """The bar shows `done` of `of`."""
        if self._is_shown and of:
            filled = WIDTH * done // of
            sys.stderr.write(f"\r{self._what} [{'#' * filled}{'.' * (WIDTH - filled)}] {done} of {of}\x1b[K")
            sys.stderr.flush()
