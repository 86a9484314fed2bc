"""A newcomer finds out why a run failed, with two clicks from the home of the console."""

import pytest

from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.ending import end_run
from tests.cast import running_run
from tests.console import ended_run
from tests.watching.staff import StaffBrowser
from tests.watching.web import WebProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
CAUSE = "bob: the model answered 529 (overloaded) five times in a row"


def test_two_clicks_from_the_home_tell_why_a_run_failed(web: WebProcess, staff: StaffBrowser) -> None:
    ended_run(EndingCode.RESOLVED)
    run = running_run()
    verdict = Verdict(
        code=EndingCode.AGENT_ERROR, decided_by=DecidedBy.RUNTIME, message=CAUSE, runtime_asked="SESSION_NOT_FOUND"
    )
    end_run(run.id, verdict, epoch=None)

    staff.goes_to(f"{web.base}/admin/")
    table = "section[aria-labelledby=h-failed]"
    assert staff.texts(f"{table} tbody tr td:nth-child(2)") == ["agent_error An agent reported an error."]

    staff.do(lambda tab: tab.locator(f"{table} tbody a").click())
    staff.wait_for(lambda: staff.text(".ending h2") == "Why it ended", "the page of the run")
    assert staff.text(".ending-meaning") == "An agent reported an error."
    assert staff.do(lambda tab: tab.locator(".ending-cause").inner_text()) == f"What went wrong: {CAUSE}"

    staff.do(lambda tab: tab.locator(".ending summary").click())
    evidence = staff.do(lambda tab: tab.locator("[data-proof] li").all_inner_texts())
    assert "The runtime was asked and answered SESSION_NOT_FOUND." in evidence
    assert staff.problems == []
