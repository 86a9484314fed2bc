"""GET /dashboard/agents/metrics: what is shown of each agent equals a recount of the logs (E10)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import orjson
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insights.counting import database_now
from runs.domain.events import Observation
from runs.models import Event, Run
from runs.recorder import record
from tests.cast import envelope, running_run
from tests.integration.insights import conversations as said

pytestmark = pytest.mark.django_db

Shown = list[dict[str, object]]
PEOPLE = ("alice", "bob", 'Ünïcode "quoted"', "{}")


def asked(caller: Client, **query: str) -> Shown:
    response = caller.get("/dashboard/agents/metrics", query)
    assert response.status_code == 200, response.content
    shown: Shown = response.json()
    return shown


def recounted(runs: Sequence[Run]) -> Shown:
    """The answer, made by reading every event of these runs."""
    where, messages, signals = defaultdict(set), defaultdict(int), defaultdict(int)
    confidences = defaultdict(list)
    for event in Event.objects.filter(run_id__in=[run.id for run in runs]):
        data = orjson.loads(event.data)
        sender = data.get("sender")
        confidence = data.get("decodedPayload", {}).get("confidence")
        if event.type == "message.received":
            messages[sender] += 1
            where[sender].add(event.run_id)
        if event.type == "signal.emitted":
            signals[sender] += 1
        if confidence is not None:
            confidences[sender].append(confidence)
    shown: Shown = [
        {
            "participantId": sender,
            "runs": len(where[sender]),
            "signals": signals[sender],
            "messages": count,
            "averageConfidence": _mean(confidences[sender]),
        }
        for sender, count in messages.items()
    ]
    return sorted(shown, key=lambda agent: (-int(str(agent["messages"])), str(agent["participantId"])))


def _mean(values: list[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


people = st.sampled_from(PEOPLE)
observations = (
    st.builds(lambda who: said.said(who, "Note", {}), people)
    | st.builds(lambda who: said.signalled(who, "alarm", confidence=0.25), people)
    | st.builds(said.proposed, people, st.sampled_from([0.125, 0.5, 1.0]))
    | st.builds(lambda who: said.said(who, "Vote", {"proposalId": "p1", "vote": "APPROVE"}), people)
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(observations, max_size=12), max_size=4), st.integers(0, 12))
def test_counts_equal_a_recount_of_the_log_e10(caller: Client, logs: list[list[Observation]], cut: int) -> None:
    Run.objects.update(created_at=database_now() - timedelta(days=2))  # of the example before
    runs = []
    for log in logs:
        run = running_run()
        for part in (log[:cut], log[cut:]):
            record(run.id, part, epoch=None)
        runs.append(run)
    shown, expected = asked(caller), recounted(runs)

    assert sorted(shown, key=str) == sorted(expected, key=str)
    assert [agent["messages"] for agent in shown] == [agent["messages"] for agent in expected]


def test_the_window_and_its_filters_choose_the_runs(caller: Client) -> None:
    one = said.talked(envelope(1, sender="one"), source_ref="pack/one")
    said.talked(envelope(2, sender="two"), metadata={"environment": "staging"})
    old = said.talked(envelope(3, sender="old"))
    Run.objects.filter(id=old.id).update(created_at=database_now() - timedelta(days=2))
    Run.objects.filter(id=said.talked(envelope(4, sender="sand")).id).update(mode="sandbox")

    def names(**query: str) -> list[object]:
        return [agent["participantId"] for agent in asked(caller, **query)]

    assert names() == ["one", "two"]
    assert names(window="7d") == ["old", "one", "two"]
    assert names(scenarioRef="pack/one") == ["one"]
    assert names(environment="staging") == ["two"]
    assert recounted([one]) == asked(caller, scenarioRef="pack/one")


def test_without_runs_there_is_nobody(caller: Client) -> None:
    assert asked(caller) == []
