"""Tests for test_kept_invariants.py to run: some leave broken rows behind, and one of those says so."""

import os

import pytest

from runs.models import Run
from tests.cast import running_run

REASON = os.environ.get("SAMPLE_REASON", "it breaks a count on purpose")


def _break() -> None:
    Run.objects.filter(id=running_run().id).update(late_count=9)


@pytest.mark.django_db
def test_sound_rows() -> None:
    running_run()


@pytest.mark.django_db
def test_broken_rows_that_are_rolled_back() -> None:
    _break()


@pytest.mark.django_db(transaction=True)
def test_broken_rows_that_are_committed() -> None:
    _break()


@pytest.mark.django_db
@pytest.mark.handmade_rows(REASON)
def test_broken_rows_with_a_reason() -> None:
    _break()


def test_without_a_database() -> None:
    pass
