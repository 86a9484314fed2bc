"""The fold's own copy of a state, as its slices work on it."""

from operator import itemgetter
from typing import cast

from runs.domain.events import JsonObject
from runs.domain.projection import bounds
from runs.domain.projection.shelf import Shelf
from runs.domain.projection.state import ProjectionState

Entries = list[JsonObject]
Vote = list[str]  # [proposal, participant, allow | deny]
Ballot = list[str | int]  # [proposal, allow, deny]
Tally = list[str | int]  # [sender, messages, signals, confidences, their sum in millionths]
Awaited = list[str | list[str]]  # [message id, recipients]


class Sketch:
    """A state taken apart: plain sections copied once, long lists behind shelves.

    Slices set members of the sections and put entries on the shelves. An entry or list that came from the state is
    replaced, never changed, so the state it was made from stays as it was.
    """

    __slots__ = (
        "agents",
        "artifacts",
        "ballots",
        "context",
        "costs",
        "decision",
        "edges",
        "expectation",
        "llm",
        "metrics",
        "nodes",
        "outbound",
        "participants",
        "policy",
        "presence",
        "progress",
        "recipients",
        "run",
        "seen",
        "signals",
        "tallies",
        "timeline",
        "totals",
        "trace",
        "vote_counts",
        "votes",
    )

    def __init__(self, state: ProjectionState) -> None:
        self._open_public(state.public)
        self._open_private(state.private)

    def _open_public(self, public: JsonObject) -> None:
        self.run = _section(public, "run")
        self.participants: Shelf[str, JsonObject] = Shelf(
            _entries(public, "participants"), itemgetter("participantId"), bounds.PARTICIPANTS
        )
        graph = _section(public, "graph")
        self.nodes: Shelf[str, JsonObject] = Shelf(_entries(graph, "nodes"), itemgetter("id"), bounds.NODES)
        self.edges: Shelf[tuple[str, str, str], JsonObject] = Shelf(
            _entries(graph, "edges"), itemgetter("from", "to", "kind"), bounds.EDGES
        )
        self.decision = _section(public, "decision")
        signals = _section(public, "signals")
        self.signals: Shelf[str, JsonObject] = Shelf(_entries(signals, "signals"), itemgetter("id"), bounds.SIGNALS)
        self.progress = _section(public, "progress")
        self.timeline = _section(public, "timeline")
        self.trace = _section(public, "trace")
        linked = cast(list[str], self.trace["linkedArtifacts"])
        self.artifacts: Shelf[str, str] = Shelf(linked, str, bounds.ARTIFACTS)
        self.outbound = cast(dict[str, int], _section(public, "outboundMessages"))
        self.policy = _section(public, "policy")
        tallies = cast(Entries, self.policy.get("voteTally", []))
        self.tallies: Shelf[str, JsonObject] = Shelf(tallies, itemgetter("commitmentId"), bounds.TALLIES)
        self.llm = _section(public, "llm")
        self.totals = _section(self.llm, "totals")

    def _open_private(self, private: JsonObject) -> None:
        self.context = _section(private, "context")
        seen = cast(list[str], self.context["seen"])
        self.seen: Shelf[str, str] = Shelf(seen, str, bounds.UNBOUNDED)
        self.metrics = _section(private, "metrics")
        self.presence = _section(private, "participants")
        awaited = cast(list[Awaited], _section(private, "graph")["recipients"])
        self.recipients: Shelf[str, Awaited] = Shelf(awaited, itemgetter(0), bounds.AWAITED_ECHOES)
        votes = _section(private, "votes")
        self.vote_counts = {"allow": cast(int, votes["allow"]), "deny": cast(int, votes["deny"])}
        self.votes: Shelf[tuple[str, str], Vote] = Shelf(
            cast(list[Vote], votes["cast"]), itemgetter(0, 1), bounds.VOTES
        )
        self.ballots: Shelf[str, Ballot] = Shelf(cast(list[Ballot], votes["ballots"]), itemgetter(0), bounds.BALLOTS)
        self.agents: Shelf[str, Tally] = Shelf(cast(list[Tally], private["agents"]), itemgetter(0), bounds.UNBOUNDED)
        self.expectation = _section(private, "policy")
        self.costs = cast(dict[str, int], _section(private, "llm"))

    def finished(self) -> ProjectionState:
        """The sketch as a state; the sketch must not be used after."""
        return ProjectionState(public=self._close_public(), private=self._close_private())

    def _close_public(self) -> JsonObject:
        self.trace["linkedArtifacts"] = self.artifacts.listed()
        self.llm["totals"] = self.totals
        if tallies := self.tallies.listed():
            self.policy["voteTally"] = tallies
        return {
            "run": self.run,
            "participants": self.participants.listed(),
            "graph": {"nodes": self.nodes.listed(), "edges": self.edges.listed()},
            "decision": self.decision,
            "signals": {"signals": self.signals.listed()},
            "progress": self.progress,
            "timeline": self.timeline,
            "trace": self.trace,
            "outboundMessages": self.outbound,
            "policy": self.policy,
            "llm": self.llm,
        }

    def _close_private(self) -> JsonObject:
        self.context["seen"] = self.seen.listed()
        return {
            "context": self.context,
            "metrics": self.metrics,
            "participants": self.presence,
            "graph": {"recipients": self.recipients.listed()},
            "votes": {**self.vote_counts, "cast": self.votes.listed(), "ballots": self.ballots.listed()},
            "policy": self.expectation,
            "llm": self.costs,
            "agents": self.agents.listed(),
        }


def _section(parent: JsonObject, name: str) -> JsonObject:
    return dict(cast(JsonObject, parent[name]))


def _entries(parent: JsonObject, name: str) -> Entries:
    return cast(Entries, parent[name])
