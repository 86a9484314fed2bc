"""What a member of staff does on the page of a run: the buttons above the log, and their dialog."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Route

from tests.beside import beside
from tests.watching.staff import RunPage

SEND = "[data-act-part=do]"


@contextmanager
def an_observer() -> Iterator[None]:
    """`manage.py observe_runs` beside the test; it has been asked to stop afterwards."""
    command = beside("observe_runs")
    try:
        command.wait_for_line("is watching", within_s=60)
        yield
    finally:
        command.end()


class SteeredPage(RunPage):
    """The page of a run, as somebody acts on it."""

    @property
    def offered(self) -> list[str]:
        """The names of the buttons that are there, also of those folded away."""
        found: list[str] = self.browser.asks(
            "[...document.querySelectorAll('[data-do]')].filter(one => !one.hidden).map(one => one.dataset.do)"
        )
        return found

    @property
    def told(self) -> str:
        """What the dialog says of what was done."""
        return self.browser.text("[data-act-part=said]")

    @property
    def problem(self) -> str:
        """What the dialog says went wrong, beside the fields."""
        return self.browser.text("[data-act-part=problem]")

    def choose_act(self, name: str) -> None:
        """Its dialog is open, and ready."""

        def choose(page: Page) -> None:
            button = page.locator(f"[data-do={name}]")
            if not button.is_visible():
                page.locator("[data-part=acts] summary").click()
            button.click()
            page.locator(f"{SEND}:enabled").wait_for()

        self.browser.do(choose)

    def fill_in(self, **values: str) -> None:
        """The fields of these names have these values; `as_` is the field `from`."""
        for name, value in values.items():
            self.browser.do(lambda page, n=name, v=value: _fill(page, "from" if n == "as_" else n, v))  # type: ignore[misc]

    def send(self, *, clicks: int = 1) -> None:
        """The button that does it was pressed."""
        self.browser.do(lambda page: page.locator(SEND).click(click_count=clicks))

    def fault_of(self, name: str) -> str:
        """What is said at the field."""
        return self.browser.text(f"[data-field-of={json.dumps(name)}] .problem")

    def wait_for_told(self, words: str) -> None:
        """The dialog says so."""
        self.browser.wait_for(lambda: words in self.told, f"the words {words!r}")

    def lose_the_next_answer(self, path: str) -> None:
        """The server answers the next request to the path, and the answer never arrives."""

        def lose(route: Route) -> None:
            route.fetch()
            route.abort()

        self.browser.do(lambda page: page.route(f"**{path}", lose, times=1))

    @property
    def focused(self) -> str:
        """The name of the act whose button has the focus."""
        return str(self.browser.asks("document.activeElement.dataset.do ?? ''"))

    @property
    def is_asking(self) -> bool:
        """Whether the dialog is open."""
        return bool(self.browser.asks("document.querySelector('[data-part=act]').open"))


def _fill(page: Page, name: str, value: str) -> None:
    field = page.locator(f'[data-part=act] [name="{name}"]')
    if field.evaluate("one => one.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)
