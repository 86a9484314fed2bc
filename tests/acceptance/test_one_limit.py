"""D08: web processes share one limit."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from runs.models import RateWindow
from tests.web_process import two

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

LIMIT = 200


def test_two_web_processes_share_one_limit_d08() -> None:
    with two(THROTTLE_LIMIT=str(LIMIT), THROTTLE_TTL_MS="600000") as (one, other):

        def ask(number: int) -> int:
            return (one, other)[number % 2].caller.get("/runs").status_code

        with ThreadPoolExecutor(8) as threads:
            answers = Counter(threads.map(ask, range(LIMIT * 2)))
        assert set(answers) == {200, 429}
        # It should be the limit but for what one process still held when the other one asked for more.
        assert LIMIT - LIMIT // 20 < answers[200] <= LIMIT
        assert RateWindow.objects.get(route="GET /runs").given == LIMIT
        refused = one.caller.get("/runs")
        assert refused.json()["errorCode"] == "RATE_LIMITED"
        assert 0 < int(refused.headers["Retry-After"]) <= 600
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        # It should not be the limit of another route, nor of a probe.
        for web in (one, other):
            assert web.caller.get("/runs/validate").status_code == 405
            assert web.caller.get("/healthz").status_code == 200
            assert web.caller.get("/metrics").status_code == 200
