"""POST /runs/{id}/projection/rebuild: the whole projection, made anew, and who asked for it."""

import orjson
import pytest
from django.test import Client
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from config.http.principal import Principal
from runs.api.repair import RebuildView
from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.models import AuditEntry, Project, Projection, Run
from runs.models.identity import uuid7
from runs.operations.rebuild import rebuild_projection
from runs.recorder import record
from tests.cast import envelope, fresh, running_run

pytestmark = pytest.mark.django_db

SPOILT = '{"run":{}}'


def rebuild(caller: Client, run_id: object, body: object = "", **headers: str) -> tuple[int, dict[str, object]]:
    address = f"/runs/{run_id}/projection/rebuild"
    response = caller.post(address, body, content_type="application/json", headers=headers)
    return response.status_code, response.json()


@pytest.fixture
def spoiled() -> Run:
    """A run whose stored state is nobody's."""
    run = running_run()
    record(run.id, [envelope(1)], epoch=None)
    Projection.objects.filter(run_id=run.id).update(state=SPOILT)
    return fresh(run)


def test_the_answer_is_the_whole_projection_and_how_far_it_goes(caller: Client, spoiled: Run) -> None:
    assert caller.get(f"/runs/{spoiled.id}/state").json() == {"run": {}}
    status, document = rebuild(caller, spoiled.id)

    assert status == 201
    assert (document.pop("rebuilt"), document.pop("latestSeq")) == (True, spoiled.last_seq)
    assert document == caller.get(f"/runs/{spoiled.id}/state").json() == orjson.loads(fresh(spoiled).projection.state)
    assert document["timeline"]["latestSeq"] == spoiled.last_seq  # type: ignore[index]


def test_an_ended_run_is_rebuilt_too_and_again_as_often_as_asked(caller: Client) -> None:
    run = running_run()
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    Projection.objects.filter(run_id=run.id).update(state=SPOILT)
    answers = [rebuild(caller, run.id) for _ in range(2)]

    assert [status for status, _ in answers] == [201, 201]
    assert answers[0] == answers[1]
    assert answers[0][1]["run"]["status"] == "completed"  # type: ignore[index]


def test_who_asked_for_it_is_in_the_audit_list_once_d11(caller: Client, spoiled: Run) -> None:
    rebuild(caller, spoiled.id, **{"X-Request-Id": "req-7"})
    entry = AuditEntry.objects.get(action="run.rebuilt")

    assert (entry.actor, entry.resource, entry.resource_id, entry.request_id) == (
        "tester",
        "run",
        str(spoiled.id),
        "req-7",
    )
    assert entry.details == {"latestSeq": spoiled.last_seq, "changed": True}


def test_an_unknown_run_is_404_e21(caller: Client) -> None:
    status, document = rebuild(caller, uuid7())
    assert (status, document["errorCode"]) == (404, "RUN_NOT_FOUND")
    assert not AuditEntry.objects.exists()


def test_a_run_of_another_project_is_404_and_stays_as_it_is(caller: Client) -> None:
    other = Project.objects.create(name="Other", slug="other")
    run = running_run(project=other)
    Projection.objects.filter(run_id=run.id).update(schema_version=1, state="{}")

    assert rebuild(caller, run.id)[0] == 404
    assert Projection.objects.get(run_id=run.id).state == "{}"


def test_an_id_that_is_none_is_400_e21(caller: Client) -> None:
    status, document = rebuild(caller, "seven")
    assert (status, document["errorCode"]) == (400, "VALIDATION_ERROR")


def test_a_body_is_refused_member_by_member_a14(caller: Client, spoiled: Run) -> None:
    assert rebuild(caller, spoiled.id, "{}")[0] == 201
    status, document = rebuild(caller, spoiled.id, '{"force": true}')
    assert status == 400
    assert document["details"] == {"errors": [{"path": "force", "message": "is not a known field"}]}


class Reader(BaseAuthentication):
    """Lets everybody in as a key that may read."""

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        return Principal(id="key:r", name="r", kind="api_key", scopes=frozenset({"runs:read"})), None


def test_a_key_that_may_only_read_rebuilds_nothing_d05(
    caller: Client, spoiled: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RebuildView, "authentication_classes", [Reader])
    status, document = rebuild(caller, spoiled.id)

    assert (status, document["errorCode"]) == (403, "FORBIDDEN")
    assert Projection.objects.get(run_id=spoiled.id).state == SPOILT
    rebuild_projection(run_id=spoiled.id)


def test_only_post_is_allowed(caller: Client) -> None:
    response = caller.get(f"/runs/{running_run().id}/projection/rebuild")
    assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")
