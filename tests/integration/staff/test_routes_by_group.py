"""Which calls of the API a staff session may make: every route there is, for every group."""

import re

import pytest
from django.test import Client

from tests.routes import Call, calls
from tests.staff import GROUPS, NOBODY, browser_of, member

VIEWER, OPERATOR, ADMINISTRATOR = GROUPS
LEVELS = (NOBODY, *GROUPS)
# First match wins: from which group on a call is open. It stands here once more, so that a slip in a permission, a scope or
# a group is a failure, not a new rule; a call that nothing here speaks of is a failure, too.
CONTRACT = [
    (r"GET /(audit|admin/.*)", VIEWER),
    (r"\w+ /admin/.*", ADMINISTRATOR),
    (r"\w+ /webhooks.*", ADMINISTRATOR),
    (r"POST /runs/(validate|compare|batch/export)", VIEWER),
    (r"POST /(runs/\{\}/replay|stream-tickets)", VIEWER),
    (r"GET /(runs|events|runtime|dashboard).*", VIEWER),
    (r"DELETE /runs/\{\}|POST /runs/batch/delete", ADMINISTRATOR),
    (r"(POST|DELETE) /runtime/policies.*", ADMINISTRATOR),
    (r"POST /runs.*", OPERATOR),
]


def may(group: str, call: Call) -> bool:
    found = (level for pattern, level in CONTRACT if re.fullmatch(pattern, str(call)))
    level = next(found, None)
    assert level is not None, f"tests/integration/staff/test_routes_by_group.py says of nobody that they may {call}"
    return LEVELS.index(group) >= LEVELS.index(level)


def wrong_answers(group: str, asked: list[Call]) -> list[str]:
    """Calls that were refused and should not have been, or the other way round. The run is unknown, the body empty."""
    browser, wrong = browser_of(member(group=group)), []
    for call in asked:
        answer = browser.generic(call.method, call.route.address(), "{}", content_type="application/json")
        assert answer.status_code != 401, call
        if (answer.status_code != 403) != may(group, call):
            wrong.append(f"{call}: {answer.status_code}")
    return wrong


@pytest.mark.django_db
@pytest.mark.parametrize("group", LEVELS)
def test_a_group_may_make_its_calls_and_no_others(group: str) -> None:
    assert wrong_answers(group, [call for call in calls() if not call.route.leaves_its_thread]) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("group", LEVELS)
def test_the_same_where_an_answer_is_made_on_another_thread(group: str) -> None:
    asked = [call for call in calls() if call.route.leaves_its_thread]
    assert len(asked) > 5
    assert wrong_answers(group, asked) == []


@pytest.mark.django_db
def test_a_session_of_nobody_of_the_staff_opens_nothing(client: Client) -> None:
    user = member(group=ADMINISTRATOR)
    user.is_staff = False
    user.save()
    client.force_login(user)
    assert client.get("/runs").status_code == 401
