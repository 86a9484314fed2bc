"""docs/api.md: every call is made as it stands there, by curl and by httpx, against a real web process."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from runs.models import Run
from tests.observing import observing, wait_for
from tests.watching.guide import CALLS, blocks_in, names_of, sections_of
from tests.watching.web import KEY, WebProcess

pytestmark = pytest.mark.django_db(transaction=True)

SECTIONS = sections_of(CALLS)
WAYS = ["sh", "python"]


class Caller:
    """Makes the calls of the page, in one of the two ways."""

    def __init__(self, base: str, way: str, folder: Path) -> None:
        self._given = {"BASE": base, "KEY": KEY, "RUN": ""}
        self._way, self._folder = way, folder
        self.said = ""  # what the last call printed
        self.made: set[str] = set()

    def means(self, run_id: str) -> None:
        """From now on the calls are for this run."""
        self._given["RUN"] = run_id

    def call(self, section: str) -> Any:
        """What the call below this heading answers; None where it is no JSON."""
        self.made.add(section)
        (block,) = blocks_in(SECTIONS[section], self._way)
        if self._way == "python":
            (beginning,) = blocks_in(SECTIONS[""], "python")
            return names_of(beginning + block, **self._given).get("answer")
        done = subprocess.run(
            ["sh", "-ec", block], env=self._given, cwd=self._folder, capture_output=True, timeout=60, check=True
        )
        self.said = done.stdout.decode()
        return orjson.loads(done.stdout) if done.stdout.startswith((b"{", b"[")) else None


@pytest.fixture(params=WAYS)
def caller(
    request: pytest.FixtureRequest, web: WebProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Caller]:
    """Whoever calls, while an observer is there."""
    monkeypatch.chdir(tmp_path)
    with observing():
        yield Caller(web.base, request.param, tmp_path)


def test_ten_calls_are_described_each_in_both_ways() -> None:
    calls = {heading: text for heading, text in SECTIONS.items() if heading}
    assert len(calls) == 10
    assert all(len(blocks_in(text, way)) == 1 for text in calls.values() for way in WAYS)


def test_every_call_works_as_it_is_described(caller: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    call: Callable[[str], Any] = caller.call
    created = call("Create a run")
    assert set(created) == {"runId", "sessionId", "status"}
    assert call("Create a run")["runId"] == created["runId"]
    caller.means(created["runId"])
    wait_for(lambda: Run.objects.filter(status="running").exists(), "the start")
    run = call("Get a run")
    assert (run["status"], run["ending"]) == ("running", None)
    listed = call("List runs")
    assert (listed["limit"], [row["id"] for row in listed["data"]]) == (20, [run["id"]])

    said = call("Say something in it")
    assert (said["status"], said["ack"]["ok"]) == ("accepted", True)
    events = call("Read its events")
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert "message.sent" in {event["type"] for event in events}
    assert call("See its state")["run"]["runId"] == run["id"]
    ticket = call("Let a browser watch it")
    assert (ticket["runId"], "ticket" in ticket) == (run["id"], True)

    cancelled = call("Cancel it")
    assert (cancelled["status"], cancelled["ending"]["code"]) == ("cancelled", "cancelled")
    assert call("Watch it") is None
    told = caller.said or capsys.readouterr().out
    assert told.count("event: canonical_event") == cancelled["lastEventSeq"]
    assert "event: end" in told
    assert call("Take it away as a file") is None
    *_, footer = Path("run.jsonl").read_bytes().splitlines()
    assert orjson.loads(footer)["canonicalEvents"] == cancelled["lastEventSeq"]
    assert Run.objects.count() == 1
    assert caller.made == set(SECTIONS) - {""}
