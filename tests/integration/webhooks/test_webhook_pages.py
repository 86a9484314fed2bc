"""The staff pages of webhooks: everything is shown, nothing is changed by looking, no secret and no script gets out."""

import re
from datetime import datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from runs.models import Project
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from tests.cast import running_run
from tests.integration.webhooks.listeners import BROKEN, OK, listener, parcel_for, tried
from webhooks.admin import figures
from webhooks.models import Attempt, Delivery, DrainSlot, Endpoint, EndpointSecret, Notice, Replay
from webhooks.result import Result

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("pages show what rows hold, whoever wrote them"),
]

PAGES: list[type[Model]] = [Delivery, DrainSlot, Endpoint, Notice, Replay]
SCRIPT = "<script>alert(1)</script>"
HOSTILE = Result(
    duration_ms=120,
    status=500,
    reason="status",
    message=f"status 500 {SCRIPT}",
    excerpt=f'{{"html": "{SCRIPT}", "password": "hunter2-hunter2"}}',
    headers={"x-said": SCRIPT},
)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def staff(client: Client) -> Client:
    """A superuser's browser."""
    client.force_login(get_user_model().objects.create_superuser("root", password="x"))
    return client


@pytest.fixture
def endpoint() -> Endpoint:
    """An endpoint with all that belongs to one, some of it hostile, some of it secret."""
    now = timezone.now()
    endpoint = listener(
        url=f"https://hooks.example/in?token=canary-canary-canary&x={SCRIPT}",
        description=SCRIPT,
        tags=[SCRIPT],
        mode_name=SCRIPT,
        environment=SCRIPT,
        headers_sealed="canary-sealed-headers",
        header_names=["X-Own", SCRIPT],
        disabled_reason=SCRIPT,
        created_by=SCRIPT,
    )
    sealed = {"endpoint": endpoint, "sealed": "canary-sealed-secret", "key_id": "canary-key"}
    EndpointSecret.objects.create(**sealed, hint="J0Yc", expires_at=None)
    EndpointSecret.objects.create(**sealed, hint="a9Qz", expires_at=now + 60 * MINUTE)
    run = running_run()
    body = b'{"event":"run.failed","data":{"error":"<script>alert(1)</script> Bearer canary-canary-canary-1"}}'
    delivery = parcel_for(endpoint, now, run_id=run.id, body=body)
    for number in range(5):
        tried(delivery, HOSTILE, now + number * MINUTE)
    tried(parcel_for(endpoint, now, run_id=None, event_type="webhook.test"), OK, now)
    tried(parcel_for(endpoint, now, status="exhausted"), BROKEN, now)
    of = {"project_id": endpoint.project_id, "endpoint": endpoint}
    Notice.objects.create(**of, kind="endpoint.silent", message=SCRIPT, details={"said": SCRIPT})
    Replay.objects.create(
        project_id=endpoint.project_id, endpoint=endpoint, key=SCRIPT, wanted={"a": SCRIPT}, count=1, created_by=SCRIPT
    )
    DrainSlot.objects.get_or_create(number=1, defaults={"holder": uuid7(), "held_until": now})
    return Endpoint.objects.get(id=endpoint.id)


def lists(model: type[Model], **query: object) -> str:
    name = f"admin:webhooks_{model._meta.model_name}_changelist"
    return reverse(name, query={key: str(value) for key, value in query.items()})


def page(row: Model, name: str = "change") -> str:
    return reverse(f"admin:webhooks_{row._meta.model_name}_{name}", args=[row.pk])


def shown(browser: Client, address: str) -> str:
    response = browser.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def words(html: str) -> str:
    """The page as it is read."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_attempts_and_secrets_have_no_list_of_their_own() -> None:
    registered = {model for model in admin.site._registry if model._meta.app_label == "webhooks"}
    assert registered == set(PAGES)


@pytest.mark.parametrize("model", PAGES)
def test_every_list_and_every_row_is_shown(model: type[Model], staff: Client, endpoint: Endpoint) -> None:
    rows = list(model._default_manager.all())
    assert rows
    listed = shown(staff, lists(model))
    for row in rows:
        assert page(row) in listed
        shown(staff, page(row))


@pytest.mark.parametrize("model", PAGES)
def test_nothing_is_added_changed_or_deleted_by_hand(model: type[Model], staff: Client, endpoint: Endpoint) -> None:
    row = model._default_manager.first()
    assert row is not None
    before = list(model._default_manager.values())
    assert staff.get(reverse(f"admin:webhooks_{model._meta.model_name}_add")).status_code == 403
    assert staff.post(page(row), {"url": "https://else.example", "number": 9}).status_code == 403
    assert staff.post(page(row, "delete"), {"post": "yes"}).status_code == 403
    staff.post(lists(model), {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"})
    assert list(model._default_manager.values()) == before


def test_what_others_said_is_escaped_and_no_secret_is_on_any_page(staff: Client, endpoint: Endpoint) -> None:
    addresses = [lists(model) for model in PAGES]
    addresses += [page(row) for model in PAGES for row in model._default_manager.all()]
    found = "".join(shown(staff, address) for address in addresses)
    assert SCRIPT not in found
    # Of the description, the receiver's excerpt and the body of the event.
    assert found.count("&lt;script&gt;") > 10
    for secret in ("canary", "hunter2"):
        assert secret not in found


def test_a_page_of_an_endpoint_says_how_it_goes(staff: Client, endpoint: Endpoint) -> None:
    read = words(shown(staff, page(endpoint)))
    assert "failing, 5 in a row" not in read  # one of them has arrived since
    for part in (
        "unsteady, 1 failed",
        "the six events of a run",
        "X-Own: ••••••••",
        "••••••••J0Yc",
        "••••••••a9Qz, signs until",
    ):
        assert part in read, part
    assert "WEBHOOK_CONCURRENCY" in read
    # Newest deliveries and notices, with what they say.
    for part in (
        "webhook.test",
        "exhausted",
        "hooks.example is failing: 4 attempts to deliver run.failed, at last status 500",
    ):
        assert part in read, part


def test_the_list_counts_what_waits_and_what_was_given_up_with_a_way_there(staff: Client, endpoint: Endpoint) -> None:
    listener(url="https://quiet.example")
    html = shown(staff, lists(Endpoint))
    for status, number in {"pending": 1, "exhausted": 1}.items():
        address = lists(Delivery, endpoint=endpoint.id, status=status).replace("&", "&amp;")
        assert f'href="{address}">{number}</a>' in html
    assert "not tried yet" in html
    waiting = shown(staff, lists(Delivery, endpoint=endpoint.id, status="pending"))
    assert page(Delivery.objects.get(status="pending")) in waiting
    assert page(Delivery.objects.get(status="exhausted")) not in waiting


def test_no_more_are_counted_than_tell_anybody_anything(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "COUNTED", 2)
    endpoint, now = listener(), timezone.now()
    for status in ("pending", "pending", "pending", "exhausted"):
        parcel_for(endpoint, now, status=status)
    told = figures.figures_of([endpoint.id])[endpoint.id].told
    assert told == {"pending": "2+", "exhausted": "1", "cancelled": "0"}
    for minute in (1, 2):
        newer = parcel_for(endpoint, now, status="cancelled")
        Delivery.objects.filter(id=newer.id).update(created_at=now + minute * MINUTE)
    # It should not say that there are none where it has not looked.
    told = figures.figures_of([endpoint.id])[endpoint.id].told
    assert told == {"pending": "2+", "exhausted": "0+", "cancelled": "2+"}
    address = lists(Delivery, endpoint=endpoint.id, status="exhausted").replace("&", "&amp;")
    assert f'href="{address}">0+</a>' in shown(staff, lists(Endpoint))


def test_the_95th_percentile_is_of_the_last_day(staff: Client) -> None:
    endpoint, now = listener(), timezone.now()
    delivery = parcel_for(endpoint, now)
    Attempt.objects.bulk_create(
        Attempt(
            delivery=delivery, endpoint=endpoint, number=number, started_at=now - number * MINUTE, duration_ms=number,
            is_success=True,
        )
        for number in range(1, 101)
    )  # fmt: skip
    slow = {"started_at": now - timedelta(days=2), "duration_ms": 90_000}
    Attempt.objects.create(delivery=delivery, endpoint=endpoint, number=101, is_success=True, **slow)
    assert "95 ms" in words(shown(staff, lists(Endpoint)))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "not tried yet"),
        ({"last_success_at": timezone.now().replace(year=2026)}, "healthy"),
        (
            {"failures": 2, "failing_since": datetime(2026, 1, 1, tzinfo=timezone.get_default_timezone())},
            "unsteady, 2 failed",
        ),
        (
            {"failures": 4, "failing_since": datetime(2026, 1, 1, tzinfo=timezone.get_default_timezone())},
            "failing, 4 in a row",
        ),
    ],
    ids=["new", "well", "unsteady", "failing"],
)
def test_health_is_a_word_beside_the_dot(columns: dict[str, object], said: str, staff: Client) -> None:
    listener(**columns)
    assert said in words(shown(staff, lists(Endpoint)))


def test_a_page_of_a_delivery_shows_body_attempts_and_answers(staff: Client, endpoint: Endpoint) -> None:
    delivery = Delivery.objects.get(attempts=5)
    html = shown(staff, page(delivery))
    read = words(html)
    assert delivery.message_id in read
    assert page(endpoint) in html
    assert reverse("admin:runs_run_change", args=[delivery.run_id]) in html
    for part in ("120 ms", "&quot;event&quot;: &quot;run.failed&quot;", "x-said", "status 500"):
        assert part in read, part
    assert [f" {number} " in read for number in range(1, 6)] == [True] * 5


def test_a_delivery_is_found_by_its_id_and_by_whatever_names_its_run(staff: Client, endpoint: Endpoint) -> None:
    delivery = Delivery.objects.get(attempts=5)
    other = Delivery.objects.get(event_type="webhook.test")
    run_id = delivery.run_id
    session = str(run_id)
    for term in (str(delivery.id), delivery.message_id, str(run_id), session, f" {run_id} "):
        listed = shown(staff, lists(Delivery, q=term))
        assert page(delivery) in listed
        assert page(other) not in listed
    # Of a run that was deleted, too.
    gone = Delivery.objects.get(status="exhausted")
    assert page(gone) in shown(staff, lists(Delivery, q=gone.run_id))
    for term in ("nothing", "'", "%", uuid7()):
        assert page(delivery) not in shown(staff, lists(Delivery, q=term))


@pytest.mark.parametrize(
    ("matching", "other"),
    [
        ({"status": "pending"}, {"status": "delivered"}),
        ({"event_type": "run.failed"}, {"event_type": "run.completed"}),
        ({"within": "1h"}, {"endpoint": "nonsense"}),
    ],
)
def test_deliveries_are_filtered(
    matching: dict[str, str], other: dict[str, str], staff: Client, endpoint: Endpoint
) -> None:
    address = page(Delivery.objects.get(attempts=5))
    assert address in shown(staff, lists(Delivery, **matching))
    assert address not in shown(staff, lists(Delivery, **other))


def test_filters_keep_to_their_endpoint_their_time_and_their_project_w13(staff: Client, endpoint: Endpoint) -> None:
    project = Project.objects.create(name="Other", slug="other")
    stranger = parcel_for(listener(project_id=project.id), timezone.now() - timedelta(days=2))
    assert page(stranger) in shown(staff, lists(Delivery))
    assert page(stranger) not in shown(staff, lists(Delivery, endpoint=endpoint.id))
    assert page(stranger) not in shown(staff, lists(Delivery, within="1d"))
    assert page(stranger) not in shown(staff, lists(Delivery, project__id__exact=DEFAULT_PROJECT_ID))
    assert page(stranger) in shown(staff, lists(Delivery, within="7d", project__id__exact=project.id))


@pytest.mark.parametrize("model", [Endpoint, Delivery, Notice, Replay])
def test_a_list_takes_as_many_statements_for_many_rows_as_for_one(
    model: type[Model], staff: Client, endpoint: Endpoint, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(staff, lists(model))
        return len(captured)

    statements()  # sessions and content types are remembered
    few = statements()
    for number in range(5):
        more = listener(url=f"https://hooks{number}.example")
        for at in range(4):
            delivery = parcel_for(more, attempts=3)
            tried(delivery, BROKEN, timezone.now() + at * MINUTE)
        Replay.objects.create(project_id=more.project_id, endpoint=more, key=str(number), wanted={}, count=1)
    assert statements() == few
    with django_assert_max_num_queries(14):
        shown(staff, lists(model))


def test_pages_of_one_row_take_few_statements(
    staff: Client, endpoint: Endpoint, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for row in (endpoint, Delivery.objects.get(attempts=5)):
        with django_assert_max_num_queries(14):
            shown(staff, page(row))


def test_no_list_counts_a_whole_table_or_reads_a_body(
    staff: Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin.site._registry[Delivery], "list_per_page", 1)
    monkeypatch.setattr(admin.site._registry[Delivery], "list_max_show_all", 0)
    with CaptureQueriesContext(connection) as captured:
        shown(staff, lists(Delivery))
    own = [one["sql"] for one in captured if 'FROM "webhooks_delivery"' in one["sql"]]
    assert own
    assert all("LIMIT" in sql and '"body"' not in sql for sql in own), own


def test_staff_see_what_they_may(client: Client, endpoint: Endpoint) -> None:
    clerk = get_user_model().objects.create_user("clerk", password="x", is_staff=True)
    client.force_login(clerk)
    for model in PAGES:
        assert client.get(lists(model)).status_code == 403
    clerk.user_permissions.set(Permission.objects.filter(codename="view_endpoint"))
    client.force_login(get_user_model().objects.get(pk=clerk.pk))
    assert client.get(page(endpoint)).status_code == 200
    assert client.get(lists(Delivery)).status_code == 403
