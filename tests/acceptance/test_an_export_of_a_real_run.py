"""A run on the real runtime, taken away as a file: the rows field by field, the frames byte for byte, and nobody's token."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from insights.bundle import Wanted, open_bundle
from insights.exports import json_export, line_export
from runs.bridge import rows
from runs.domain.projection import empty, fold, public_state
from runs.models import Run
from runs.queries.events import event_value
from tests.acceptance import test_runs_on_the_real_runtime as real
from tests.acceptance.test_runs_on_the_real_runtime import runtime
from tests.integration.insights.reader import read_export
from tests.integration.insights.stored import in_bytes, stored_events, stored_raw
from tests.real_runtime import RealRuntime, token_of

__all__ = ["runtime"]
pytestmark = real.pytestmark
SECRET = "sk-canary0123456789abcdef"


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def exported(run: Run) -> tuple[bytes, bytes]:
    """As lines, and as one object."""
    bundle = await rows(open_bundle, run.project_id, run.id, Wanted(raw=True))
    return await whole(line_export(bundle)), await whole(json_export(bundle))


@pytest.mark.parametrize("rationale", ["ready", f"my key is {SECRET}"])
def test_a_decision_is_exported_as_it_is_stored_b17_d13(runtime: RealRuntime, rationale: str) -> None:
    with real.observing(runtime):
        run = real.launch(
            "decision", **real.kickoff("Proposal", {"proposalId": "p1", "option": "ship", "rationale": rationale})
        )
        with real.deciding(runtime, str(run.session_id)):
            real.ended(run.id)
    run = real.ended(run.id)
    lines, bundle = asyncio.run(exported(run))
    read = read_export(lines)

    assert read.events == stored_events(run)
    assert public_state(fold(empty(str(run.id)), map(event_value, read.events))) == real.state_of(run)
    assert read.footer == {"canonicalEvents": run.last_seq, "rawEvents": run.last_raw_seq, "lateObservations": 0}
    shown, stored = in_bytes(read.raw), stored_raw(run, "rust-runtime")
    differing = [one for one, other in zip(shown, stored, strict=True) if one != other]
    # It should be the frames as they came, but for the one that holds a secret.
    assert len(differing) == (SECRET in rationale)
    assert any(SECRET.encode() in bytes(one["payload"]) for one in stored) == (SECRET in rationale)  # type: ignore[call-overload]
    for text in (lines, bundle, *(bytes(one["payload"]) for one in shown)):  # type: ignore[call-overload]
        assert SECRET.encode() not in text
        for person in ("lead", "ann", "bob"):
            assert token_of(person).encode() not in text
