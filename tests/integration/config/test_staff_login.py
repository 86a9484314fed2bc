"""manage.py staff_login NAME."""

from io import StringIO

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command
from django.db import DatabaseError

from runs.models import AuditEntry
from tests.failing_audit import failing_audit

pytestmark = pytest.mark.django_db


def _password_of(name: str) -> str:
    out = StringIO()
    call_command("staff_login", name, stdout=out)
    told, password = out.getvalue().split()
    assert told == name
    return password


def test_a_member_of_staff_exists_and_can_log_in() -> None:
    password = _password_of("demo")

    member = authenticate(username="demo", password=password)
    assert member is not None
    assert member.is_superuser
    assert getattr(member, "is_staff", False)


def test_a_second_call_gives_a_new_password_to_the_same_member() -> None:
    first, second = _password_of("demo"), _password_of("demo")

    assert authenticate(username="demo", password=first) is None
    assert authenticate(username="demo", password=second) is not None
    assert get_user_model().objects.filter(username="demo").count() == 1


def test_who_gave_a_login_is_in_the_audit_list_or_it_is_not_given() -> None:
    _password_of("demo")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_type, entry.details) == ("staff.login_given", "system", {"name": "demo"})

    with failing_audit(), pytest.raises(DatabaseError):
        _password_of("other")
    assert not get_user_model().objects.filter(username="other").exists()
