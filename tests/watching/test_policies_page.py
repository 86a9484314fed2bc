"""The page of policies, in a real Chromium over a real web process: it shows what the runtime tells, or says why not."""

import json
from typing import Any

import pytest

from tests.watching.staff import StaffBrowser
from tests.watching.web import WebProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SHOWN = "[data-part=policies]"
SCRIPT = "<img src=x onerror=alert(1)>"
POLICY = {
    **{"policyId": SCRIPT, "mode": SCRIPT, "description": SCRIPT, "rules": {"note": SCRIPT}, "schemaVersion": 1},
    "registeredAtUnixMs": 1_769_850_000_000,
}


def answers(staff: StaffBrowser, status: int, body: Any) -> None:
    """What the route will answer."""
    told = {"status": status, "content_type": "application/json", "body": json.dumps(body)}
    staff.do(lambda page: page.unroute("**/runtime/policies*"))
    staff.do(lambda page: page.route("**/runtime/policies*", lambda route: route.fulfill(**told)))  # type: ignore[arg-type]


def says(staff: StaffBrowser, words: str) -> None:
    staff.wait_for(lambda: words in staff.text(SHOWN), repr(words))


def test_policies_are_shown_as_text_and_a_runtime_that_is_away_is_said_in_words(
    web: WebProcess, staff: StaffBrowser
) -> None:
    address = f"{web.base}/admin/console/policies"
    staff.goes_to(f"{address}?kind=scripted")
    says(staff, "This runtime has no policies.")

    staff.goes_to(f"{address}?kind=macp")
    says(staff, "The runtime does not answer, so its policies cannot be shown")  # none is set up

    answers(staff, 503, {"errorCode": "RUNTIME_UNAVAILABLE", "message": "the runtime cannot be reached"})
    staff.goes_to(address)
    says(staff, "The runtime does not answer, so its policies cannot be shown: the runtime cannot be reached")

    answers(staff, 200, [POLICY])
    staff.do(lambda page: page.locator(f"{SHOWN} button").click())
    says(staff, SCRIPT)
    assert staff.texts(f"{SHOWN} tbody td") == [
        *(SCRIPT, SCRIPT, SCRIPT, "1", "2026-01-31T09:00:00.000Z"),
        "Rules" + json.dumps({"note": SCRIPT}, indent=2),
    ]
    assert staff.asks("document.querySelectorAll('[data-part=policies] img').length") == 0

    answers(staff, 200, [])
    staff.goes_to(address)
    says(staff, "The runtime knows no policy.")
    assert staff.problems == []
