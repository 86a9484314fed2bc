"""Scopes follow from permissions, and nothing follows from any other."""

import pytest

from runs.domain.scopes import SCOPES
from runs.domain.staff_rights import SCOPES_OF, scopes_of

# Once more, so that a slip in the table is a failure, not a new rule.
CONTRACT = {
    "runs.view_run": {"runs:read"},
    "runs.change_run": {"runs:write", "runs:cancel"},
    "runs.delete_run": {"runs:delete"},
    "runs.add_outboundmessage": {"signals:write"},
    "webhooks.change_endpoint": {"webhooks:manage"},
    "runs.manage_policies": {"policies:manage"},
    "runs.view_auditentry": {"admin:read"},
    "runs.add_breakerchange": {"admin:write"},
}


@pytest.mark.parametrize("permission", CONTRACT)
def test_a_permission_opens_its_scopes_alone(permission: str) -> None:
    assert scopes_of({permission}) == CONTRACT[permission]


def test_no_other_permission_opens_anything() -> None:
    assert set(SCOPES_OF) == set(CONTRACT)
    assert scopes_of(set()) == frozenset()
    assert (
        scopes_of({"runs.view_event", "view_run", "runs.view_runs", "auth.view_run", "webhooks.view_endpoint"}) == set()
    )


def test_all_together_open_every_scope_there_is_each_once() -> None:
    assert scopes_of(set(SCOPES_OF)) == set(SCOPES)
    assert sorted(scope for scopes in SCOPES_OF.values() for scope in scopes) == sorted(SCOPES)
