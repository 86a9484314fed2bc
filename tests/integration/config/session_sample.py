"""Not collected by itself: sessions that test_session_database.py runs, watches and kills."""

import json
import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
@pytest.mark.parametrize("number", range(4))
def test_says_which_database_it_was_given(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_database(), current_setting('data_directory'), current_setting('server_version')"
        )
        row = cursor.fetchone()
    report = Path(os.environ["SAMPLE_REPORTS"]) / f"{number}.json"
    report.with_suffix(".new").write_text(json.dumps([*row, settings.DATABASES["default"]["PORT"]]))
    report.with_suffix(".new").replace(report)
    time.sleep(float(os.environ.get("SAMPLE_SECONDS", "0")))
    assert "SAMPLE_FAILS" not in os.environ
