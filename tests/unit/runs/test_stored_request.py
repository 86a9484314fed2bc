"""A request as a row keeps it: one text, one digest, no readable secret."""

from collections.abc import Iterator
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from runs.api.requests import read_execution_request
from runs.domain.requests import canonical, decode_request, digest_of, document_of, without_bearer
from runs.errors import ValidationFailed
from runs.models.stored_request import bearer_of, stored_text
from tests.bodies import changed, full_body


def test_the_bearer_of_the_callback_is_sealed_where_it_is_stored_and_gone_where_it_is_shown() -> None:
    request = read_execution_request(full_body())
    text = stored_text(request)
    stored = decode_request(text)
    shown = cast(dict[str, Any], without_bearer(document_of(stored)))

    assert "top-secret" not in text
    assert bearer_of(stored) == bearer_of(request) == "top-secret"
    assert shown["session"]["metadata"]["cancelCallback"] == {"url": "https://agent.example/cancel"}


def test_storing_a_request_again_keeps_its_sealed_bearer() -> None:
    stored = decode_request(stored_text(read_execution_request(full_body())))

    assert bearer_of(decode_request(stored_text(stored))) == "top-secret"


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return value


def test_the_digest_ignores_the_order_of_keys_and_nothing_else() -> None:
    digest = digest_of(read_execution_request(full_body()))

    assert digest_of(read_execution_request(reordered(full_body()))) == digest
    assert digest_of(read_execution_request(changed("session.ttlMs", 59_999))) != digest


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def members_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in steps:
        yield (*path, step)
        yield from members_of(child, (*path, step))


PLACES = sorted(members_of(full_body()), key=str)


@given(way=st.sampled_from(PLACES), value=JSON)
def test_any_value_anywhere_is_taken_whole_or_refused(way: tuple[Any, ...], value: object) -> None:
    body: Any = full_body()
    at = body
    for step in way[:-1]:
        at = at[step]
    at[way[-1]] = value
    text = read_text(body)

    # It should read back as the same request, and hold nothing that a row could not.
    if text is not None:
        assert canonical(document_of(decode_request(text))) == text
        assert b"\\u0000" not in text


def read_text(body: object) -> bytes | None:
    try:
        return canonical(document_of(read_execution_request(body)))
    except ValidationFailed:
        return None
