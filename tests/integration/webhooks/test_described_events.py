"""What is sent is what docs/asyncapi.json says of it."""

from datetime import UTC, datetime

import orjson
import pytest

from runs.domain.events import EventType
from runs.models.identity import uuid7
from tests.documents import faults_of
from webhooks import payloads
from webhooks.payloads import Fact, body_of

AT = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("kind", list(EventType))
@pytest.mark.parametrize("data", ['{"a":1}', None], ids=["whole", "thin"])
def test_an_event_is_as_described_whole_and_thin(kind: EventType, data: str | None) -> None:
    fact = Fact(run_id=uuid7(), event_id=uuid7(), seq=41, ts=AT, status="failed", data=data, error="it broke")
    assert faults_of("WebhookEvent", orjson.loads(body_of(kind, fact))) == []


def test_a_test_event_is_as_described() -> None:
    body = orjson.loads(payloads.test_body(event_id=uuid7(), at=AT))
    assert faults_of("WebhookTest", body) == []
    assert faults_of("WebhookEvent", body) != []
