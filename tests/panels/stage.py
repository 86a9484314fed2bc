"""A page in Chromium that holds one panel, and nothing of ours besides it."""

import http.server
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Page, sync_playwright

from config.http.security_headers import CONTENT_SECURITY_POLICY
from tests.watching.browser import CHROMIUM

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
RUN = "77aa0000-0000-7000-8000-000000000001"
HERE = Path(__file__).parent
FILES: Mapping[str, Path] = {
    "/": HERE / "page.html",
    "/page.js": HERE / "page.js",
    "/page.css": HERE / "page.css",
}
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        file = FILES.get(path) or ROOT / path.lstrip("/")
        if not file.is_file() or file.suffix not in TYPES:
            self.send_error(404)
            return
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", TYPES[file.suffix])
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


class Stage:
    """Chromium on a thread of its own (its loop would keep Django from its rows), at a page that waits for a panel."""

    def __init__(self) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._thread = ThreadPoolExecutor(1)
        self.troubles: list[str] = []
        self.do(self._open)

    def begin(self, *, width: int = 1024, dark: bool = False) -> None:
        """The page is empty; nothing has gone wrong on it."""
        self.troubles.clear()
        self.do(lambda: self._page.set_viewport_size({"width": width, "height": 800}))
        address = f"http://127.0.0.1:{self._server.server_address[1]}/{'?dark' if dark else ''}"
        self.do(lambda: self._page.goto(address))
        self.do(lambda: self._page.wait_for_function("window.isReady"))

    def show(self, panel: str, state: Mapping[str, Any], answers: Mapping[str, object] | None = None) -> str:
        """The panel has been given the state, and what it asked for meanwhile; returns all its text."""
        return str(self.evaluate("([n, s, a]) => show(n, s, a)", [panel, state, dict(answers or {})]))

    def show_all(self, panel: str, states: Sequence[Mapping[str, Any]], answers: Mapping[str, object]) -> list[str]:
        """The panel has been given one state after the other; returns all its text after each."""
        script = "async ([n, all, a]) => { const t = []; for (const s of all) t.push(await show(n, s, a)); return t; }"
        return list(self.evaluate(script, [panel, list(states), dict(answers)]))

    def text(self) -> str:
        """What a reader sees."""
        return str(self.evaluate("() => document.getElementById('panel').innerText"))

    def evaluate(self, script: str, argument: object = None) -> Any:
        """What the script says on the page."""
        called = f"async (a) => JSON.stringify(await ({script})(a))"
        return json.loads(self.do(lambda: self._page.evaluate(called, argument)) or "null")

    def do(self, work: Callable[[], T]) -> T:
        """Done on the thread of the browser."""
        return self._thread.submit(work).result(30)

    @property
    def page(self) -> Page:
        """For use inside of `do` alone."""
        return self._page

    def close(self) -> None:
        """Nothing is left of it."""
        self.do(self._close)
        self._thread.shutdown()
        self._server.shutdown()
        self._server.server_close()

    def _open(self) -> None:
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        self._page: Page = self._chromium.new_page()
        self._page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self._page.on("dialog", lambda dialog: (self.troubles.append("a dialog"), dialog.dismiss()))
        self._page.on("console", lambda said: self._heard(said.type, said.text))

    def _heard(self, kind: str, text: str) -> None:
        # The browser asks for an icon on its own account.
        if kind == "error" and "404" not in text:
            self.troubles.append(text)

    def _close(self) -> None:
        self._chromium.close()
        self._playwright.stop()
