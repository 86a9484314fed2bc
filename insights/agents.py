"""What each agent has said in the runs of a window, by the sender of what was said."""

from typing import NamedTuple
from uuid import UUID

from insights.counting import counted, one_moment
from insights.window import Window
from runs.domain.events import JsonObject

MOST = 1000
_PLACES = 4

# Numbers are added as doubles, which is exact up to 2^53 and faster than the numeric that bigints become.
_BY_SENDER = """
SELECT agent.key, count(*), sum((agent.value -> 1)::float8), sum((agent.value -> 0)::float8),
       sum((agent.value -> 3)::float8) / nullif(sum((agent.value -> 2)::float8), 0) / 1000000
  FROM picked JOIN runs_projection AS state ON state.run_id = picked.id CROSS JOIN jsonb_each(state.agents) AS agent
 GROUP BY agent.key ORDER BY 4 DESC, 1 LIMIT %s
"""


class _Agent(NamedTuple):
    participant_id: str
    runs: int
    signals: float
    messages: float
    average_confidence: float | None


def agent_metrics(project_id: UUID, window: Window) -> list[JsonObject]:
    """The answer of GET /dashboard/agents/metrics: those with the most messages first, at most `MOST`."""
    with one_moment():
        return [_document(agent) for agent in counted(_Agent, project_id, window, _BY_SENDER, MOST)]


def _document(agent: _Agent) -> JsonObject:
    confidence = agent.average_confidence
    return {
        "participantId": agent.participant_id,
        "runs": agent.runs,
        "signals": round(agent.signals),
        "messages": round(agent.messages),
        "averageConfidence": None if confidence is None else round(confidence, _PLACES),
    }
