"""The panels on the pages of the console, in a real Chromium over a real web process, with runs that were recorded."""

import pytest

from runs.models import Run
from runs.recorder import record
from tests import scenarios
from tests.cast import running_run
from tests.watching.staff import RunPage, StaffBrowser
from tests.watching.web import WebProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PANELS = (
    "graph",
    "decision",
    "participants",
    "signals",
    "progress",
    "messages",
    "artifacts",
    "webhooks",
    "late",
    "recovery",
)


def told(name: str, *, first: int | None = None) -> Run:
    """A running run in which so much of the story was recorded."""
    run = running_run()
    record(run.id, scenarios.ALL[name][2:-1][:first], epoch=None)
    return run


def text(staff: StaffBrowser, panel: str) -> str:
    return staff.text(f'[data-panel="{panel}"]')


def test_every_panel_is_on_the_page_of_a_run_and_moves_with_it(web: WebProcess, staff: StaffBrowser) -> None:
    run = told("quorum reached", first=2)
    page = RunPage(staff, web.base, run)
    page.open()
    page.wait_for_connection("live")
    staff.wait_for(lambda: "proposal open" in text(staff, "decision"), "the proposal")

    record(run.id, scenarios.QUORUM_REACHED[4:-1], epoch=None)
    staff.wait_for(lambda: "decided: yes" in text(staff, "decision"), "the decision")
    staff.wait_for(lambda: "Reading" not in "".join(text(staff, panel) for panel in PANELS), "all answers")
    for panel in PANELS:
        shown = text(staff, panel)
        assert shown
        assert "could not be" not in shown
    assert "friday" in text(staff, "decision")
    assert "nobody" in text(staff, "recovery")  # no observer is there in this test
    assert staff.problems == []


def test_two_runs_stand_side_by_side_with_their_panels(web: WebProcess, staff: StaffBrowser) -> None:
    left, right = told("happy decision"), told("veto")
    staff.goes_to(f"{web.base}/admin/console/compare?left={left.id}&right={right.id}")
    for side, words in (("left", "decided: yes"), ("right", "decided: no")):
        staff.wait_for(lambda s=side, w=words: w in staff.text(f'[data-panel="decision"] [data-side="{s}"]'), words)
    assert "different" in staff.text('[data-line="Participants"]') or "the same" in staff.text(
        '[data-line="Participants"]'
    )
    assert "could not be" not in staff.text("#compare")
    assert staff.problems == []
