from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.http.json_text import iso_time, to_json
from config.http.rendering import JsonRenderer


def test_a_time_is_utc_with_milliseconds() -> None:
    eastern = timezone(timedelta(hours=-5))
    assert iso_time(datetime(2026, 1, 31, 4, 30, tzinfo=eastern)) == "2026-01-31T09:30:00.000Z"
    assert to_json({"at": datetime(2026, 1, 31, 9, 30, 0, 123999, UTC)}) == b'{"at":"2026-01-31T09:30:00.123Z"}'


def test_a_time_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        to_json(datetime(2026, 1, 31))  # noqa: DTZ001


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_a_shown_time_reads_back_to_the_millisecond(moment: datetime) -> None:
    back = datetime.fromisoformat(iso_time(moment))
    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)


def test_a_fragment_keeps_its_bytes() -> None:
    stored = b'{"b":1.0,"a":  2}'
    assert JsonRenderer().render({"data": orjson.Fragment(stored)}) == b'{"data":' + stored + b"}"


def test_values_of_the_models_have_a_form() -> None:
    value = {"id": UUID(int=1), "cost": Decimal("1.5"), "tags": {"a"}, 7: ("x",)}
    assert to_json(value) == b'{"id":"00000000-0000-0000-0000-000000000001","cost":1.5,"tags":["a"],"7":["x"]}'


def test_an_answer_without_data_has_no_body() -> None:
    assert JsonRenderer().render(None) == b""


def test_what_has_no_form_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        to_json(object())
