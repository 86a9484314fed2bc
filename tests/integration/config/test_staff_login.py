"""manage.py staff_login NAME."""

from io import StringIO

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command

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
