"""A page in a real Chromium that watches a run with the code of docs/streaming.md."""

import http.server
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from playwright.sync_api import Page, sync_playwright

from tests.processes import wait_until
from tests.watching.guide import code_of

T = TypeVar("T")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

PAGE = """<!doctype html><meta charset="utf-8"><title>A run</title><ol id="events"></ol><script>
const told = [];
@client@
async function askForTicket() {
  const answer = await fetch("@base@/stream-tickets", {
    method: "POST", headers: {"Authorization": "Bearer @key@", "Content-Type": "application/json"},
    body: JSON.stringify({runId: "@run@"}),
  });
  return (await answer.json()).ticket;
}
let isOver = false;
watchRun("@base@", "@run@", askForTicket, (event, text) => {
  told.push([event.seq, text]);
  const line = document.createElement("li");
  line.textContent = `${event.seq} ${event.type}`;
  document.getElementById("events").append(line);
}).then(() => { isOver = true; });
</script>"""


class PageServer:
    """Serves one page from an origin of its own, as a console of somebody else's would be."""

    def __init__(self) -> None:
        owner = self
        self.html = ""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = owner.html.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def show(self, *, base: str, key: str, run: str) -> None:
        """The page watches this run from now on."""
        html = PAGE.replace("@client@", code_of("js"))
        for name, value in {"base": base, "key": key, "run": run}.items():
            html = html.replace(f"@{name}@", value)
        self.html = html

    def stop(self) -> None:
        """It serves no more."""
        self._server.shutdown()
        self._server.server_close()


class Browser:
    """Chromium without a window, on a thread of its own: its loop would keep Django from its rows."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._do(self._open)

    def goes_to(self, address: str) -> None:
        """The page has been loaded; its script runs."""
        self._do(lambda: self._page.goto(address))

    def told(self) -> list[tuple[int, str]]:
        """Number and data of every event that the page was sent, in order."""
        found: list[list[Any]] = json.loads(self._do(lambda: self._page.evaluate("JSON.stringify(told)")))
        return [(seq, text) for seq, text in found]

    def listed(self) -> list[str]:
        """The lines that stand on the page."""
        return list(self._do(lambda: self._page.locator("#events li").all_text_contents()))

    def wait_for(self, count: int, *, within_s: float = 30) -> None:
        """So many events at least have arrived."""
        wait_until(lambda: len(self.told()) >= count, within_s=within_s, what=f"{count} events on the page")

    def wait_for_the_end(self, *, within_s: float = 30) -> None:
        """The page knows that the run is over."""
        wait_until(lambda: self._do(lambda: self._page.evaluate("isOver")), within_s=within_s, what="the end")

    def close(self) -> None:
        """Nothing is left of it."""
        self._do(self._close)
        self._thread.shutdown()

    def _do(self, work: Callable[[], T]) -> T:
        return self._thread.submit(work).result(60)

    def _open(self) -> None:
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        self._page: Page = self._chromium.new_page()
        # Shown with a test that fails.
        self._page.on("console", lambda message: print("page:", message.text))
        self._page.on("requestfailed", lambda request: print("page:", request.url, request.failure))

    def _close(self) -> None:
        self._chromium.close()
        self._playwright.stop()
