"""Operators' own redaction patterns: vetted before use, and run in windows, so that none can stall the process.

Python's engine backtracks and knows no time limit. A pattern is therefore refused where its worst case could grow
beyond `STEP_LIMIT` tries from one position of a window of `WINDOW` characters.
"""

import re
from collections.abc import Iterator

WINDOW = 512
"""Characters one search may look at; a secret of up to three quarters of it is always found whole."""

LENGTH_LIMIT = 200
STEP_LIMIT = 4096

_OVERLAP = WINDOW // 4
_TOKEN = re.compile(
    r"""
      (?P<reference> \\[1-9] | \(\?P= )
    | (?P<plain>     \\. | \[\^?\]?(?:\\.|[^\]\\])*\] )
    | (?P<flags>     \(\?[aims]+\) )
    | (?P<open>      \(\?: | \(\?P<\w+> | \(\?<?[=!] | \((?!\?) )
    | (?P<unknown>   \(\? )
    | (?P<close>     \) )
    | (?P<branch>    \| )
    | (?P<repeat>    (?: [*+?] | \{\d+\} | \{\d*,\d*\} ) [?+]? )
    | (?P<other>     . )
    """,
    re.VERBOSE | re.DOTALL,
)


def vetted(pattern: str) -> re.Pattern[str]:
    """`pattern`, compiled. Raises ValueError, naming it, where it is no expression or could stall the process."""
    fault = _fault(pattern)
    if fault is not None:
        raise ValueError(f"redaction pattern {pattern[:LENGTH_LIMIT]!r}: {fault}")
    return re.compile(pattern)


def masked_by(expression: re.Pattern[str], text: str, mask: str) -> str:
    """`text` with every match replaced by `mask`; the same object where there is none."""
    parts: list[str] = []
    end = 0
    for start, stop in _matches(expression, text):
        parts += (text[end:start], mask)
        end = stop
    return "".join((*parts, text[end:])) if parts else text


def _matches(expression: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(text):
        edge = min(at + WINDOW, len(text))
        found = expression.search(text, at, edge)
        if found is None:
            at = len(text) if edge == len(text) else edge - _OVERLAP
        elif found.end() == found.start():
            at = found.end() + 1
        elif found.end() == edge < len(text) and found.start() > at:
            at = found.start()  # it may go on beyond the window: look again from where it begins
        else:
            yield found.span()
            at = found.end()


def _fault(pattern: str) -> str | None:
    if len(pattern) > LENGTH_LIMIT:
        return f"longer than {LENGTH_LIMIT} characters"
    try:
        expression = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"not a regular expression ({error})"
    if expression.search("") is not None:
        return "matches the empty text"
    return _Estimate().fault(pattern)


class _Group:
    def __init__(self) -> None:
        self.varies = False  # holds a repeat or an alternative: repeating it multiplies the ways to match
        self.branches = 1


class _Estimate:
    """How many ways a pattern can try from one position; over-estimates, never under-estimates."""

    def __init__(self) -> None:
        self._steps = 1
        self._groups = [_Group()]
        self._closed: _Group | None = None  # the group that a following repeat would apply to

    def fault(self, pattern: str) -> str | None:
        """Why the pattern is refused, or None."""
        for token in _TOKEN.finditer(pattern):
            fault = self._take(token, at_end=token.end() == len(pattern))
            if fault is not None:
                return fault
        if self._steps > STEP_LIMIT:
            return "too many open-ended repeats or alternatives; bound them, as in {1,32}"
        return None

    def _take(self, token: re.Match[str], *, at_end: bool) -> str | None:
        kind, closed, self._closed = token.lastgroup, self._closed, None
        if kind in ("reference", "unknown"):
            return "back-references, conditionals, comments and verbose mode are not supported"
        if kind == "open":
            self._groups.append(_Group())
        elif kind == "close":
            self._close()
        elif kind == "branch":
            self._groups[-1].branches += 1
        elif kind == "repeat":
            return self._repeat(token.group(), closed, at_end=at_end)
        return None

    def _close(self) -> None:
        closed = self._groups.pop()
        self._steps *= closed.branches
        closed.varies = closed.varies or closed.branches > 1
        self._groups[-1].varies |= closed.varies
        self._closed = closed

    def _repeat(self, text: str, closed: _Group | None, *, at_end: bool) -> str | None:
        low, high = _bounds(text)
        if high > 1 and closed is not None and closed.varies:
            return "a repeat or an alternative inside a repeat"
        self._groups[-1].varies |= high > 1
        if not at_end:  # nothing that follows could make the last repeat try again
            self._steps *= max(high - low + 1, 1)
        return None


def _bounds(repeat: str) -> tuple[int, int]:
    if repeat[0] != "{":
        return {"*": (0, WINDOW), "+": (1, WINDOW), "?": (0, 1)}[repeat[0]]
    low, comma, high = repeat[1 : repeat.index("}")].partition(",")
    least = min(int(low or 0), WINDOW)
    if not comma:
        return least, least
    return least, min(int(high), WINDOW) if high else WINDOW
