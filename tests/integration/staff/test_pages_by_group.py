"""Who of the staff may open which page and take which action: every page there is, for every group."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.utils import timezone

from runs.models import AuditEntry
from runs.recorder import record
from tests.cast import envelope, running_run
from tests.integration.staff.pages import ACTIONS, LEVELS, Visit, visits
from tests.integration.webhooks.listeners import listener, parcel_for
from tests.keys import stored_key
from tests.staff import GROUPS, browser_of, make_groups, member

pytestmark = pytest.mark.django_db

STAFF = ("none", *GROUPS, "superuser")


@pytest.fixture(autouse=True)
def nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pages look like is not the question here, and takes most of their time."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")


def browser(group: str) -> Client:
    """Of a member of this group, or of a superuser."""
    user = User.objects.create_superuser("root") if group == "superuser" else member(f"of-{group}", group=group)
    return browser_of(user)


def is_refused(answer: Any, visit: Visit) -> bool:
    # To whoever may see nothing of an app, Django says that it is not there.
    is_app = visit.path.count("/") == 2
    return answer.status_code == 403 or (is_app and answer.status_code == 404)


@pytest.mark.slow
@pytest.mark.parametrize("group", STAFF)
def test_every_page_is_open_from_its_level_on_and_refused_below(group: str) -> None:
    visitor, wrong = browser(group), []
    for visit in visits():
        if visit.path in {"admin/logout/", "admin/login/"}:
            continue
        answer = visitor.generic(visit.method, visit.address())
        assert answer.status_code < 500, visit
        if is_refused(answer, visit) == visit.is_open_to(group) and not leads_away(answer, visit):
            wrong.append(f"{visit}: {answer.status_code}")
    assert wrong == []


def leads_away(answer: Any, visit: Visit) -> bool:
    """Django looks for the row of a history before it looks at who asks; below there is one."""
    return answer.status_code == 302 and visit.path.endswith("/history/")


@pytest.mark.handmade_rows("a history needs a row, whatever is in it")
def test_the_history_of_a_row_is_open_to_whoever_may_see_the_row() -> None:
    run, now = running_run(), timezone.now()
    record(run.id, [envelope(1)], epoch=None)
    parcel_for(listener(), now, run_id=run.id)
    stored_key()
    make_groups()
    rows = [(model, model._default_manager.first()) for model in admin.site._registry]
    found = {model._meta.label: row for model, row in rows if row is not None and model._meta.app_label != "django_q"}
    assert {"runs.Run", "runs.Event", "runs.ApiKey", "webhooks.Endpoint", "webhooks.Delivery", "auth.Group"} <= set(
        found
    )

    nobody, viewer, administrator = (browser(group) for group in ("none", "viewer", "administrator"))
    for row in found.values():
        meta = row._meta
        address = f"/admin/{meta.app_label}/{meta.model_name}/{row.pk}/history/"
        codes = [visitor.get(address).status_code for visitor in (nobody, viewer, administrator)]
        assert codes == [403, 403 if meta.app_label == "auth" else 200, 200], address


def test_the_walk_finds_what_there_is() -> None:
    found = {str(visit) for visit in visits()}
    assert {"GET admin/", "GET admin/console/runs/", "POST admin/runs/apikey/add/", "GET admin/webhooks/"} <= found
    assert "POST admin/webhooks/endpoint/<path:object_id>/rotate/" in found
    assert not [name for name in found if "circuit-breaker" in name]


def test_strangers_log_in_first_and_come_back(client: Client) -> None:
    for visit in visits():
        if visit.path not in {"admin/login/", "admin/logout/"}:
            address = visit.address()
            answer = client.generic(visit.method, address)
            assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/login/?next={address}"), visit


def actions() -> list[tuple[str, str]]:
    """Every action of every list, by model, also those that no list offers."""
    return [
        (model._meta.label_lower, name)
        for model, page in admin.site._registry.items()
        for _, name, _ in page._get_base_actions()  # type: ignore[attr-defined]
    ]


@pytest.mark.parametrize("group", STAFF)
def test_every_action_of_a_list_is_open_from_its_level_on_and_refused_below(group: str) -> None:
    visitor, wrong = browser(group), []
    assert set(ACTIONS) <= set(actions())
    for label, name in actions():
        app, model = label.split(".")
        answer = visitor.post(f"/admin/{app}/{model}/", {"action": name})
        is_open = LEVELS.index(group) >= LEVELS.index(ACTIONS.get((label, name), "nobody"))
        if (answer.status_code != 403) != is_open:
            wrong.append(f"{name} of {label}: {answer.status_code}")
    assert wrong == []


def test_what_was_tried_in_vain_is_in_the_audit_list() -> None:
    viewer = browser("viewer")
    assert viewer.post("/admin/webhooks/delivery/", {"action": "send_again"}).status_code == 403
    assert viewer.post("/admin/runs/apikey/", {"action": ["", "revoke"]}).status_code == 403
    assert viewer.post("/admin/webhooks/endpoint/x/pause/").status_code == 403
    told = AuditEntry.objects.filter(action="access.denied").order_by("id")
    assert list(told.values_list("actor", "actor_type", "resource_id")) == [
        ("of-viewer", "user", "/admin/webhooks/delivery/"),
        ("of-viewer", "user", "/admin/runs/apikey/"),
        ("of-viewer", "user", "/admin/webhooks/endpoint/x/pause/"),
    ]
