"""The strict policy of every answer, in a browser: no page offends it, and each works under it."""

import pytest

from tests.pages.addresses import admin_pages, console_pages, other_pages
from tests.pages.scene import Scene
from tests.pages.visitor import Visitor
from tests.watching.web import WebProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("pages show what rows hold, whoever wrote them"),
]


def test_no_page_offends_the_policy_or_complains(scene: Scene, visitor: Visitor, web: WebProcess) -> None:
    found: dict[str, list[str]] = {}
    for address in [*console_pages(scene), *admin_pages(), *other_pages()]:
        visitor.problems.clear()
        visitor.goes_to(f"{web.base}{address}")
        if visitor.problems:
            found[address] = list(visitor.problems)
    assert found == {}
