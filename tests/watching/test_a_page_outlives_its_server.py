"""A page in Chromium keeps its list of events across the death of the web process: without a gap, without a repeat."""

import threading

import pytest

from tests.integration.runs.conftest import append, end, store_run
from tests.watching.browser import Browser, PageServer
from tests.watching.web import KEY, WebProcess

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]
EVENTS = 120


def test_events_go_on_where_they_were_when_the_web_process_is_killed(
    web: WebProcess, pages: PageServer, browser: Browser
) -> None:
    run = store_run()
    append(run, 20)
    pages.show(base=web.base, key=KEY, run=str(run.id))
    browser.goes_to(pages.origin)
    browser.wait_for(20)

    append(run, 10)
    browser.wait_for(30)
    web.kill()
    append(run, 50)  # nobody is there to tell of them
    starting = threading.Thread(target=web.start_again)
    starting.start()
    append(run, EVENTS - 80)
    starting.join()
    browser.wait_for(EVENTS)
    ending = end(run)
    browser.wait_for_the_end()

    assert [seq for seq, _ in browser.told()] == list(range(1, ending + 1))
    assert browser.listed() == [*(f"{seq} message.received" for seq in range(1, ending)), f"{ending} run.completed"]
