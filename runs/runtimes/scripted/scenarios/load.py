"""Load: any number of messages in a fixed mix, computed one by one, so that a million of them cost no memory."""

from collections.abc import Sequence

from runs.domain.events import SessionState
from runs.runtimes.scripted.scenarios.script import Cast, Line

FILLER_TYPE = "LoadMessage"  # unknown to every mode: recorded, but nothing is derived from it
_ROUND = 100  # messages after which the mix repeats
_PROPOSALS, _EVALUATIONS, _VOTES = 1, 10, 9  # of each round; the rest is filler


class LoadScript:
    """1 % proposals, 10 % evaluations, 9 % votes; the rest are fillers of `payload_bytes` bytes of JSON."""

    def __init__(self, cast: Cast, *, events: int, payload_bytes: int) -> None:
        self.length = events
        self.outcome: SessionState | None = SessionState.RESOLVED
        self._cast = cast
        self._filler = filler(payload_bytes)

    def line(self, number: int) -> Line:
        """Session line `number`, from 1 to `length`."""
        round_, place = divmod(number - 1, _ROUND)
        others = self._cast.others
        sender = others[number % len(others)]
        if place >= _PROPOSALS + _EVALUATIONS + _VOTES:
            return Line(sender, FILLER_TYPE, self._filler)
        proposal = f"proposal-{round_ + 1}"
        if place < _PROPOSALS:
            return Line(self._cast.initiator, "Proposal", {"proposalId": proposal, "option": f"option {round_ + 1}"})
        if place < _PROPOSALS + _EVALUATIONS:
            confidence = 0.5 + place / 25
            return Line(
                sender, "Evaluation", {"proposalId": proposal, "recommendation": "APPROVE", "confidence": confidence}
            )
        return Line(sender, "Vote", {"proposalId": proposal, "vote": "APPROVE" if place % 3 else "REJECT"})

    def asides(self, number: int) -> Sequence[Line]:
        """None: load has no asides."""
        return ()


def filler(size: int) -> bytes:
    """Exactly `size` bytes of JSON (nothing at all for 0; a number where an object does not fit)."""
    frame = b'{"text":""}'
    if size < len(frame):
        return b"1" * size
    return frame[:-2] + b"x" * (size - len(frame)) + frame[-2:]
