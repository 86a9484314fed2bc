"""A member of staff with the console in a real Chromium."""

from django.contrib.auth import get_user_model

from tests.processes import wait_until
from tests.watching.browser import Browser

PATIENCE_S = 20


class ConsoleBrowser(Browser):
    """What a person does on a page, and sees there."""

    def log_in(self, base: str) -> None:
        """As a member of staff with all rights, by the form."""
        get_user_model().objects.create_superuser("ann", password="a password")
        self.goes_to(f"{base}/admin/login/?next=/admin/")
        self._do(self._fill_in)
        self.sees("h2", "Open runs")

    def _fill_in(self) -> None:
        self._page.fill("[name=username]", "ann")
        self._page.fill("[name=password]", "a password")
        self._page.press("[name=password]", "Enter")

    def sees(self, selector: str, text: str) -> None:
        """Some element of the selector has the text, now or soon."""
        wait_until(lambda: any(text in one for one in self.texts(selector)), within_s=PATIENCE_S, what=f"{text!r}")

    def texts(self, selector: str) -> list[str]:
        """What the elements of the selector say."""
        return list(self._do(lambda: self._page.locator(selector).all_text_contents()))

    def clicks(self, selector: str) -> None:
        """On the one element of the selector."""
        self._do(lambda: self._page.locator(selector).click())

    def presses(self, selector: str, key: str) -> None:
        """A key, with the element in focus."""
        self._do(lambda: self._page.locator(selector).press(key))

    def is_checked(self, selector: str) -> bool:
        """True for a box with its mark."""
        return self._do(lambda: self._page.locator(selector).is_checked())

    def downloads(self, selector: str) -> str:
        """The name of the file that comes when the element is clicked."""

        def click() -> str:
            with self._page.expect_download() as download:
                self._page.locator(selector).click()
            return download.value.suggested_filename

        return self._do(click)
