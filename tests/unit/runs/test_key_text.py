"""The text of an API key: recognisable, checked without asking anybody, with a part that may be shown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.logs import MASK, masked
from runs.domain.key_text import DEV, LIVE, environment_of, new_key_text, prefix_in, visible_part
from runs.domain.redaction import Redactor

EXAMPLE = "sb_live_4fZk09aB_0000000000000000000000000000000000000000000"


@pytest.mark.parametrize("environment", [LIVE, DEV])
def test_a_key_names_product_environment_and_id_and_is_found_by_its_checksum(environment: str) -> None:
    made = new_key_text(environment)
    assert re.fullmatch(rf"sb_{environment}_[0-9A-Za-z]{{8}}_[0-9A-Za-z]{{43}}[0-9A-Za-z]{{6}}", made.text)
    assert prefix_in(made.text, environment) == made.prefix == made.text[: len(f"sb_{environment}_") + 8]
    assert made.text not in repr(made)


def test_the_checksum_is_the_same_for_ever() -> None:
    # Computed elsewhere: CRC-32 of the text before it in base 62, digits first, then capitals.
    assert prefix_in(EXAMPLE + "22hLTn", LIVE) == "sb_live_4fZk09aB"


def test_a_key_of_another_environment_is_none() -> None:
    assert prefix_in(new_key_text(DEV).text, LIVE) is None
    assert prefix_in(new_key_text(LIVE).text, DEV) is None
    assert (environment_of(production=True), environment_of(production=False)) == (LIVE, DEV)


@given(st.data())
def test_a_slip_in_one_character_is_found(data: st.DataObject) -> None:
    text = new_key_text(LIVE).text
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda character: character != text[place]))
    assert prefix_in(text[:place] + other + text[place + 1 :], LIVE) is None


@given(st.integers(0, 65))
def test_a_key_that_was_cut_off_is_none(length: int) -> None:
    assert prefix_in(new_key_text(LIVE).text[:length], LIVE) is None


@given(st.text())
def test_what_is_no_key_is_none(text: str) -> None:
    assert prefix_in(text, LIVE) is None


def test_a_line_feed_behind_it_makes_it_none() -> None:
    assert prefix_in(new_key_text(LIVE).text + "\n", LIVE) is None


def test_no_two_keys_are_alike() -> None:
    made = [new_key_text(LIVE) for _ in range(1_000)]
    assert len({key.prefix for key in made}) == len({key.text for key in made}) == 1_000


def test_the_visible_part_of_a_key_is_found_in_all_of_it_or_in_what_is_left_of_it() -> None:
    made = new_key_text(LIVE)
    for text in (made.prefix, made.text, made.text[:-9], f" {made.text}\n"):
        assert visible_part(text) == made.prefix
    for text in ("", "sb_live_", "sb_live_short", made.prefix + "x", "whatever"):
        assert visible_part(text) is None


def test_a_key_is_masked_wherever_something_is_shown_or_logged() -> None:
    text = new_key_text(DEV).text
    assert masked(f"it said {text} twice") == f"it said {MASK} twice"
    assert Redactor().redact({"said": f"use {text}, please"}) == {"said": "use [redacted], please"}
