"""The page of a run in a real Chromium over a real web process: the log as it grows, the ending in plain words."""

import pytest
from playwright.sync_api import Page

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


@pytest.mark.slow
def test_nothing_is_lost_when_the_web_process_is_killed_and_the_page_says_so(opened: RunPage, web: WebProcess) -> None:
    web.kill()
    opened.wait_for_connection("disconnected, trying again in")
    append(opened.run, 4)  # nobody is there to tell of them
    web.start_again()
    opened.wait_for_connection("live", within_s=40)
    opened.wait_for_row("7 says Note")
    append(opened.run)
    opened.wait_for_row("8 says Note")
    assert [row.split()[0] for row in opened.rows] == [str(seq) for seq in range(1, 9)]


@pytest.mark.slow
def test_filters_show_a_type_or_a_speaker_and_what_comes_later_of_them(opened: RunPage) -> None:
    append(opened.run, type="progress.reported", sender="bob", percentage=40)
    append(opened.run, sender="bob", messageType="Note")
    opened.wait_for_row("5 says Note")
    opened.choose("who", "bob")
    opened.browser.wait_for(lambda: opened.rows == ["4 40 %", "5 says Note"], "what bob says")
    opened.choose("type", "progress.")
    opened.browser.wait_for(lambda: opened.rows == ["4 40 %"], "his progress")

    append(opened.run, 2)
    append(opened.run, type="progress.reported", sender="bob", percentage=80)
    opened.browser.wait_for(lambda: opened.rows == ["4 40 %", "8 80 %"], "his progress later on")
    assert opened.browser.text("[data-filter=note]") == "2 of 8"
    opened.browser.do(lambda page: page.locator("button[type=reset]").click())
    opened.browser.wait_for(lambda: len(opened.rows) == 8, "all of them")


@pytest.mark.slow
def test_a_link_leads_to_an_event_with_everything_in_it(opened: RunPage) -> None:
    append(opened.run, 500)
    append(opened.run, sender="bob", messageType="Note", payload={"json": {"text": "a needle"}})
    append(opened.run, 500)
    opened.open("#event-504")
    opened.wait_for_row("504 says Note: a needle")
    opened.wait_for_raw('"text": "a needle"')
    opened.browser.do(lambda page: page.locator("[data-details=copy]").click())
    opened.browser.wait_for(lambda: opened.browser.text("[data-details=copied]"), "the link")
    assert opened.browser.asks("location.href").endswith(f"/admin/console/runs/{opened.run.id}#event-504")
    assert opened.browser.asks("import('/static/console/details.js').then(m => m.linkTo(504))") == (
        f"{opened.address}#event-504"
    )


@pytest.mark.slow
def test_the_keyboard_goes_from_event_to_event(opened: RunPage) -> None:
    keys = [("End", 3), ("ArrowUp", 2), ("Home", 1), ("ArrowDown", 2)]
    opened.browser.do(lambda page: page.locator("[data-part=timeline]").focus())
    for key, seq in keys:
        opened.press(key)
        opened.wait_for_raw(f'"seq": {seq},')
        assert opened.browser.asks("document.querySelector('.line[aria-selected=true]').dataset.seq") == str(seq)
    assert opened.browser.asks("document.querySelector('[data-part=timeline]').getAttribute('aria-activedescendant')")


@pytest.mark.slow
def test_the_run_is_shown_as_it_was_after_any_event_and_as_it_is_again(opened: RunPage) -> None:
    append(opened.run, type="participant.seen", participantId="carol", role="critic")
    opened.wait_for_row("4 joins as critic")
    opened.browser.do(watch_states)

    opened.scrub_to(3)
    opened.browser.wait_for(lambda: shown_states(opened)[-1:] == [3], "the state after the third event")
    assert opened.browser.text("[data-scrubber=words]") == "as of event 3 of 4"
    assert opened.browser.text("[data-details=title]") == "Event 3"

    opened.browser.do(lambda page: page.locator("[data-scrubber=now]").click())
    opened.browser.wait_for(lambda: shown_states(opened)[-1:] == [4], "the state as it is")
    append(opened.run)
    opened.browser.wait_for(lambda: shown_states(opened)[-1:] == [5], "the state as it goes on")
    assert opened.browser.text("[data-scrubber=words]") == "now"


@pytest.mark.slow
def test_a_run_is_played_again_event_by_event_to_its_end(opened: RunPage) -> None:
    ending = end(opened.run)
    opened.wait_for_connection("over")
    opened.browser.do(watch_states)
    opened.browser.do(lambda page: page.locator("[data-scrubber=speed]").select_option("100"))
    opened.browser.do(lambda page: page.locator("[data-scrubber=play]").click())
    opened.browser.wait_for(lambda: shown_states(opened)[-1:] == [ending], "the last event")
    states = shown_states(opened)
    assert states == sorted(states)
    assert states[0] == 1
    opened.browser.wait_for(lambda: opened.browser.text("[data-scrubber=play]") == "Play", "the end of the play")


def watch_states(page: Page) -> None:
    """Keeps the number of each state that the panels are given."""
    page.evaluate(
        """() => import('/static/console/panels.js').then(({ Panels }) => {
          window.states = [];
          const { show } = Panels.prototype;
          Panels.prototype.show = function (state) {
            window.states.push(state.timeline.latestSeq);
            show.call(this, state);
          };
        })"""
    )


def shown_states(opened: RunPage) -> list[int]:
    """The numbers of the states that the panels were given since somebody watches them."""
    found: list[int] = opened.browser.asks("window.states")
    return found
