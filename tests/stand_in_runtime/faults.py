"""What goes wrong, and when: `--fault NAME@N`, each once unless it says otherwise."""

from collections import Counter
from collections.abc import Sequence

OF_THE_STREAM = {
    "drop": "the stream breaks instead of delivering ordinal N",
    "close": "the stream ends without an error instead of delivering ordinal N",
    "inline": "an error frame comes before ordinal N",
    "double": "ordinal N is delivered twice",
    "swap": "ordinal N is delivered after its successor",
    "skip": "ordinal N is left out; every later subscription replays it",
    "rewind": "the stream begins again at ordinal 1 before it delivers ordinal N",
    "mute": "instead of delivering ordinal N the stream says nothing more, and stays open",
    "forge": "ordinal N is followed by another message under the same id",
    "forget": "instead of delivering ordinal N the session is gone, for every call from now on",
    "suspend": "before ordinal N the session is suspended for a second; only with the script load and a rate",
    "silent": "the N-th subscription is never answered",
}
OF_THE_LOG = {
    "poison": "the N-th entry of every session's log is a frame that cannot be read, at every replay",
    "big": "the N-th entry of every session's log carries 10 MB, at every replay",
    "strange": "the N-th entry of every session's log is of a mode, a type and a version nobody knows, at every replay",
}
OF_ANSWERS = {
    "refuse": "the N-th message is refused (INTERNAL_ERROR) and leaves no trace",
    "lose": "the answer to the N-th message is lost after the message was accepted",
    "lose-start": "the answer to the N-th SessionStart is lost after the session was opened",
}
OF_THE_END = {
    "end-twice": "the N-th end of a session is told twice",
    "end-otherwise": "after its N-th end a session is told to have been cancelled, and is from then on",
    "talk-on": "N more messages follow the Commitment that ended a session, in every session",
}
NAMES = {**OF_THE_STREAM, **OF_THE_LOG, **OF_ANSWERS, **OF_THE_END}


class Faults:
    """The faults that are still to happen."""

    def __init__(self, wanted: Sequence[str] = ()) -> None:
        self._due: set[tuple[str, int]] = set()
        self._counted: Counter[str] = Counter()
        for fault in wanted:
            self.add(fault)

    def add(self, fault: str) -> None:
        """One more is to happen."""
        name, _, number = fault.partition("@")
        if name not in NAMES:
            raise ValueError(f"unknown fault {name}: one of {', '.join(NAMES)}")
        self._due.add((name, int(number or 1)))

    def at(self, name: str, number: int) -> bool:
        """True once, where fault `name` is due at `number`."""
        if (name, number) not in self._due:
            return False
        self._due.discard((name, number))
        return True

    def next(self, name: str) -> bool:
        """True if fault `name` is due at this, the next occasion."""
        self._counted[name] += 1
        return self.at(name, self._counted[name])

    def lasts(self, name: str, ordinal: int) -> bool:
        """True if the log entry of this ordinal is of such a kind: for every session, and for ever."""
        return (name, ordinal) in self._due

    def number_of(self, name: str) -> int:
        """The N of a fault that says how many, 0 without it."""
        return max((number for due, number in self._due if due == name), default=0)
