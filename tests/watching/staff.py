"""A member of staff who has a page of the console open in a real Chromium."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client, override_settings
from playwright.sync_api import Page, sync_playwright

from runs.models import Run
from tests.beside import environment_of
from tests.processes import wait_until
from tests.watching.browser import CHROMIUM

T = TypeVar("T")


def session_key(*permissions: str, name: str = "root") -> str:
    """A session of this member of staff, or of a new one with these rights, all of them if none is named, as the web
    process beside the test knows it.
    """
    members = get_user_model().objects
    member = members.filter(username=name).first()
    if member is None:
        member = members.create_user(name, password="x", is_staff=True, is_superuser=not permissions)
        member.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    with override_settings(SECRET_KEY=environment_of()["SECRET_KEY"]):
        client = Client()
        client.force_login(member)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


class StaffBrowser:
    """Chromium without a window, on a thread of its own: its loop would keep Django from its rows."""

    ignores_policy = False

    def __init__(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        self._thread = ThreadPoolExecutor(1)
        self.problems: list[str] = []  # whatever the page complained of
        self._thread.submit(self._open, width, height, dark).result(60)

    def do(self, work: Callable[[Page], T]) -> T:
        """What the work found on the page."""
        return self._thread.submit(lambda: work(self._page)).result(120)

    def signs_in(self, base: str, key: str) -> None:
        """The browser has this session."""
        cookie: Any = {"name": settings.SESSION_COOKIE_NAME, "value": key, "url": base}
        self.do(lambda page: page.context.add_cookies([cookie]))

    def goes_to(self, address: str) -> None:
        """The page has been loaded."""
        self.do(lambda page: page.goto(address))

    def asks(self, script: str) -> Any:
        """What this script finds."""
        return self.do(lambda page: page.evaluate(script))

    def text(self, selector: str) -> str:
        """What stands there."""
        return self.do(lambda page: page.locator(selector).first.text_content() or "").strip()

    def texts(self, selector: str) -> list[str]:
        """What stands there, one after the other."""
        return self.do(lambda page: page.locator(selector).all_text_contents())

    def wait_for(self, condition: Callable[[], object], what: str, *, within_s: float = 30) -> None:
        """It has come true."""
        wait_until(lambda: bool(condition()), within_s=within_s, what=what)

    def close(self) -> None:
        """Nothing is left of it."""
        self.do(lambda _: self._close())
        self._thread.shutdown()

    def _open(self, width: int, height: int, dark: bool) -> None:
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        self._page = self._chromium.new_page(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            bypass_csp=self.ignores_policy,
        )
        self._page.on("console", lambda message: print("page:", message.text))
        self._page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _close(self) -> None:
        self._chromium.close()
        self._playwright.stop()


class RunPage:
    """The page of one run, as somebody reads it."""

    def __init__(self, browser: StaffBrowser, base: str, run: Run) -> None:
        self.browser = browser
        self.run = run
        self.address = f"{base}/admin/console/runs/{run.id}"

    def open(self, fragment: str = "") -> None:
        """It is there."""
        self.browser.goes_to("about:blank")
        self.browser.goes_to(self.address + fragment)

    @property
    def connection(self) -> str:
        """The line that says how far the page can be trusted."""
        return self.browser.text("[data-part=connection]")

    @property
    def ending(self) -> str:
        """What it says of the ending."""
        return self.browser.text("[data-ending]:not([hidden])") if self._has("[data-ending]:not([hidden])") else ""

    @property
    def rows(self) -> list[str]:
        """The lines in the document, in their order: number and words."""
        found: list[str] = self.browser.asks(
            "[...document.querySelectorAll('.line')]"
            ".map(row => [Number(row.dataset.seq), row.querySelector('.line-what').textContent])"
            ".sort((a, b) => a[0] - b[0]).map(([seq, words]) => `${seq} ${words}`)"
        )
        return found

    @property
    def raw(self) -> str:
        """The event that is shown as it is stored."""
        return self.browser.text("[data-details=raw]")

    def choose(self, filter: str, value: str) -> None:
        """A filter is set once it offers the value."""
        self.browser.do(lambda page: page.locator(f"[data-filter={filter}]").select_option(value))

    def press(self, key: str) -> None:
        """A key, wherever the focus is."""
        self.browser.do(lambda page: page.keyboard.press(key))

    def wait_for_connection(self, words: str, *, within_s: float = 30) -> None:
        """The line says this."""
        self.browser.wait_for(lambda: words in self.connection, f"the words {words!r}", within_s=within_s)

    def wait_for_row(self, row: str) -> None:
        """This line is in the document."""
        self.browser.wait_for(lambda: row in self.rows, f"the line {row!r}")

    def wait_for_raw(self, text: str) -> None:
        """The event that is shown has this in it."""
        self.browser.wait_for(lambda: text in self.raw, f"the event with {text}")

    def scrub_to(self, seq: int) -> None:
        """The slider is dragged to this event."""
        self.browser.do(lambda page: page.locator("[data-scrubber=range]").fill(str(seq)))

    def _has(self, selector: str) -> bool:
        return bool(self.browser.do(lambda page: page.locator(selector).count()))
