"""What this process counts, without what other tests of the session have left behind; and what /metrics says."""

from prometheus_client.parser import text_string_to_metric_families

from runs.metrics import BREAKERS, RUNTIME_STREAMS, SSE_CONNECTIONS
from runs.metrics.tally import TALLY

Labels = frozenset[tuple[str, str]]


def begin_anew() -> None:
    """Nothing is counted, and nothing is there to be counted."""
    TALLY.take()
    for gauge in (BREAKERS, RUNTIME_STREAMS, SSE_CONNECTIONS):
        gauge.reset()


def figures(text: str) -> dict[tuple[str, Labels], float]:
    """Every sample of an answer of /metrics, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
