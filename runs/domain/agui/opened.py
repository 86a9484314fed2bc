"""What one stream has opened and not closed yet. Texts and calls of tools are whole events: they are closed at once."""

from dataclasses import dataclass, field

_CALLS = 1_000  # without an answer, of which a late one is still known


@dataclass(slots=True)
class Opened:
    """The participants that were announced, what each is at, the phase of the run, and the tools that owe a result."""

    run_id: str
    phase: str | None = None
    steps: dict[str, str] = field(default_factory=dict)  # by participant
    calls: dict[str, str] = field(default_factory=dict)  # by the agent's own id: the id it has in the stream
    _participants: dict[str, None] = field(default_factory=dict)  # in the order of their coming

    @property
    def participants(self) -> list[str]:
        """Whoever was announced, in that order."""
        return list(self._participants)

    def subagent(self, participant: str) -> str:
        """The name a participant has in this run alone."""
        return f"{self.run_id}:{participant}"

    def enter(self, participant: str) -> bool:
        """The participant is announced; False if that is nothing new."""
        is_new = participant not in self._participants
        self._participants[participant] = None
        return is_new

    def call(self, known_as: str, call_id: str) -> str:
        """A tool owes a result; the calls that have waited longest are forgotten."""
        self.calls[known_as] = call_id
        while len(self.calls) > _CALLS:
            del self.calls[next(iter(self.calls))]
        return call_id
