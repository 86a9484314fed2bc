"""Staff act on the page of a run, in a real Chromium over a real web process and a real observer."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from runs.models import AuditEntry, OutboundMessage, Run
from runs.observer import lease
from tests.cast import fresh
from tests.deliveries import listening, waiting
from tests.integration.runs.conftest import append, end, store_run
from tests.integration.runs.test_lease import age
from tests.integration.runs.test_observe_run import launch
from tests.observing import silent_run
from tests.steered import bind, cancel
from tests.watching.staff import StaffBrowser, session_key
from tests.watching.steering import SteeredPage, an_observer
from tests.watching.web import WebProcess
from webhooks.models import Delivery

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.acceptance]

SILENT = {"kind": "scripted", "options": {"scenario": "silent"}}
NOTE = '{"text": "from a person"}'


@pytest.fixture
def observed(web: WebProcess) -> Iterator[None]:
    with an_observer():
        yield


def page_of(run_id: UUID, staff: StaffBrowser, web: WebProcess) -> SteeredPage:
    page = SteeredPage(staff, web.base, Run.objects.get(id=run_id))
    page.open()
    return page


@pytest.fixture
def page(observed: None, web: WebProcess, staff: StaffBrowser) -> SteeredPage:
    """The page of a running run with a living observer."""
    page = page_of(silent_run(), staff, web)
    page.wait_for_connection("live")
    return page


def audited(run: Run, *actions: str) -> bool:
    entries = AuditEntry.objects.filter(resource_id=str(run.id), actor="root").order_by("id")
    return tuple(entries.values_list("action", flat=True)) == actions


def test_a_run_is_suspended_resumed_and_cancelled_and_only_what_it_allows_is_offered(page: SteeredPage) -> None:
    assert {"message", "suspend", "cancel", "recover"} <= set(page.offered)
    assert not {"resume", "delete", "unarchive"} & set(page.offered)
    for act, status, then in (("suspend", "suspended", "resume"), ("resume", "running", "suspend")):
        page.choose_act(act)
        page.send()
        page.browser.wait_for(lambda s=status: fresh(page.run).status == s, status)
        page.wait_for_told("The run is")
        page.press("Escape")
        page.browser.wait_for(lambda t=then: t in page.offered, f"the button {then}")

    page.choose_act("cancel")
    page.fill_in(reason="seen enough")
    page.send()
    page.wait_for_told("The run is cancelled.")
    page.wait_for_connection("over")
    page.browser.wait_for(lambda: "delete" in page.offered, "what an ended run allows")
    assert not {"cancel", "message", "recover", "suspend"} & set(page.offered)
    assert (fresh(page.run).status, fresh(page.run).wanted_reason) == ("cancelled", "seen enough")
    assert audited(page.run, "run.suspended", "run.resumed", "run.cancelled")

    # The button that had the focus is gone: it should be on one that is there.
    page.press("Escape")
    page.browser.wait_for(lambda: page.focused in page.offered, "the focus")
    assert not page.is_asking
    assert page.browser.problems == []


def test_a_message_is_said_once_however_often_it_is_sent_and_stands_in_the_timeline(page: SteeredPage) -> None:
    page.choose_act("message")
    page.fill_in(as_="lead", to="alice, bob", messageType="Note", payload=NOTE)
    page.send(clicks=2)
    page.wait_for_told("The runtime has accepted the message.")
    page.browser.wait_for(lambda: any("from a person" in row for row in page.rows), "the message")
    sent = OutboundMessage.objects.get(run_id=page.run.id)
    assert (sent.sender, sent.recipients, sent.message_type) == ("lead", ["alice", "bob"], "Note")
    assert audited(page.run, "message.sent")

    page.press("Escape")
    page.browser.wait_for(lambda: page.focused == "message", "the focus where it was")


def test_a_message_whose_answer_was_lost_is_sent_again_and_said_once(page: SteeredPage) -> None:
    page.choose_act("message")
    page.fill_in(as_="lead", messageType="Note", payload=NOTE)
    page.lose_the_next_answer(f"/runs/{page.run.id}/messages")
    page.send()
    page.browser.wait_for(lambda: "the connection was lost" in page.problem, "the lost answer")
    assert "not done twice" in page.problem
    assert OutboundMessage.objects.filter(run_id=page.run.id).count() == 1

    page.send()
    page.wait_for_told("The runtime has accepted the message.")
    assert OutboundMessage.objects.filter(run_id=page.run.id).count() == 1
    assert audited(page.run, "message.sent")


def test_what_is_wrong_is_said_at_its_field_by_the_page_or_by_the_route(page: SteeredPage) -> None:
    page.choose_act("signal")
    page.fill_in(as_="alice", to="lead", messageType="Alarm", payload="{", confidence="7")
    page.send()
    page.browser.wait_for(lambda: "is no JSON" in page.fault_of("payload"), "the page's fault")
    page.fill_in(payload='{"severity": "low"}', severity="high")
    page.send()
    page.browser.wait_for(lambda: page.fault_of("confidence"), "the route's fault")
    assert "payload.severity must be absent" in page.fault_of("payload")
    assert page.browser.asks("document.activeElement.name") == "payload"
    assert not OutboundMessage.objects.filter(run_id=page.run.id).exists()

    page.fill_in(payload='{"level": 1}', confidence="0.7")
    page.send()
    page.wait_for_told("The runtime has accepted the signal.")
    assert OutboundMessage.objects.filter(run_id=page.run.id, category="signal").count() == 1


def test_what_a_route_refuses_is_said_in_plain_words_with_its_code(page: SteeredPage) -> None:
    page.choose_act("suspend")
    cancel(page.run.id)
    page.send()
    page.browser.wait_for(lambda: page.problem, "the refusal")
    assert page.problem == "Not done: run is cancelled and cannot be suspended (INVALID_STATE_TRANSITION)."
    assert page.is_asking


def test_a_run_whose_observer_fell_silent_is_recovered_and_one_whose_observer_lives_is_left_alone(
    web: WebProcess, staff: StaffBrowser
) -> None:
    run_id, owner = launch(runtime=SILENT), lease.register()
    bind(run_id)
    lease.claim(owner, 1, only=run_id)
    with an_observer():
        page = page_of(run_id, staff, web)
        lease.beat(owner)
        for is_silent, words in ((False, "Nothing was to be done: its observer lives"), (True, "is running")):
            page.choose_act("recover")
            age(owner, 22 if is_silent else 0)
            page.send()
            page.wait_for_told(words)
            page.press("Escape")
        run = fresh(page.run)
    assert "had fallen silent" in page.told
    assert (run.status, run.lease_epoch) == ("running", 2)
    assert audited(run, "run.recovery_requested", "run.recovery_requested")


@pytest.mark.handmade_rows("what is done to a run as a whole asks no observer")
def test_an_ended_run_is_copied_shelved_mended_taken_away_and_deleted(web: WebProcess, staff: StaffBrowser) -> None:
    run_id = launch(runtime=SILENT)
    run = Run.objects.get(id=run_id)
    cancel(run_id)
    page = page_of(run_id, staff, web)
    for act, words in (
        ("clone", "The new run is queued"),
        ("rebuild", "The state was made anew"),
        ("archive", "The run is archived"),
        ("unarchive", "Lists show the run again"),
        ("export", "The file has"),
    ):
        page.browser.wait_for(lambda a=act: a in page.offered, act)
        page.choose_act(act)
        page.send()
        page.wait_for_told(words)
        page.press("Escape")
    assert Run.objects.filter(metadata__clonedFrom=str(run_id)).count() == 1

    page.choose_act("delete")
    page.fill_in(typed="yes")
    page.send()
    assert "must be" in page.fault_of("typed")
    assert Run.objects.filter(id=run_id).exists()
    page.fill_in(typed=str(run_id)[-12:])
    page.send()
    page.wait_for_told("The run is deleted.")
    assert not Run.objects.filter(id=run_id).exists()
    assert audited(run, "run.rebuilt", "run.archived", "run.unarchived", "run.deleted")
    page.press("Escape")
    staff.do(lambda shown: shown.wait_for_url("**/admin/console/runs/"))


@pytest.mark.handmade_rows("deliveries are written by hand: nobody delivers them here")
def test_a_delivery_is_sent_again_from_the_panel_once(web: WebProcess, staff: StaffBrowser) -> None:
    run = store_run()
    append(run, 2)
    (delivery,) = waiting(listening(), 1, run_id=run.id, seq=2)
    Delivery.objects.filter(id=delivery.id).update(status="exhausted", next_attempt_at=None, due_at=None)
    page = page_of(run.id, staff, web)
    button = "[data-panel=webhooks] [data-act=resend]"
    staff.wait_for(lambda: "exhausted" in staff.text("[data-panel=webhooks]"), "the delivery")
    staff.do(lambda shown: shown.locator(button).click())
    page.send(clicks=2)
    page.wait_for_told("It is due once more.")
    page.press("Escape")
    staff.wait_for(lambda: "pending" in staff.text("[data-panel=webhooks]"), "the delivery as it is now")
    entry = AuditEntry.objects.get(actor="root", action="webhook.resent")
    assert entry.details == {"deliveryId": str(delivery.id), "from": "exhausted"}
    assert staff.problems == []


@pytest.mark.handmade_rows("the page alone is looked at")
def test_who_may_only_look_is_offered_nothing(web: WebProcess, chromium: None) -> None:
    run = store_run()
    append(run, 2)
    browser = StaffBrowser()
    browser.signs_in(web.base, session_key("view_run"))
    try:
        page = SteeredPage(browser, web.base, run)
        page.open()
        page.wait_for_connection("live")
        assert page.offered == []
        assert browser.asks("document.querySelectorAll('[data-part=acts], dialog').length") == 0
        end(run)
        page.wait_for_connection("over")
        assert page.offered == []
        assert browser.problems == []
    finally:
        browser.close()
