"""A run that a dozen agents talk in for long: proposals, votes, signals, progress, notes, recorded as an observer does it."""

from collections.abc import Iterator
from itertools import count, islice

from runs.domain.events import Observation
from runs.models import Run
from runs.recorder import record
from tests.cast import running_run
from tests.scenarios import envelope, signal, unknown

AGENTS = tuple(f"agent-{number}" for number in range(12))
ROUND = 100  # messages after which the mix repeats
BATCH = 250
TEXT = "the warehouse answers, but slowly: three of five shelves are counted " * 5


class LongRun:
    """A running run and what will be said in it next."""

    def __init__(self, events: int) -> None:
        self.run: Run = running_run()
        self._said = _talk()
        while self.last_seq < events:
            self.goes_on(min(BATCH, max(1, (events - self.last_seq) // 2)))

    @property
    def last_seq(self) -> int:
        """How many events it has."""
        return int(Run.objects.values_list("last_seq", flat=True).get(id=self.run.id))

    def goes_on(self, messages: int = 1) -> None:
        """So many messages more."""
        record(self.run.id, list(islice(self._said, messages)), epoch=None)


def _talk(first: int = 0) -> Iterator[Observation]:
    for number in count(first):
        round_, place = divmod(number, ROUND)
        sender, name, proposal = AGENTS[number % len(AGENTS)], f"m-{number}", f"p-{round_}"
        if place == 0:
            yield envelope(name, sender, "Proposal", {"proposalId": proposal, "option": f"option {round_}"})
        elif place <= 10:
            said = {"proposalId": proposal, "recommendation": "APPROVE", "confidence": place / 10, "reason": TEXT[:60]}
            yield envelope(name, sender, "Evaluation", said)
        elif place <= 20:
            vote = "APPROVE" if place % 3 else "REJECT"
            yield envelope(name, sender, "Vote", {"proposalId": proposal, "vote": vote, "reason": TEXT[:60]})
        elif place <= 25:
            yield signal(name, sender, f"shelf-{number}", {"severity": "high", "shelf": number}, confidence=0.5)
        elif place <= 35:
            yield envelope(name, sender, "Progress", {"progress": place, "total": 100.0, "message": TEXT[:40]})
        else:
            yield unknown(name, sender, "Note", {"text": TEXT, "number": number})
