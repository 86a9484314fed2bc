"""Errors below /admin/: a page for a person, the JSON object of the API for everybody else."""

import pytest
from django.conf import LazySettings
from django.contrib.auth import get_user_model
from django.test import Client

from runs.models.identity import uuid7
from tests.console import member

pytestmark = pytest.mark.django_db
PERSON = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def real_addresses(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = "config.urls"


def test_a_person_gets_a_page_and_a_script_the_object(client: Client) -> None:
    staff, address = member(client, "view_run"), f"/admin/console/runs/{uuid7()}"
    page, script = staff.get(address, headers=PERSON), staff.get(address)
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is nothing here" in page.content.decode()
    assert page["X-Request-Id"] in page.content.decode()
    assert (script.status_code, script.json()["errorCode"]) == (404, "NOT_FOUND")


def test_elsewhere_everybody_gets_the_object(client: Client) -> None:
    answer = client.get("/nowhere", headers=PERSON)
    assert answer["Content-Type"] == "application/json"


def test_a_form_that_is_out_of_date_is_said_to_be_and_not_sent_again() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(get_user_model().objects.create_superuser("ann", password="x"))
    answer = browser.post("/admin/runs/apikey/add/", {"name": "x"}, headers=PERSON)
    shown = answer.content.decode()
    assert answer.status_code == 403
    assert "This form is out of date" in shown
    assert 'id="watch"' not in shown


def test_a_method_that_a_page_does_not_know_keeps_what_the_answer_said(client: Client) -> None:
    answer = member(client, "view_run").post(f"/admin/console/runs/{uuid7()}/head", headers=PERSON)
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD"
    assert "This cannot be answered" in answer.content.decode()
