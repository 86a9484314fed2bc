"""Whatever is sent, every route answers in one shape, and never with a 5xx."""

import copy
import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.domain.endings import EndingCode, Verdict
from runs.domain.scopes import SCOPES
from runs.ending import end_run
from runs.models import Run
from tests.cast import fresh
from tests.integration.routes.scene import run_for
from tests.integration.routes.shapes import code_of
from tests.keys import stored_key
from tests.routes import Call, calls, each
from tests.sample_bodies import sample_body

pytestmark = pytest.mark.django_db

EXAMPLES = 25

NASTY = [
    "",
    "\x00",
    "\ud800",
    "\ufffe",
    "' OR 1=1 --",
    "%",
    "_",
    "\\",
    "../..",
    "{{7*7}}",
    "${x}",
    "\r\nX: y",
    "٣",
    "1e999",
]
PARAMETERS = [
    *(
        "limit",
        "offset",
        "status",
        "tags",
        "search",
        "sortBy",
        "sortOrder",
        "createdAfter",
        "createdBefore",
        "afterSeq",
    ),
    *(
        "afterTs",
        "beforeTs",
        "type",
        "includeArchived",
        "includeSandbox",
        "environment",
        "scenarioRef",
        "mode",
        "speed",
    ),
    *("fromSeq", "toSeq", "seq", "ticket", "kind", "window", "since", "from", "to", "runId", "format", "eventLimit"),
    *("includeRaw", "includeCanonical", "includeSnapshot", "lastEventId", "actor", "action", "resource", "resourceId"),
]
HEADERS = ["Idempotency-Key", "traceparent", "Last-Event-ID", "X-Request-Id", "Origin", "Accept", "Cookie", "If-Match"]
KINDS = ["application/json", "application/json; charset=utf-7", "text/plain", "multipart/form-data", "", "x" * 300]

texts = st.sampled_from(NASTY) | st.text(max_size=30)
numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**400, 1e308])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
query_values = texts | numbers.map(str) | st.sampled_from(["true", "2026-01-31T09:30:00Z", "9999-12-31T23:59:59-14:00"])
queries = st.dictionaries(st.sampled_from(PARAMETERS) | texts, query_values, max_size=4)
header_texts = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80)
headers = st.dictionaries(st.sampled_from(HEADERS), header_texts, max_size=2)


@st.composite
def spoiled(draw: st.DrawFn, sample: dict[str, Any]) -> bytes:
    """The sample with one member, anywhere in it, replaced, added or taken away."""
    body = copy.deepcopy(sample)
    at: Any = body
    while True:
        steps = list(at) if isinstance(at, dict) else list(range(len(at)))
        inner = [step for step in steps if isinstance(at[step], dict | list) and at[step]]
        if not inner or draw(st.booleans()):
            break
        at = at[draw(st.sampled_from(inner))]
    if isinstance(at, dict):
        name = draw(st.sampled_from(list(at)) | texts) if at else draw(texts)
        at[name] = draw(values)
        if draw(st.booleans()) and len(at) > 1:
            del at[draw(st.sampled_from(list(at)))]
    else:
        at.append(draw(values))
    return as_json(body)


def as_json(value: object) -> bytes:
    """JSON, and sometimes nearly: NaN stays, halves of characters become escapes."""
    return json.dumps(value).encode()


def bodies(sample: dict[str, Any]) -> st.SearchStrategy[bytes]:
    return spoiled(sample) | values.map(as_json) | st.binary(max_size=60) | st.just(as_json(sample))


@pytest.fixture
def ended(db: None) -> Run:
    """A run that nobody can do anything to any more, so that nobody is waited for."""
    run = run_for(next(call for call in calls() if str(call) == "GET /runs/{}"))
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=run.lease_epoch)
    return fresh(run)


@pytest.mark.parametrize("call", each([call for call in calls() if call.method == "GET"]))
def test_no_value_of_any_parameter_is_an_error_of_ours(call: Call, ended: Run, insider: Client) -> None:
    address = call.route.address({"run_id": ended.id})
    for name in PARAMETERS:
        for value in ("%00", "%ED%A0%80", "%FF", "9" * 400, "-1", "0001-01-01T00:00:00%2B23:59", "%27"):
            answer = insider.get(f"{address}?{name}={value}")
            if answer.streaming:
                answer.close()
            assert answer.status_code < 500, (name, value)
            if answer.status_code >= 400:
                code_of(answer)


@pytest.mark.slow
@pytest.mark.parametrize("call", each(calls()))
def test_no_input_is_an_error_of_ours_and_every_error_has_the_one_shape_e06(call: Call, ended: Run) -> None:
    client = Client(raise_request_exception=False)
    key = stored_key(*SCOPES).header
    sample = sample_body(call, ended.id)
    ids = st.just(str(ended.id)) | texts.map(lambda text: quote(text.encode("utf-8", "surrogatepass"), safe=""))

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        address = call.route.address({name: data.draw(ids) or "-" for name in call.route.parameters})
        query = "&".join(
            f"{quote(name.encode('utf-8', 'surrogatepass'))}={quote(value.encode('utf-8', 'surrogatepass'))}"
            for name, value in data.draw(queries).items()
        )
        answer = client.generic(
            call.method,
            f"{address}?{query}",
            data.draw(bodies(sample)),
            content_type=data.draw(st.just(KINDS[0]) | st.sampled_from(KINDS)),
            headers={**data.draw(headers), "Authorization": key},
        )
        if answer.streaming:
            answer.close()
        # A policy that is registered already is refused by the runtime, not by us.
        assert answer.status_code < 500 or code_of(answer) == "RUNTIME_REJECTED", answer.content
        if answer.status_code >= 400:
            code_of(answer)

    ask()
