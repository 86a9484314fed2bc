"""Text of agents, callers and receivers is text on every page: nothing of it becomes an element, a script or an address.

The browser ignores the policy of the pages here: what keeps harm away is the escaping alone.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from runs.models.api_key import LONGEST_NAME
from tests.pages.addresses import SEARCHED, admin_pages, console_pages, other_pages
from tests.pages.canary import ELEMENTS, canary
from tests.pages.poison import KEPT, poisonable, texts_of
from tests.pages.scene import Scene
from tests.pages.visitor import Look, Unprotected
from tests.watching.web import WebProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("pages show what rows hold, whoever wrote them"),
]
MARK = "<xss>"
HARMLESS = {"http:", "https:"}
# What these show says nothing of what is stored: forms, refusals, lists of names of ours, numbers.
BLANK = re.compile(
    r"/docs|/admin/(password_change|console/compare|runs|webhooks|auth|django_q)/?"
    r"|.*/(add|history|delete)/|/admin/webhooks/endpoint/.*/(pause|resume|send_test|replay|rotate|switch_off|switch_on)/"
    r"|/admin/(django_q/ormq|webhooks/drainslot|runs/projection)/.*"
    rf"|(/admin)?/{re.escape(SEARCHED)}/?"  # an address that leads nowhere is not repeated
)


def troubles(look: Look) -> Iterator[str]:
    """Whatever a canary has become."""
    if look.injected:
        yield f"{look.injected} elements"
    if look.harmed is not None:
        yield "a script ran"
    if set(look.schemes) - HARMLESS:
        yield f"links to {look.schemes}"
    if look.careless:
        yield f"careless links: {look.careless}"


def test_every_text_is_poisoned(scene: Scene) -> None:
    """The walk below would otherwise find nothing, where there may be something."""
    clean = [
        f"{name} of {row.pk}"
        for model in poisonable()
        for row in model._base_manager.all()
        for name, text in texts_of(model, row)
        if name not in KEPT and "<xss>" not in text and row.pk not in scene.made_later
    ]
    assert clean == []
    assert [model.__name__ for model in poisonable() if not model._base_manager.exists()] == []


def test_no_text_is_more_than_text_on_any_page(scene: Scene, unprotected: Unprotected, web: WebProcess) -> None:
    found: dict[str, list[str]] = {}
    silent = []
    for address in [*console_pages(scene), *admin_pages(), *other_pages()]:
        unprotected.problems.clear()
        unprotected.goes_to(f"{web.base}{address}")
        unprotected.do(open_everything)
        look = unprotected.looks()
        if wrong := [*troubles(look), *unprotected.problems]:
            found[address] = wrong
        if MARK not in look.text:
            silent.append(address)
    assert found == {}
    # A page that shows nothing of what is stored proves nothing: only these may.
    assert "\n".join(address for address in silent if not BLANK.fullmatch(address)) == ""


def test_the_page_of_a_run_stays_text_whatever_a_reader_does(
    scene: Scene, unprotected: Unprotected, web: WebProcess
) -> None:
    unprotected.goes_to(f"{web.base}/admin/console/runs/{scene.ended.id}")
    unprotected.wait_for(lambda: "over" in unprotected.text("[data-part=connection]"), "the end")
    unprotected.wait_for(lambda: len(unprotected.texts(".line")) > 10, "the log")
    unprotected.wait_for(lambda: "Reading" not in unprotected.text(".panels"), "all answers")
    last = len(unprotected.texts(".line"))
    for number in range(last):
        unprotected.do(lambda page, at=number: page.locator(".line").nth(at).click())
        unprotected.wait_for(lambda: unprotected.text("[data-details=raw]"), "the event")
        assert [*troubles(unprotected.looks())] == []
    for seq in (3, last - 1):
        unprotected.do(lambda page, at=seq: page.locator("[data-scrubber=range]").fill(str(at)))
        unprotected.wait_for(lambda: "as of event" in unprotected.text("[data-scrubber=words]"), "the past")
    unprotected.do(lambda page: page.locator("[data-scrubber=now]").click())
    unprotected.wait_for(lambda: MARK in unprotected.text("[data-panel=participants]"), "the present")
    unprotected.do(open_everything)
    assert [*troubles(unprotected.looks())] == []
    for panel in unprotected.asks(
        "[...document.querySelectorAll('[data-panel]:not([hidden])')].map((one) => one.dataset.panel)"
    ):
        assert MARK in unprotected.text(f"[data-panel={panel}]"), panel
    # It should name as options what filters offer.
    assert any(MARK in one for one in unprotected.texts("[data-filter=who] option"))
    assert unprotected.problems == []


def test_what_a_form_answers_is_text(scene: Scene, unprotected: Unprotected, web: WebProcess) -> None:
    unprotected.goes_to(f"{web.base}/admin/runs/apikey/add/")
    unprotected.do(lambda page: page.fill("[name=name]", canary(LONGEST_NAME)))
    unprotected.do(lambda page: page.locator("[name=_save]").click())
    unprotected.wait_for(lambda: "correct the errors" in unprotected.text("#content"), "the refusal")
    assert MARK in unprotected.looks().text
    assert [*troubles(unprotected.looks()), *unprotected.problems] == []

    unprotected.goes_to(f"{web.base}/admin/console/runs/")
    unprotected.do(lambda page: page.locator("#all").check())
    unprotected.do(lambda page: page.locator("[data-action=archive]").click())
    unprotected.wait_for(lambda: "dry run" in unprotected.text("#dialog-body"), "the dry run")
    assert [*troubles(unprotected.looks()), *unprotected.problems] == []


def test_the_canary_does_harm_where_it_is_taken_for_markup(
    scene: Scene, unprotected: Unprotected, web: WebProcess
) -> None:
    """What the tests above look for would be there."""
    unprotected.goes_to(f"{web.base}/admin/password_change/")
    for text in (canary(), canary(20), canary(6)):
        unprotected.do(lambda page, it=text: page.evaluate("(it) => { document.body.innerHTML = it; }", it))
        assert unprotected.asks(f"document.querySelectorAll('{ELEMENTS}').length") > 0
    unprotected.do(lambda page: page.evaluate("(it) => { document.body.innerHTML = it; }", canary()))
    unprotected.wait_for(lambda: unprotected.looks().harmed, "the harm")
    assert any("fetched" in one for one in unprotected.problems)


def open_everything(page: Page) -> None:
    """What is folded is opened, and what the page still asks for has come."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-panel] [data-root], [data-panel] [data-side]')]"
        ".every((one) => one.textContent && !one.textContent.includes('Reading'))"
    )
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
