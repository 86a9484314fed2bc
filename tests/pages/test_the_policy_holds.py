"""The strict policy of every answer, in a browser: no page offends it, and each works under it."""

import pytest

from tests.integration.runs.conftest import append, store_run
from tests.pages.addresses import admin_pages, console_pages, other_pages
from tests.pages.scene import Scene
from tests.pages.visitor import Visitor
from tests.watching.staff import RunPage
from tests.watching.web import WebProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("pages show what rows hold, whoever wrote them"),
]


def test_no_page_offends_the_policy_or_complains(scene: Scene, visitor: Visitor, web: WebProcess) -> None:
    found: dict[str, list[str]] = {}
    for address in [*console_pages(scene), *admin_pages(), *other_pages()]:
        visitor.problems.clear()
        visitor.goes_to(f"{web.base}{address}")
        if visitor.problems:
            found[address] = list(visitor.problems)
    assert found == {}

    # It should hold for whoever leaves, and comes, too.
    visitor.goes_to(f"{web.base}/admin/password_change/")
    visitor.do(lambda page: page.evaluate("() => document.getElementById('logout-form').submit()"))
    visitor.do(lambda page: page.wait_for_url("**/logout/"))
    visitor.goes_to(f"{web.base}/admin/login/?next=/admin/")
    visitor.do(lambda page: page.locator("[x-on\\:click='openTheme = !openTheme']").click())
    assert visitor.problems == []


def test_a_run_is_followed_and_read_under_the_policy(visitor: Visitor, web: WebProcess) -> None:
    run = store_run()
    append(run, 3)
    page = RunPage(visitor, web.base, run)
    page.open()
    page.wait_for_connection("live")
    (seq,) = append(run, sender="carol", messageType="Note", text="hello")
    page.wait_for_row(f"{seq} says Note")
    page.press("Tab")
    visitor.do(lambda opened: opened.locator(".line").first.click())
    page.wait_for_raw('"seq": 1,')
    page.scrub_to(3)
    visitor.wait_for(lambda: "as of event 3" in visitor.text("[data-scrubber=words]"), "the past")
    visitor.goes_to(f"{web.base}/admin/")
    visitor.wait_for(lambda: visitor.text("#live") == "live", "a live home")
    assert visitor.problems == []


def test_what_offends_the_policy_is_noticed(visitor: Visitor, web: WebProcess) -> None:
    """What the tests above look for would be there."""
    offences = (
        "document.body.setAttribute('style', 'color: red')",
        "document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }))",
        "document.body.append(Object.assign(document.createElement('img'), { src: 'https://foreign.example/' }))",
        "new WebSocket('wss://foreign.example/')",
    )
    for offence in offences:
        visitor.goes_to(f"{web.base}/admin/login/")
        visitor.problems.clear()
        visitor.do(lambda page, it=offence: page.evaluate(f"() => {{ {it} }}"))
        # Asked, the browser also says what it has complained of meanwhile.
        visitor.wait_for(lambda: visitor.asks("1") and any("refused" in one for one in visitor.problems), offence)
