"""Pages while the database is away or slow: they say so, and come back by themselves."""

import signal

import psycopg
import pytest
from django.db import connection
from django.test import Client

from tests.console import member
from tests.own_database import OwnDatabase
from tests.service import database_url
from tests.watching.staff import StaffBrowser, session_key
from tests.watching.web import WebProcess

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/console/runs/"
PERSON = {"Accept": "text/html,application/xhtml+xml"}


def test_a_list_that_takes_too_long_is_a_page_that_says_so(client: Client) -> None:
    staff = member(client, "view_run")
    with psycopg.connect(database_url()) as other, connection.cursor() as cursor:
        other.execute("LOCK TABLE runs_run IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SET statement_timeout = '200ms'")
        try:
            answer = staff.get(LIST, headers=PERSON)
            script = staff.get(LIST)
        finally:
            cursor.execute("RESET statement_timeout")
    shown = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert "The database did not answer in time" in shown
    assert "Try again" in shown
    assert answer["X-Request-Id"] in shown
    assert "Traceback" not in shown

    # It should be the error of the API for whoever did not ask for a page.
    assert script.json()["errorCode"] == "SERVICE_UNAVAILABLE"
    assert script.json()["message"] == "the database did not answer in time"
    assert script["Retry-After"] == "1"


@pytest.mark.slow
def test_a_page_says_that_the_database_is_away_and_comes_back_with_it(
    own_database: OwnDatabase, transactional_db: None, chromium: None
) -> None:
    web, staff = WebProcess(), StaffBrowser()
    try:
        staff.signs_in(web.base, session_key())
        own_database.stop(signal.SIGINT)
        answer = staff.do(lambda tab: tab.goto(f"{web.base}{LIST}", timeout=60_000))
        assert answer is not None
        assert answer.status == 503
        assert staff.text("h1") == "The database cannot be reached"
        staff.wait_for(lambda: "Still away" in staff.text("#watch"), "the second look")
        own_database.start()
        staff.wait_for(lambda: staff.do(lambda tab: tab.locator("#lines").count()) == 1, "the list")
        assert staff.problems == []
    finally:
        staff.close()
        web.end()
