"""A run of 50 000 events on its page: what is in sight comes first, and scrolling through all of it holds nothing up."""

import pytest

from tests.integration.runs.conftest import append, store_run
from tests.watching.staff import RunPage, StaffBrowser
from tests.watching.web import WebProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]
EVENTS, PAGES_OF_THEM = 50_000, 50
ROWS_IN_SIGHT = 60  # that fit into the list, and some above and below
THROUGH_ALL_OF_IT = """async () => {
  const box = document.querySelector('[data-part=timeline]');
  const span = box.scrollHeight - box.clientHeight;
  const found = [];
  for (let step = 0; step <= 40; step += 1) {
    box.scrollTop = span * step / 40;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    found.push(document.querySelectorAll('.line').length);
  }
  return Math.max(...found);
}"""


def test_the_end_is_there_before_the_rest_is_read_and_only_what_is_in_sight_is_in_the_document(
    web: WebProcess, staff: StaffBrowser
) -> None:
    run = store_run()
    for _ in range(PAGES_OF_THEM):
        append(run, EVENTS // PAGES_OF_THEM)
    page = RunPage(staff, web.base, run)
    page.open()
    page.wait_for_row(f"{EVENTS} says Note")
    staff.wait_for(lambda: staff.text("[data-filter=note]") == f"{EVENTS} events", "all of the log")
    assert staff.asks(THROUGH_ALL_OF_IT) <= ROWS_IN_SIGHT

    staff.do(lambda tab: tab.locator("[data-part=timeline]").press("Home"))
    page.wait_for_row("1 says Note")
    assert page.rows[0] == "1 says Note"
    append(run)
    staff.wait_for(lambda: staff.text("[data-filter=note]") == f"{EVENTS + 1} events", "one more")
    assert page.rows[0] == "1 says Note", "who reads further up stays there"
    staff.do(lambda tab: tab.locator("[data-part=fresh]").click())
    page.wait_for_row(f"{EVENTS + 1} says Note")
    assert staff.problems == []
