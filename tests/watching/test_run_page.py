"""The page of a run in a real Chromium over a real web process: the log as it grows, the ending in plain words."""

import pytest

from tests.integration.runs.conftest import append, end, store_run
from tests.watching.staff import RunPage, StaffBrowser
from tests.watching.web import WebProcess

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]
SCRIPT = "<img src=x onerror=\"document.title='canary'\"><script>document.title='canary'</script>"


@pytest.fixture
def opened(web: WebProcess, staff: StaffBrowser) -> RunPage:
    """The page of a run with three events."""
    run = store_run()
    append(run, 3)
    page = RunPage(staff, web.base, run)
    page.open()
    page.wait_for_connection("live")
    return page


def test_a_page_shows_the_log_as_it_grows_and_why_it_ended(opened: RunPage) -> None:
    opened.wait_for_row("3 says Note")
    assert opened.ending == ""

    append(opened.run, 2)
    opened.wait_for_row("5 says Note")
    ending = end(opened.run, status="failed", code="progress_timeout")
    opened.wait_for_connection("over")
    opened.wait_for_row(f"{ending} run failed: progress_timeout")
    opened.browser.wait_for(lambda: "said nothing before the progress deadline" in opened.ending, "the ending")
    assert [row.split()[0] for row in opened.rows] == [str(seq) for seq in range(1, ending + 1)]
    assert opened.browser.problems == []


def test_what_agents_say_is_text_on_the_page(opened: RunPage) -> None:
    append(opened.run, sender=SCRIPT, messageType=SCRIPT, text=SCRIPT)
    end(opened.run, status="failed", code="agent_error", error=SCRIPT)
    opened.wait_for_connection("over")
    opened.browser.wait_for(lambda: any(SCRIPT[:40] in row for row in opened.rows), "the words")
    opened.browser.do(lambda page: page.locator(".line").nth(3).click())
    opened.browser.wait_for(lambda: "onerror" in opened.browser.text("[data-details=raw]"), "the event as stored")
    assert opened.browser.asks("document.title") != "canary"
    assert opened.browser.asks("document.querySelectorAll('#run img, #run script').length") == 0
    assert opened.browser.problems == []
