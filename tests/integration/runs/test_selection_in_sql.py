"""What SQL finds for the first list is what Python matches for every change after it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.domain.lifecycle import TERMINAL, RunStatus
from runs.models import Run
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from runs.queries.summaries import newest_summaries, summaries_of
from runs.streaming.selection import Selection

pytestmark = [pytest.mark.django_db, pytest.mark.handmade_rows("runs without logs, of every kind there is")]

# Words that an equality of either side might take for one another: case, blanks, accents, wildcards, quotes.
WORDS = ("a", "A", " a", "a%", "%", "_", "é", "e\u0301", "{}", '"', "\\", "archived", "a,b", "", "\U0001f682")
words = st.sampled_from(WORDS)

rows = st.fixed_dictionaries(
    {
        "status": st.sampled_from(list(RunStatus)),
        "mode": st.sampled_from(["live", "sandbox"]),
        "mode_name": words,
        "tags": st.lists(words, max_size=3),
        "archived_at": st.sampled_from([None, datetime(2026, 1, 1, tzinfo=UTC)]),
    }
)
selections = st.builds(
    Selection,
    status=st.none() | st.sampled_from([status.value for status in RunStatus]),
    tags=st.lists(words, max_size=2).map(tuple),
    mode_name=st.just("") | words,
    include_archived=st.booleans(),
    include_sandbox=st.booleans(),
)


def a_run(columns: dict[str, Any]) -> Run:
    run_id = uuid7()
    ended = {"ended_at": datetime(2026, 1, 1, tzinfo=UTC), "ending_seq": 0} if columns["status"] in TERMINAL else {}
    return Run(
        id=run_id,
        runtime_kind="scripted",
        session_id=str(run_id),
        session_opener="control-plane",
        request="{}",
        request_digest=b"",
        **columns,
        **ended,
    )


@settings(max_examples=150, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=st.lists(rows, min_size=1, max_size=12), wanted=st.lists(selections, min_size=1, max_size=8))
def test_sql_finds_what_python_matches(made: list[dict[str, Any]], wanted: list[Selection]) -> None:
    with transaction.atomic():
        runs = Run.objects.bulk_create([a_run(columns) for columns in made])
        stored = summaries_of([run.id for run in runs])
        for selection in wanted:
            found, total = newest_summaries(DEFAULT_PROJECT_ID, selection.filter, limit=200)
            assert {row.id for row in found} == {row.id for row in stored.values() if selection.matches(row)}
            assert total == len(found)
        transaction.set_rollback(True)


def test_a_total_counts_beyond_the_list() -> None:
    Run.objects.bulk_create([a_run({"mode": "live", "mode_name": "m", "status": "queued"}) for _ in range(5)])

    for limit, listed in ((3, 3), (5, 5), (6, 5)):
        found, total = newest_summaries(DEFAULT_PROJECT_ID, Selection().filter, limit=limit)
        assert (len(found), total) == (listed, 5)
