"""The hostile scene, a web process over it, and browsers that look at it."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client, override_settings

from tests.beside import environment_of
from tests.pages.scene import Scene, hostile_scene
from tests.pages.visitor import Unprotected, Visitor
from tests.watching.conftest import chromium, pages, web
from tests.watching.web import WebProcess

__all__ = ["chromium", "pages", "web"]


@pytest.fixture
def member(transactional_db: None) -> User:
    """A member of staff who may do everything."""
    return User.objects.create_superuser("root", password="x")


@pytest.fixture
def session(member: User) -> str:
    """Of this member, as the web process knows it."""
    with override_settings(SECRET_KEY=environment_of()["SECRET_KEY"]):
        client = Client()
        client.force_login(member)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def scene(member: User) -> Scene:
    return hostile_scene(member)


@pytest.fixture
def visitor(web: WebProcess, session: str, chromium: None) -> Iterator[Visitor]:
    opened = Visitor()
    opened.signs_in(web.base, session)
    yield opened
    opened.close()


@pytest.fixture
def unprotected(web: WebProcess, session: str, chromium: None) -> Iterator[Unprotected]:
    opened = Unprotected()
    opened.signs_in(web.base, session)
    yield opened
    opened.close()
