"""A member of staff who opens page after page and notices whatever is not as it should be there."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.pages.canary import ELEMENTS, TRAP
from tests.watching.staff import StaffBrowser

LOOK = f"""() => {{
  const isCareful = (link) => ["noopener", "nofollow"].every((word) => link.relList.contains(word));
  const foreign = (link) => link.origin !== location.origin && !isCareful(link);
  const links = [...document.querySelectorAll("a[href], area[href], form[action]")];
  const address = (one) => new URL(one.getAttribute("href") ?? one.getAttribute("action"), location.href);
  return {{
    text: (document.querySelector("#content") ?? document.body).textContent
      + [...document.querySelectorAll("input, textarea")].map((one) => one.value).join(" "),
    injected: document.querySelectorAll("{ELEMENTS}").length,
    harmed: window.harmed ?? null,
    schemes: [...new Set(links.map((one) => address(one).protocol))],
    careless: [...document.querySelectorAll("a[href]")].filter(foreign).map((link) => link.href),
  }};
}}"""


@dataclass(frozen=True, slots=True)
class Look:
    """What there is on a page."""

    text: str
    injected: int  # elements made of a canary
    harmed: object  # what a script in a canary has done
    schemes: list[str]  # of all links and forms
    careless: list[str]  # links to elsewhere that say who sends the reader, or count for them


class Visitor(StaffBrowser):
    """Notes what the browser complains of, what the policy of a page refuses, and who asks for the trap."""

    def goes_to(self, address: str) -> None:
        """The page has been loaded, and what its scripts do at once is done."""
        self.do(lambda page: self._settle(page, address))

    def looks(self) -> Look:
        """At the page that is open."""
        return Look(**self.do(lambda page: page.evaluate(LOOK)))

    def shoots(self, file: str) -> None:
        """A picture of the page, for whoever mends it."""
        self.do(lambda page: page.screenshot(path=file, full_page=True))

    def _settle(self, page: Page, address: str) -> None:
        page.goto(address)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def _open(self, width: int, height: int, dark: bool) -> None:
        super()._open(width, height, dark)
        self._page.on("console", self._heard)
        self._page.on("dialog", self._dismiss)
        self._page.on("request", self._asked)
        self._page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (one) => console.error("
            "`refused: ${one.effectiveDirective} ${one.blockedURI} ${one.sourceFile}:${one.lineNumber} ${one.sample}`))"
        )

    def _heard(self, message: Any) -> None:
        source = message.location.get("url", "")
        if source.endswith("/favicon.ico"):
            return  # the browser asks for it on its own account, where a page is no page
        # That the page itself is an error is said by its status.
        if message.type in ("error", "warning") and not (source == self._page.url and "Failed to load" in message.text):
            self.problems.append(f"{message.text} ({source})")

    def _dismiss(self, dialog: Any) -> None:
        self.problems.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _asked(self, request: Any) -> None:
        if urlsplit(request.url).path.startswith(TRAP):
            self.problems.append(f"fetched: {request.url}")


class Unprotected(Visitor):
    """Without the policy of the pages: nothing but their escaping keeps a script from running."""

    ignores_policy = True
