"""A Chromium that goes from page to page as different people, at a width and in a theme, and takes pictures."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.screenshots.pages import STRANGER, Sight
from tests.watching.browser import CHROMIUM

WIDTHS = (390, 1024, 1600)
THEMES = ("light", "dark")
HEIGHT = 900
TALLEST = 6_000  # of a page of any length
PATIENCE_MS = 15_000


class Camera:
    """One browser; `sessions` are the keys of the sessions of those who look, by their names."""

    def __init__(self, browser: Browser, base: str, cookie: str, sessions: dict[str, str]) -> None:
        self._browser, self._base, self._cookie, self._sessions = browser, base, cookie, sessions
        self.complaints: list[str] = []

    @contextmanager
    def looking(self, who: str, *, width: int, theme: str) -> Iterator[Page]:
        """A page of somebody with a window of this width."""
        context: BrowserContext = self._browser.new_context(
            viewport={"width": width, "height": HEIGHT},
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
        )
        if who != STRANGER:
            context.add_cookies([{"name": self._cookie, "value": self._sessions[who], "url": self._base}])
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        try:
            yield page
        finally:
            context.close()

    def go(self, page: Page, sight: Sight) -> None:
        """The page is there, with all that its scripts fetch."""
        page.goto("about:blank")
        page.goto(self._base + sight.path)
        if sight.ready:
            page.wait_for_selector(sight.ready, timeout=PATIENCE_MS)
        page.wait_for_function("!document.querySelector('[aria-busy=true]')", timeout=PATIENCE_MS)
        page.wait_for_load_state("load")
        page.evaluate("document.fonts.ready.then(() => new Promise((seen) => setTimeout(seen, 250)))")

    def take(self, page: Page, file: Path) -> None:
        """A picture of the whole page."""
        height = page.evaluate("document.documentElement.scrollHeight")
        viewport = page.viewport_size
        assert viewport is not None
        page.set_viewport_size({"width": viewport["width"], "height": min(max(height, HEIGHT), TALLEST)})
        page.screenshot(path=file)
        page.set_viewport_size(viewport)

    def take_small(self, page: Page, file: Path, *, quality: int) -> None:
        """A picture of the window, as a small file for the documentation."""
        shot = page.context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": quality})
        file.write_bytes(base64.b64decode(shot["data"]))


def is_wider_than_its_window(page: Page) -> bool:
    """True if somebody has to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@contextmanager
def camera(base: str, cookie: str, sessions: dict[str, str]) -> Iterator[Camera]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield Camera(browser, base, cookie, sessions)
        finally:
            browser.close()
