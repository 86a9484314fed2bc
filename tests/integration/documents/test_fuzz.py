"""Whatever a caller sends, the answer is one that docs/openapi.json names, and never an error of ours.

Schemathesis makes the requests out of the document, good ones and bad ones. FUZZ_EXAMPLES is how many of them each call
gets (`make fuzz` gives more).
"""

import os
from datetime import timedelta
from functools import cache

import httpx
import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from runs.domain.endings import EndingCode, Verdict
from runs.domain.scopes import SCOPES
from runs.ending import end_run
from runs.models import Run
from tests.cast import fresh
from tests.documents import closed, document
from tests.integration.documents.answers import documented, whole
from tests.integration.routes.scene import run_for
from tests.keys import stored_key
from tests.offering import Shelf
from tests.routes import Call, calls

# Nothing is left open while requests are made up: that may take longer than a transaction may be idle.
pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
NOT_OURS = frozenset({"authorization", "content-type", "content-length", "cookie", "host"})
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@cache
def described() -> BaseSchema:
    return schemathesis.openapi.from_dict(closed(document("openapi")))


@pytest.fixture
def ended(db: None, shelf: Shelf) -> Run:
    """A run that nobody can do anything to any more, so that nobody is waited for; the runtime answers what it is asked."""
    run = run_for(next(call for call in calls() if str(call) == "GET /runs/{}"))
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=run.lease_epoch)
    return fresh(run)


@pytest.mark.parametrize("call", calls(), ids=str)
def test_no_request_has_an_answer_that_is_not_described(call: Call, ended: Run, shelf: Shelf) -> None:
    operation = described()[documented(call.route)][call.method]
    client = Client(raise_request_exception=False, headers={"Authorization": stored_key(*SCOPES).header})

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(operation), of_the_run=st.booleans())
    def ask(case: Case, of_the_run: bool) -> None:
        shelf.clear()  # or a policy would be refused for being known
        if of_the_run and "run_id" in call.route.parameters:
            case.path_parameters["run_id"] = str(ended.id)
        response = sent(case, client)
        case.validate_response(response, checks=CHECKS)

    ask()


def cases(operation: APIOperation) -> st.SearchStrategy[Case]:
    """Requests that are as described, and such as are not."""
    return operation.as_strategy(generation_mode=GenerationMode.POSITIVE) | operation.as_strategy(
        generation_mode=GenerationMode.NEGATIVE
    )


def sent(case: Case, client: Client) -> httpx.Response:
    """The answer of the application in this process."""
    wanted = case.as_transport_kwargs(base_url="http://testserver")
    body = {"json": wanted["json"]} if "json" in wanted else {"content": wanted.get("data")}
    request = httpx.Request(wanted["method"], wanted["url"], params=wanted.get("params"), **body)
    answer = client.generic(
        request.method,
        request.url.raw_path.decode(),
        request.read(),
        content_type=request.headers.get("Content-Type", "application/json"),
        headers={name: value for name, value in wanted["headers"].items() if name.lower() not in NOT_OURS},
    )
    response = httpx.Response(answer.status_code, headers=list(answer.items()), content=whole(answer), request=request)
    response.elapsed = timedelta()
    return response
