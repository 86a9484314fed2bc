"""Web processes, pages and a browser for whoever watches."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.watching.browser import CHROMIUM, Browser, PageServer
from tests.watching.staff import StaffBrowser, session_key
from tests.watching.web import WebProcess


@pytest.fixture
def pages() -> Iterator[PageServer]:
    server = PageServer()
    yield server
    server.stop()


@pytest.fixture
def web(transactional_db: None, pages: PageServer) -> Iterator[WebProcess]:
    process = WebProcess({"CORS_ORIGIN": pages.origin})
    yield process
    process.end()


@pytest.fixture
def browser(chromium: None) -> Iterator[Browser]:
    opened = Browser()
    yield opened
    opened.close()


@pytest.fixture
def staff(web: WebProcess, chromium: None) -> Iterator[StaffBrowser]:
    """A browser in which a superuser is signed in."""
    opened = StaffBrowser()
    opened.signs_in(web.base, session_key())
    yield opened
    opened.close()


@pytest.fixture
def chromium() -> None:
    """There is one."""
    if shutil.which(CHROMIUM) is None:
        if os.environ.get("REQUIRE_CHROMIUM"):
            pytest.fail("REQUIRE_CHROMIUM is set and there is no chromium")
        pytest.skip("there is no chromium (Debian: apt-get install chromium; CHROMIUM names another)")
