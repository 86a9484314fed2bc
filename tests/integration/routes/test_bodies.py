"""Bodies are read strictly, on every route that takes one; ids in addresses and values in queries, too."""

from typing import Any

import orjson
import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from runs.models.identity import uuid7
from tests.integration.routes.scene import JSON
from tests.integration.routes.shapes import code_of
from tests.routes import Call, calls, each
from tests.sample_bodies import sample_body

pytestmark = pytest.mark.django_db

WITH_BODY = [call for call in calls() if call.method in {"POST", "PUT", "PATCH"}]
OF_A_RUN = [call for call in calls() if "run_id" in call.route.parameters]
READS = [call for call in calls() if call.method == "GET"]

DEEP = b'{"a":' * 40 + b"1" + b"}" * 40
MANY = orjson.dumps({"a": {str(number): 1 for number in range(10_001)}})
LONG = b'{"a": "' + b"x" * (256 * 1024 + 1) + b'"}'
MALFORMED = [
    *(
        b"{",
        b"\xff",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": "\\ud800"}',
        b'{"a": 1} x',
        b"\xef\xbb\xbf{}",
    ),
    *(b'{"a": ' + b"9" * 5_000 + b"}", b'{"a": 1e999}', b'{"a": [-1e999]}', b"{" * 5_000),
]
REFUSED = [
    *(b"[]", b'"text"', b"1", b"null", DEEP, MANY, LONG, b'{"a": 1, "a": 1}', b'{"a": {"b": 1, "b": 2}}'),
    *(b'{"a": "\\u0000"}', b'{"\\u0000": 1}', b'{"a": 18446744073709551616}', b'{"a": -9223372036854775809}'),
]


def sent(caller: Client, call: Call, body: bytes, declared: str = JSON) -> Any:
    return caller.generic(call.method, call.route.address(), body, content_type=declared)


@pytest.mark.parametrize("call", each(WITH_BODY))
def test_an_unknown_field_is_refused_with_its_path_a14(call: Call, insider: Client) -> None:
    answer = sent(insider, call, orjson.dumps({**sample_body(call, uuid7()), "surprise": 1}))
    assert code_of(answer) == "VALIDATION_ERROR"
    assert "surprise" in [fault["path"] for fault in answer.json()["details"]["errors"]]


@pytest.mark.parametrize("call", each(WITH_BODY))
def test_what_is_no_json_is_malformed_e07(call: Call, insider: Client) -> None:
    for body in MALFORMED:
        assert code_of(sent(insider, call, body)) == "MALFORMED_JSON", body[:40]


@pytest.mark.parametrize("call", each(WITH_BODY))
def test_json_that_could_not_be_kept_as_it_is_is_refused(call: Call, insider: Client) -> None:
    for body in REFUSED:
        answer = sent(insider, call, body)
        assert code_of(answer) == "VALIDATION_ERROR", body[:40]
        # It should be refused for what it is, not for the name it has.
        messages = [fault["message"] for fault in answer.json()["details"]["errors"]]
        assert messages, body[:40]
        assert "is not a known field" not in messages, body[:40]


@pytest.mark.parametrize("call", each(WITH_BODY))
def test_a_body_of_another_kind_is_415(call: Call, insider: Client) -> None:
    for declared in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert code_of(sent(insider, call, b'{"a": 1}', declared)) == "UNSUPPORTED_MEDIA_TYPE", declared


@pytest.mark.parametrize("call", each(WITH_BODY))
def test_too_large_a_body_is_413_e07(call: Call, insider: Client, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 100
    assert code_of(sent(insider, call, b'{"a": "' + b"x" * 100 + b'"}')) == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize("call", each(OF_A_RUN))
def test_an_id_that_is_no_uuid_is_400(call: Call, insider: Client) -> None:
    body = orjson.dumps(sample_body(call, uuid7()))
    for run_id in ("x", "1", "%00", "%ff", "%25zz", "0" * 400, "{}", "%F0%9F%9A%A6", "%0A", "%ED%A0%80"):
        answer = insider.generic(call.method, call.route.address({"run_id": run_id}), body, content_type=JSON)
        assert code_of(answer) == "VALIDATION_ERROR", run_id


@pytest.mark.parametrize("call", each(READS))
def test_a_limit_that_is_none_is_400_or_no_limit_of_this_route_e04(call: Call, insider: Client) -> None:
    address = call.route.address()
    plain = insider.get(address)
    is_paged = plain.status_code == 200 and "limit" in plain.json()
    has_limit = is_paged or insider.get(address, {"limit": "x"}).status_code == 400
    for value in ("0", "-1", "x", "1.5", "1e3", "", "5001", "99999999999999999999", "\x00", "٣"):
        answer = insider.get(address, {"limit": value})
        if has_limit:
            assert code_of(answer) == "VALIDATION_ERROR", value
            assert [fault["path"] for fault in answer.json()["details"]["errors"]] == ["limit"]
        else:
            assert answer.status_code == plain.status_code
