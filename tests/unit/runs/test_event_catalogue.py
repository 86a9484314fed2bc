"""Every event type is written by somebody, described once, and looks as described."""

from collections import defaultdict
from pathlib import Path

from runs.domain.catalogue import CATALOGUE, as_table, vocabulary_as_table
from runs.domain.events import Draft, EventType
from runs.domain.normaliser import EXEMPT, PRODUCED
from tests import scenarios
from tests.drafting import play

PAGE = Path(__file__).parents[3] / "docs" / "events.md"


def drafts_by_type() -> dict[str, list[Draft]]:
    found = defaultdict(list)
    for story in scenarios.ALL.values():
        for draft in play(story):
            found[draft.type].append(draft)
    return found


def test_every_type_is_produced_by_the_normaliser_or_exempt_by_name() -> None:
    assert PRODUCED | set(EXEMPT) == set(EventType)
    assert PRODUCED.isdisjoint(EXEMPT)
    assert all(EXEMPT.values())


def test_the_stories_produce_every_type_that_is_said_to_be_produced() -> None:
    assert set(drafts_by_type()) == PRODUCED


def test_every_type_is_in_the_catalogue() -> None:
    assert set(CATALOGUE) == set(EventType)


def test_what_is_written_looks_as_the_catalogue_says() -> None:
    for event_type, drafts in drafts_by_type().items():
        entry = CATALOGUE[EventType(event_type)]
        for draft in drafts:
            assert set(entry.members) <= set(draft.data), event_type
            assert set(draft.data) <= {*entry.members, *entry.optional}, event_type
            assert draft.subject_kind in entry.subject.split(" or "), event_type


def test_the_page_shows_the_tables_of_the_code() -> None:
    page = PAGE.read_text()

    for name, table in (("as_table", as_table()), ("vocabulary_as_table", vocabulary_as_table())):
        assert table in page, f"docs/events.md is not current: paste the output of runs.domain.catalogue.{name}()"
