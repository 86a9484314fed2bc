"""Passwords of tests are as good as any other, and made in no time."""

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """The usual one, so that a web process beside the test can check what it made; it takes a quarter of a second less."""

    iterations = 1


def pytest_configure(config: pytest.Config) -> None:
    """Whatever asks for the preferred hasher in this process gets the quick one; others are still understood."""
    settings.PASSWORD_HASHERS = ["tests.quick_passwords.QuickHasher", *settings.PASSWORD_HASHERS]
