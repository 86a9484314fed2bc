"""What people see when something is wrong, in a real Chromium over a real web process: honest words, and a way on."""

import os
import subprocess

import httpx
import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page

from runs.domain.endings import EndingCode
from runs.models import Run
from tests.cast import queued_run
from tests.console import ended_run, watched_run
from tests.watching.staff import RunPage, StaffBrowser
from tests.watching.web import AUTHORIZED, KEY, WebProcess

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.handmade_rows("runs are deleted and owned without a runtime"),
]
LIST = "/admin/console/runs/"


def test_who_is_signed_out_while_a_page_is_open_is_told_and_led_to_the_login_and_back(
    web: WebProcess, staff: StaffBrowser
) -> None:
    page = RunPage(staff, web.base, watched_run())
    page.open()
    page.wait_for_connection("live")
    Session.objects.all().delete()
    web.restart()
    page.wait_for_connection("you are signed out", within_s=40)
    link = staff.do(lambda tab: tab.locator("[data-part=connection] a").get_attribute("href"))
    assert link == f"/admin/login/?next=%2Fadmin%2Fconsole%2Fruns%2F{page.run.id}"

    staff.do(lambda tab: tab.locator("[data-part=connection] a").click())
    staff.do(fill_in)
    page.wait_for_connection("live")


def test_home_and_list_tell_who_is_signed_out(web: WebProcess, staff: StaffBrowser) -> None:
    queued_run()
    for address in (LIST, "/admin/"):
        staff.goes_to(web.base + address)
        staff.wait_for(lambda: staff.text("#live") == "live", "the stream")
    Session.objects.all().delete()
    # It should also say so where the stream still stands, because its parts are refused.
    staff.wait_for(lambda: "signed out" in staff.text("#live"), "the words", within_s=40)
    assert staff.text("#live a") == "Log in again"


def test_a_run_that_was_deleted_while_it_was_watched_is_said_to_be_gone(web: WebProcess, staff: StaffBrowser) -> None:
    page = RunPage(staff, web.base, watched_run())
    page.open()
    page.wait_for_connection("live")
    web.kill()
    Run.objects.filter(id=page.run.id).delete()
    web.start_again()
    page.wait_for_connection("there is no such run any more", within_s=40)
    assert staff.text("[data-part=connection] a") == "All runs"

    # It should be a page with a way on, not a line of JSON, when it is loaded again.
    page.open()
    assert staff.text("h1") == "There is nothing here"
    staff.do(lambda tab: tab.get_by_role("link", name="All runs").click())
    staff.wait_for(lambda: staff.asks("location.pathname") == LIST, "the list")


def test_a_filter_that_nothing_matches_says_what_was_asked_and_is_cleared_with_a_click(
    web: WebProcess, staff: StaffBrowser
) -> None:
    run = ended_run(EndingCode.SESSION_LOST)
    staff.goes_to(f"{web.base}{LIST}?q=needle&code=agent_error")
    assert "No run matches" in staff.text("#lines .sb-empty")
    assert staff.texts("#lines .sb-empty li") == ["search: needle", "ending code: agent_error"]
    staff.do(lambda tab: tab.get_by_role("link", name="Show all runs").click())
    staff.wait_for(lambda: staff.do(lambda tab: tab.locator(f'tr[data-run="{run.id}"]').count()) == 1, "the run")


def test_the_command_of_the_empty_list_launches_a_run(web: WebProcess, staff: StaffBrowser) -> None:
    staff.goes_to(web.base + LIST)
    assert "No runs yet" in staff.text(".sb-empty")
    command = staff.text(".sb-empty pre")
    environment = {**os.environ, "SIGNALBOX_KEY": KEY, "no_proxy": "*"}
    subprocess.run(["/bin/sh", "-c", command], env=environment, check=True, timeout=30)
    assert Run.objects.count() == 1
    staff.wait_for(lambda: "No runs yet" not in staff.text("#lines"), "the list")


def test_without_javascript_a_page_says_so_and_leads_to_the_events(web: WebProcess, staff: StaffBrowser) -> None:
    run = watched_run()
    cookies = staff.do(lambda tab: tab.context.cookies())

    def without_scripts(tab: Page) -> list[str]:
        browser = tab.context.browser
        assert browser is not None
        context = browser.new_context(java_script_enabled=False)
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{web.base}{LIST}{run.id}")
        told = [page.locator(".noscript").inner_text(), page.locator("[data-field=status]").inner_text()]
        page.locator(".noscript a").first.click()
        assert page.locator("tbody tr").first.is_visible()
        told += [page.url, str(page.locator("tbody tr").count())]
        context.close()
        return told

    words, status, url, events = staff.do(without_scripts)
    assert "Without JavaScript" in words
    assert status == "running"
    assert url.endswith(f"/admin/runs/event/?run__exact={run.id}")
    assert int(events) == run.last_seq


def test_a_script_is_told_of_an_error_as_json_where_a_person_gets_a_page(web: WebProcess, staff: StaffBrowser) -> None:
    address = f"{web.base}{LIST}01890000-0000-7000-8000-000000000000"
    staff.goes_to(address)
    assert staff.text("h1") == "There is nothing here"
    assert (
        staff.asks(f"fetch('{address}').then((answer) => answer.json()).then((body) => body.errorCode)") == "NOT_FOUND"
    )
    assert (
        httpx.get(address.replace("/admin/console", ""), headers=AUTHORIZED, trust_env=False).json()["statusCode"]
        == 404
    )


def fill_in(tab: Page) -> None:
    tab.fill("[name=username]", "root")
    tab.fill("[name=password]", "x")
    tab.press("[name=password]", "Enter")
