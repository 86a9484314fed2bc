"""A run on a terminal: a line per event, a line that stays for how it stands, and how it ended."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping

from runs.streaming.words import JsonObject, plain, speaker, words

BAR_CELLS = 16
_MARKS = {"idle": "·", "active": "●", "waiting": "…", "completed": "✓", "failed": "✗", "skipped": "–"}
_STYLES = {"dim": "2", "bold": "1", "good": "32", "bad": "31", "warn": "33", "live": "36"}
_STATUS_STYLES = {"completed": "good", "failed": "bad", "cancelled": "warn", "suspended": "warn"}
_ERASE_LINE = "\r\x1b[K"

Span = tuple[str, str]  # text and the name of its style, or ""


class Screen:
    """Writes a run; with `live`, on a terminal, the last line shows how the run stands and is rewritten in place."""

    def __init__(self, write: Callable[[str], object], *, live: bool, colours: bool, width: Callable[[], int]) -> None:
        self._write, self._live, self._colours, self._width = write, live, colours, width
        self._state: JsonObject = {}
        self._status = ""

    def event(self, event: JsonObject) -> None:
        """The event stands on a line of its own."""
        self._print(event_line(event))

    def state(self, state: JsonObject) -> None:
        """The status line shows this projection."""
        self._state = state
        if self._live:
            self._status = paint(fit(status_line(state), self._width() - 1), self._colours)
            self._write(_ERASE_LINE + self._status)

    def ending(self, end: JsonObject) -> None:
        """How the run ended is said, and the status line is gone."""
        self.clear()
        for line in ending_lines(self._state, end):
            self._print(line)

    def clear(self) -> None:
        """The status line is gone."""
        if self._status:
            self._write(_ERASE_LINE)
        self._status = ""

    def _print(self, line: Iterable[Span]) -> None:
        erase = _ERASE_LINE if self._status else ""
        self._write(f"{erase}{paint(line, self._colours)}\n{self._status}")


def event_line(event: JsonObject) -> list[Span]:
    """Time (UTC), number, who, what."""
    kind = str(event.get("type"))
    family, _, name = kind.partition(".")
    style = _STATUS_STYLES.get(name, "") if family == "run" else "bad" if name in ("send_failed", "denied") else ""
    return [
        (f"{str(event.get('ts'))[11:23]} ", "dim"),
        (f"{event.get('seq'):>5} ", "dim"),
        (f"{plain(speaker(event)):<16} ", "bold"),
        (words(event), style),
    ]


def status_line(state: JsonObject) -> list[Span]:
    """Status, participants, votes and progress of a projection."""
    status = plain(_object(state, "run").get("status", "queued"))
    line: list[Span] = [(status, _STATUS_STYLES.get(status, "live"))]
    for participant in _objects(state, "participants"):
        mark = _MARKS.get(str(participant.get("status")), "?")
        style = {"●": "live", "✓": "good", "✗": "bad"}.get(mark, "dim")
        line += [("  ", ""), (f"{mark} {plain(participant.get('participantId'))}", style)]
    for part in (votes(state), progress(state)):
        if part:
            line += [("  │ ", "dim"), (part, "")]
    return line


def votes(state: JsonObject) -> str:
    """The tally of the latest proposal that was voted on, or nothing."""
    tallies = _objects(_object(state, "policy"), "voteTally")
    if not tallies:
        return ""
    tally, quorum = tallies[-1], _object(tallies[-1], "quorum")
    return (
        f"votes {tally.get('allow', 0)} for, {tally.get('deny', 0)} against"
        f" ({quorum.get('cast', 0)} of {quorum.get('required', 0)})"
    )


def progress(state: JsonObject) -> str:
    """The latest progress as a bar, or nothing."""
    entries = [one for one in _objects(_object(state, "progress"), "entries") if _number(one.get("percentage"))]
    if not entries:
        return ""
    percentage = min(100.0, max(0.0, float(str(entries[-1]["percentage"]))))
    filled = round(percentage / 100 * BAR_CELLS)
    bar = "█" * filled + "░" * (BAR_CELLS - filled)
    return f"{bar} {percentage:.0f} % {plain(entries[-1].get('message', ''))}".rstrip()


def ending_lines(state: JsonObject, end: JsonObject) -> list[list[Span]]:
    """What stands below the last event: who did how, the votes, and the ending with its code and reason."""
    status = plain(end.get("status"))
    lines: list[list[Span]] = [[]]
    for participant in _objects(state, "participants"):
        mark = _MARKS.get(str(participant.get("status")), "?")
        name, doing = plain(participant.get("participantId")), plain(participant.get("status"))
        lines.append([(f"  {mark} {name:<20} ", ""), (doing, "dim")])
    if tally := votes(state):
        lines.append([(f"  {tally}", "")])
    reason = f": {plain(end['error'])}" if end.get("error") else ""
    lines.append([(f"{status} ({plain(end.get('code'))}){reason}", _STATUS_STYLES.get(status, ""))])
    return lines


def fit(line: Iterable[Span], cells: int) -> list[Span]:
    """The beginning of the line that fits into so many cells; a wide character takes two."""
    kept: list[Span] = []
    for text, style in line:
        taken = ""
        for character in text:
            cells -= 0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
            if cells < 0:
                return [*kept, (taken, style)]
            taken += character
        kept.append((taken, style))
    return kept


def paint(line: Iterable[Span], colours: bool) -> str:
    """The line as text, coloured or plain."""
    return "".join(f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if colours and style else text for text, style in line)


def wants_colours(is_terminal: bool, environment: Mapping[str, str]) -> bool:
    """True on a terminal, unless NO_COLOR says otherwise."""
    return is_terminal and not environment.get("NO_COLOR")


def _object(holder: JsonObject, name: str) -> JsonObject:
    value = holder.get(name)
    return value if isinstance(value, Mapping) else {}


def _objects(holder: JsonObject, name: str) -> list[JsonObject]:
    value = holder.get(name)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
