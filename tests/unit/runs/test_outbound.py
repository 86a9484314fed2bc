"""What events say of a message we send."""

import orjson
import pytest

from runs.domain.outbound import PREVIEW_LIMIT, outbound_data, outbound_facts, payload_descriptor
from runs.domain.redaction import MASK, Redactor
from tests.drafting import an_outbound


def test_outbound_data_leads_back_to_its_facts() -> None:
    facts = an_outbound("out-1", status="queued")

    assert outbound_facts(outbound_data(facts, status="queued", previous=None)) == facts
    assert outbound_facts({"messageId": 7}) is None


@pytest.mark.parametrize(
    ("payload", "encoding", "preview"),
    [
        (b'{"a": 1}', "json", '{"a":1}'),
        (b"hello", "text", "hello"),
        (b"", "text", None),
        (b"\xff\xfe", "base64", None),
        (b'{"password": "x"}', "json", f'{{"password":"{MASK}"}}'),
        (b"password=hunter2", "text", f"password={MASK}"),
    ],
)
def test_a_payload_is_described_without_its_secrets(payload: bytes, encoding: str, preview: str | None) -> None:
    descriptor = payload_descriptor(payload, redactor=Redactor())

    assert descriptor.pop("preview", None) == preview
    assert descriptor == {"encoding": encoding, "sizeBytes": len(payload)}


def test_a_known_payload_is_described_by_its_type_and_a_long_one_by_its_beginning() -> None:
    descriptor = payload_descriptor(
        b"\n\x02p1",
        redactor=Redactor(),
        decoded={"option": "x" * 1000},
        type_name="macp.modes.decision.v1.ProposalPayload",
        media_type="application/x-protobuf",
    )

    assert len(str(descriptor.pop("preview"))) == PREVIEW_LIMIT
    assert descriptor == {
        "encoding": "proto",
        "sizeBytes": 4,
        "mediaType": "application/x-protobuf",
        "typeName": "macp.modes.decision.v1.ProposalPayload",
    }


def test_a_payload_no_log_could_hold_is_described_all_the_same() -> None:
    for payload in (b"[" * 250 + b"]" * 250, b"a\0b", rb'"\u0000"'):
        assert orjson.dumps(payload_descriptor(payload, redactor=Redactor()))
