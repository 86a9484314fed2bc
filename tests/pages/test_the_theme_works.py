"""The theme's menus, sheets and switches under the strict policy: what opens, opens, and what was chosen stays chosen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.integration.webhooks.listeners import listener, parcel_for
from tests.pages.visitor import Visitor
from tests.watching.web import WebProcess
from webhooks.models import Endpoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("pages show what rows hold, whoever wrote them"),
]
IS_DARK = "document.documentElement.classList.contains('dark')"


@pytest.fixture
def endpoint(transactional_db: None) -> Endpoint:
    """One with a delivery."""
    made = listener()
    parcel_for(made)
    return made


@pytest.fixture
def home(endpoint: Endpoint, visitor: Visitor, web: WebProcess) -> Visitor:
    visitor.goes_to(f"{web.base}/admin/")
    return visitor


def clicks(visitor: Visitor, selector: str) -> None:
    visitor.do(lambda page: page.locator(selector).click())


def is_seen(selector: str) -> Callable[[Page], bool]:
    return lambda page: page.locator(selector).first.is_visible()


def test_light_and_dark_are_chosen_and_remembered(home: Visitor, web: WebProcess) -> None:
    assert not home.asks(IS_DARK)
    clicks(home, "#nav-sidebar [x-on\\:click^='openUserLinks']")
    home.wait_for(lambda: home.do(is_seen("#logout-form")), "the menu of the user")
    clicks(home, "[x-on\\:click=\"switchTheme('dark')\"]")
    home.wait_for(lambda: home.asks(IS_DARK), "a dark page")
    home.goes_to(f"{web.base}/admin/runs/run/")
    assert home.asks(IS_DARK)
    home.do(lambda page: page.keyboard.press("Control+e"))
    home.wait_for(lambda: not home.asks(IS_DARK), "a light page")
    assert home.problems == []


def test_the_sidebar_goes_away_and_stays_away_and_comes_over_a_phone(home: Visitor, web: WebProcess) -> None:
    assert home.do(is_seen("#nav-sidebar"))
    clicks(home, ".xl\\:block\\![x-on\\:click]")
    home.wait_for(lambda: not home.do(is_seen("#nav-sidebar")), "no sidebar")
    home.goes_to(f"{web.base}/admin/runs/run/")
    assert not home.do(is_seen("#nav-sidebar"))

    home.do(lambda page: page.set_viewport_size({"width": 390, "height": 800}))
    assert not home.do(is_seen("#nav-sidebar"))
    clicks(home, "#main .xl\\:hidden\\![x-on\\:click]")
    home.wait_for(lambda: home.do(is_seen("#nav-sidebar")), "the sidebar")
    assert home.problems == []


def test_filters_and_actions_open(home: Visitor, web: WebProcess) -> None:
    home.goes_to(f"{web.base}/admin/webhooks/delivery/")
    clicks(home, "[x-on\\:click='filterOpen = true']")
    home.wait_for(lambda: home.do(is_seen("#changelist-filter")), "the filters")
    home.do(lambda page: page.keyboard.press("Escape"))
    home.wait_for(lambda: not home.do(is_seen("#changelist-filter")), "no filters")

    home.do(lambda page: page.locator("input.action-select").first.check())
    home.wait_for(lambda: home.do(is_seen("#changelist-actions")), "the actions")
    list_is_wide = "document.getElementById('changelist').querySelector('[x-resize]').clientWidth"
    assert home.asks("document.getElementById('changelist-actions').clientWidth") == home.asks(list_is_wide)
    home.do(lambda page: page.locator("#changelist-actions select").select_option("send_again"))
    home.wait_for(lambda: home.do(is_seen("#changelist-actions button[name=index]")), "the button")
    assert home.problems == []


def test_the_steps_of_an_endpoint_open(home: Visitor, web: WebProcess, endpoint: Endpoint) -> None:
    home.goes_to(f"{web.base}/admin/webhooks/endpoint/{endpoint.id}/change/")
    clicks(home, "[x-on\\:click^='actionDropdownOpen']")
    home.wait_for(lambda: home.do(is_seen("nav a[href*='/replay']")), "the steps")
    assert home.problems == []


def test_a_form_is_sent_to_the_tab_it_shows(home: Visitor, web: WebProcess) -> None:
    home.goes_to(f"{web.base}/admin/runs/apikey/add/?a=1")
    assert home.asks("new URL(document.querySelector('[x-bind\\\\:action]').action).search") == "?a=1"
    assert home.problems == []
