"""Staff steer endpoints and send deliveries again, through the operations of the API and within what they may."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from runs.audit import Actor
from runs.models import AuditEntry, Project
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from tests.integration.webhooks.listeners import DAY, START, parcel_for
from webhooks.models import Delivery, Endpoint, EndpointSecret, Replay
from webhooks.notices import disable
from webhooks.operations.caller import Caller
from webhooks.operations.create_endpoint import create_endpoint
from webhooks.operations.terms import Terms
from webhooks.sealing import unseal

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("deliveries of events that never were"),
]

DELIVERIES = reverse("admin:webhooks_delivery_changelist")
STEPS = ("pause", "resume", "send_test", "replay", "rotate", "switch_off", "switch_on")


@pytest.fixture
def staff(client: Client) -> Client:
    """A superuser's browser."""
    client.force_login(get_user_model().objects.create_superuser("root", password="x"))
    return client


@pytest.fixture
def endpoint() -> Endpoint:
    return made()


def made(project_id: UUID = DEFAULT_PROJECT_ID) -> Endpoint:
    caller = Caller(project_id=project_id, actor=Actor("robot"))
    return create_endpoint(Terms(url="https://203.0.114.7/in?token=canary-canary"), caller).endpoint


def clerk(*permissions: str) -> Client:
    """The browser of a member of staff with these rights alone."""
    member = get_user_model().objects.create_user("clerk", password="x", is_staff=True)
    member.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Client()
    browser.force_login(member)
    return browser


def page(endpoint: Endpoint) -> str:
    return reverse("admin:webhooks_endpoint_change", args=[endpoint.id])


def at(endpoint: Endpoint, step: str) -> str:
    return reverse(f"admin:webhooks_endpoint_{step}", args=[endpoint.id])


def offered(browser: Client, endpoint: Endpoint) -> set[str]:
    html = browser.get(page(endpoint)).content.decode()
    return {step for step in STEPS if f'href="{at(endpoint, step)}"' in html}


def audited() -> list[tuple[str, str, str]]:
    found = AuditEntry.objects.filter(action__startswith="webhook.").exclude(action="webhook.created")
    return list(found.order_by("id").values_list("action", "actor", "actor_type"))


def read(response: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def test_an_endpoint_is_paused_resumed_and_switched_off_and_on_again(staff: Client, endpoint: Endpoint) -> None:
    waiting = parcel_for(endpoint)
    expected = [
        ("pause", {"resume", "switch_off", "send_test", "rotate", "replay"}),
        ("resume", {"pause", "switch_off", "send_test", "rotate", "replay"}),
        ("switch_off", {"switch_on", "rotate"}),
        ("switch_on", {"pause", "switch_off", "send_test", "rotate", "replay"}),
    ]
    for step, then in expected:
        assert staff.get(at(endpoint, step)).status_code == 200
        assert staff.post(at(endpoint, step)).headers["Location"] == page(endpoint)
        assert offered(staff, endpoint) == then, step
    assert Delivery.objects.get(id=waiting.id).status == "cancelled"
    assert audited() == [("webhook.changed", "root", "user")] * 4


def test_looking_at_a_step_changes_nothing(staff: Client, endpoint: Endpoint) -> None:
    parcel_for(endpoint, status="exhausted")
    before = (list(Endpoint.objects.values()), list(Delivery.objects.values()), list(EndpointSecret.objects.values()))
    for step in STEPS:
        assert staff.get(at(endpoint, step)).status_code == 200
    after = (list(Endpoint.objects.values()), list(Delivery.objects.values()), list(EndpointSecret.objects.values()))
    assert after == before
    assert audited() == []


def test_a_form_of_another_site_does_nothing(endpoint: Endpoint) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(get_user_model().objects.create_superuser("root", password="x"))
    assert browser.post(at(endpoint, "switch_off")).status_code == 403
    assert Endpoint.objects.get().active


def test_switched_on_again_its_failures_of_before_no_longer_count_w10(staff: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.update(failures=30, failing_since=START)
    waiting = [parcel_for(endpoint) for _ in range(3)]
    disable(Endpoint.objects.get(), "all 30 attempts have failed", START + 5 * DAY)
    assert Delivery.objects.filter(status="cancelled").count() == 3
    staff.post(at(endpoint, "switch_on"))
    row = Endpoint.objects.get()
    assert (row.active, row.disabled_at, row.disabled_reason, row.failures, row.failing_since) == (
        *(True, None, ""),
        *(0, None),
    )
    form = {"status": "", "events": "", "run_id": "", "since": "", "until": "", "key": "one"}
    staff.post(at(endpoint, "replay"), {**form, "password": "x", "send": "1"})
    assert set(Delivery.objects.filter(status="pending").values_list("id", flat=True)) == {one.id for one in waiting}


def test_a_test_event_is_due(staff: Client, endpoint: Endpoint) -> None:
    staff.post(at(endpoint, "send_test"))
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.run_id, delivery.endpoint_id) == ("pending", None, endpoint.id)
    assert audited()[-1] == ("webhook.tested", "root", "user")


def test_a_new_secret_is_shown_on_one_page(staff: Client, endpoint: Endpoint) -> None:
    former = EndpointSecret.objects.get()
    shown = staff.post(at(endpoint, "rotate"), {"overlap": "7d"})
    (secret,) = re.findall(r"whsec_[\w+/=]+", shown.content.decode())
    assert "no-store" in shown.headers["Cache-Control"]
    present = EndpointSecret.objects.get(expires_at=None)
    assert present.id != former.id
    assert unseal(present.sealed, endpoint_id=endpoint.id) == secret
    former.refresh_from_db()
    assert former.expires_at is not None
    assert timedelta(days=6) < former.expires_at - timezone.now() < timedelta(days=8)
    # It should be on no other page, and in no audit entry.
    html = staff.get(page(endpoint)).content.decode()
    assert secret not in html
    assert secret[-4:] in html
    assert secret not in str(list(AuditEntry.objects.values()))


def test_an_overlap_that_is_none_is_refused(staff: Client, endpoint: Endpoint) -> None:
    assert staff.post(at(endpoint, "rotate"), {"overlap": "for ever"}).status_code == 200
    assert EndpointSecret.objects.count() == 1


def test_a_replay_is_counted_first_and_done_once(staff: Client, endpoint: Endpoint) -> None:
    for day, status in enumerate(("exhausted", "cancelled", "delivered", "exhausted")):
        parcel_for(endpoint, START + day * DAY, status=status, due_at=None, next_attempt_at=None)
    form = {"status": "", "events": "run.*", "run_id": "", "since": "2026-03-01T00:00", "until": "2026-03-03T00:00"}
    counted = staff.post(at(endpoint, "replay"), {**form, "key": "one", "count": "1"})
    assert "2 deliveries would be sent again, of 2 that match" in read(counted)
    assert not Delivery.objects.filter(status="pending").exists()
    for _ in range(2):
        staff.post(at(endpoint, "replay"), {**form, "key": "one", "password": "x", "send": "1"})
    assert sorted(Delivery.objects.values_list("status", flat=True)) == ["delivered", "exhausted", "pending", "pending"]
    assert Replay.objects.values_list("count", "created_by", "key").get() == (2, "root", "one")
    assert [action for action, *_ in audited()] == ["webhook.replayed"]


@pytest.mark.parametrize(
    "fault", [{"events": "run.faild"}, {"run_id": "x"}, {"since": "yesterday"}, {"status": "pending"}, {"key": ""}]
)
def test_a_replay_form_with_a_fault_is_shown_again(fault: dict[str, str], staff: Client, endpoint: Endpoint) -> None:
    parcel_for(endpoint, status="exhausted")
    form = {"status": "", "events": "", "run_id": "", "since": "", "until": "", "key": "one", **fault}
    assert staff.post(at(endpoint, "replay"), {**form, "password": "x", "send": "1"}).status_code == 200
    assert Delivery.objects.get().status == "exhausted"


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_replay_wants_to_know_once_more_who_it_is(password: str, staff: Client, endpoint: Endpoint) -> None:
    parcel_for(endpoint, status="exhausted")
    form = {"status": "", "events": "", "run_id": "", "since": "", "until": "", "key": "one", "password": password}
    assert "This is not your password." in read(staff.post(at(endpoint, "replay"), {**form, "send": "1"}))
    assert Delivery.objects.get().status == "exhausted"
    assert "1 deliveries would be sent again" in read(staff.post(at(endpoint, "replay"), {**form, "count": "1"}))


@pytest.mark.parametrize("form", [("send_test", {}), ("replay", {"key": "one", "count": "1"})], ids=["test", "replay"])
def test_what_an_operation_refuses_is_said(form: tuple[str, dict[str, str]], staff: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.update(active=False)
    step, fields = form
    answer = staff.post(at(endpoint, step), fields, follow=True)
    assert "Nothing was done: the webhook is not active." in read(answer)
    assert not Delivery.objects.exists()


def test_a_deleted_endpoint_is_not_steered(staff: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.update(deleted_at=START, active=False)
    assert offered(staff, endpoint) == set()
    for step in STEPS:
        assert staff.post(at(endpoint, step)).status_code == 404


def test_who_may_only_look_steers_nothing(endpoint: Endpoint) -> None:
    delivery = parcel_for(endpoint, status="exhausted")
    browser = clerk("view_endpoint", "view_delivery")
    assert offered(browser, endpoint) == set()
    for step in STEPS:
        assert browser.get(at(endpoint, step)).status_code == 403
        assert browser.post(at(endpoint, step)).status_code == 403
    browser.post(DELIVERIES, {"action": "send_again", "_selected_action": [str(delivery.id)]})
    assert "send_again" not in browser.get(DELIVERIES).content.decode()
    assert Delivery.objects.get().status == "exhausted"
    assert audited() == []


def test_who_may_change_endpoints_steers_them(endpoint: Endpoint) -> None:
    browser = clerk("view_endpoint", "change_endpoint")
    assert offered(browser, endpoint) == {"pause", "rotate", "switch_off"}
    for step in ("replay", "send_test"):
        assert browser.post(at(endpoint, step), {"send": "1", "key": "k"}).status_code == 403
    assert browser.post(at(endpoint, "pause")).status_code == 302
    assert Endpoint.objects.get().paused_at is not None
    assert audited() == [("webhook.changed", "clerk", "user")]


def test_who_may_send_again_and_test_does_that_and_no_more(endpoint: Endpoint) -> None:
    browser = clerk("view_endpoint", "add_replay", "add_delivery")
    assert offered(browser, endpoint) == {"replay", "send_test"}
    assert browser.post(at(endpoint, "send_test")).status_code == 302
    assert browser.post(at(endpoint, "replay"), {"send": "1", "key": "k", "password": "x"}).status_code == 302
    assert (Delivery.objects.count(), Replay.objects.count()) == (1, 1)
    for step in {*STEPS} - {"replay", "send_test"}:
        assert browser.post(at(endpoint, step)).status_code == 403
    assert (Endpoint.objects.get().paused_at, Endpoint.objects.get().active) == (None, True)


def test_chosen_deliveries_go_out_again_each_in_its_own_project_w13(staff: Client, endpoint: Endpoint) -> None:
    project = Project.objects.create(name="Other", slug="other")
    of_both = [parcel_for(one, status="delivered", due_at=None) for one in (endpoint, made(project.id))]
    left = parcel_for(endpoint, status="exhausted", due_at=None)
    chosen = {"action": "send_again", "_selected_action": [str(one.id) for one in of_both]}
    answer = staff.post(DELIVERIES, chosen, follow=True)
    assert "2 due once more." in read(answer)
    assert set(Delivery.objects.filter(status="pending").values_list("id", flat=True)) == {one.id for one in of_both}
    assert Delivery.objects.get(id=left.id).status == "exhausted"
    entries = AuditEntry.objects.filter(action="webhook.resent").values_list("project_id", "resource_id")
    assert set(entries) == {(one.project_id, str(one.endpoint_id)) for one in of_both}


def test_ids_beside_the_filter_are_not_sent_w13(staff: Client, endpoint: Endpoint) -> None:
    project = Project.objects.create(name="Other", slug="other")
    stranger = parcel_for(made(project.id), status="exhausted")
    address = f"{DELIVERIES}?project__id__exact={endpoint.project_id}"
    staff.post(address, {"action": "send_again", "_selected_action": [str(stranger.id), str(uuid7())]})
    assert Delivery.objects.get().status == "exhausted"


def test_deliveries_of_an_inactive_endpoint_are_left_and_said(staff: Client, endpoint: Endpoint) -> None:
    delivery = parcel_for(endpoint, status="cancelled")
    Endpoint.objects.update(active=False)
    chosen = {"action": "send_again", "_selected_action": [str(delivery.id)]}
    assert "1 of endpoints that are not active were left" in read(staff.post(DELIVERIES, chosen, follow=True))
    assert Delivery.objects.get().status == "cancelled"
