"""The figures of a run and of its agents equal a recount of the log, in whatever batches it came (E10)."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from runs.domain.events import Event
from runs.domain.projection import Figures, dump, empty, figures_of, fold, load
from tests.event_logs import event_logs
from tests.run_log import RUN_ID, Log

ASSURING = {"signal.emitted", "proposal.created", "proposal.updated", "decision.finalized"}


def recounted(log: list[Event]) -> dict[str, list[int]]:
    """Messages, signals, confidences and their sum in millionths, by sender."""
    agents: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for event in log:
        sender = event.data.get("sender")
        payload = event.data.get("decodedPayload") or {}
        confidence = payload.get("confidence") if event.type in ASSURING and isinstance(payload, dict) else None
        for place, step in (
            (0, event.type == "message.received"),
            (1, event.type == "signal.emitted"),
            (2, confidence is not None),
            (3, round((confidence or 0) * 1_000_000)),
        ):
            if isinstance(sender, str) and step:
                agents[sender][place] += step
    return dict(agents)


@given(event_logs(), st.data())
def test_figures_equal_a_recount_however_the_log_was_split(log: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(log)))
    stored = dump(fold(empty(str(RUN_ID)), log[:cut]))
    state = fold(load(*stored), log[cut:])
    calls = [event.data for event in log if event.type == "llm.call.completed"]

    figures = figures_of(state)
    assert figures.agents == recounted(log)
    assert figures.signal_count == sum(event.type == "signal.emitted" for event in log)
    assert figures.total_tokens == sum(call["totalTokens"] for call in calls)  # type: ignore[misc]
    assert figures.cost_micro_usd == sum(round(call["estimatedCostUsd"] * 1_000_000) for call in calls)  # type: ignore[operator]


def test_a_confidence_that_is_none_does_not_count() -> None:
    log = Log()
    for confidence in (0.25, 1, 0, -0.1, 1.1, True, "0.5", None, float("nan")):
        log.answer("alice", "Evaluation", "p1", {"confidence": confidence})

    assert figures_of(fold(empty(str(RUN_ID)), log.events)).agents == {"alice": [0, 0, 3, 1_250_000]}


def test_an_outcome_is_positive_negative_or_neither() -> None:
    outcomes = {}
    for action in ("decision.selected", "decision.rejected", "done"):
        log = Log()
        log.derive("decision.finalized", "lead", "Commitment", {"action": action}, ("decision", "c1"))
        outcomes[action] = figures_of(fold(empty(str(RUN_ID)), log.events)).outcome

    assert outcomes == {"decision.selected": 1, "decision.rejected": -1, "done": 0}
    assert figures_of(empty(str(RUN_ID))) == Figures(0, 0, 0, 0, {})
