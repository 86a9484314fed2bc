"""Every kind of page is looked at by axe-core, on a phone in the dark and on a wide screen in daylight; and by keyboard.

`make screenshots AXE=1` looks at all of them at all widths.
"""

import itertools
from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Page

from tests.screenshots.axe import violations
from tests.screenshots.camera import Camera, camera, is_wider_than_its_window
from tests.screenshots.pages import CLERK, ROOT, Sight, admin_pages, console_pages
from tests.screenshots.scene import Scene, set_the_scene
from tests.watching.staff import session_key
from tests.watching.web import WebProcess

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.handmade_rows("a scene for the eye: deadlines, beats and deliveries are put where pages tell of them"),
]
LOOKS = ((390, "dark"), (1600, "light"))
# One of each kind of page that the theme draws; the others have the same parts.
OF_THE_THEME = (
    *("login", "password", "list-run", "one-run", "list-delivery", "one-delivery", "list-endpoint", "one-endpoint"),
    *("list-apikey", "one-apikey", "add-apikey", "add-endpoint", "list-auditentry", "one-user"),
)


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    return set_the_scene(crowd=10)


@pytest.fixture
def of_the_theme(scene: Scene) -> list[Sight]:
    """Asked of the database before a browser is there, whose loop would keep Django from its rows."""
    return [one for one in admin_pages(scene) if one.name in OF_THE_THEME]


@pytest.fixture
def taking(scene: Scene, web: WebProcess, chromium: None) -> Iterator[Camera]:
    sessions = {ROOT: session_key(), CLERK: session_key(name=CLERK)}
    with camera(web.base, settings.SESSION_COOKIE_NAME, sessions) as opened:
        yield opened


def seen(taking: Camera, sights: list[Sight]) -> list[str]:
    """What is wrong with them, and which of them somebody has to scroll sideways."""
    wrong = []
    for (width, theme), who in itertools.product(LOOKS, dict.fromkeys(sight.who for sight in sights)):
        with taking.looking(who, width=width, theme=theme) as page:
            for sight in (one for one in sights if one.who == who):
                taking.go(page, sight)
                wrong += [f"{sight.name} {width} {theme}: {one}" for one in violations(page)]
                wrong += [f"{sight.name}: wider than {width}"] if is_wider_than_its_window(page) else []
    return wrong


def test_the_pages_of_the_console_break_no_rule(taking: Camera, scene: Scene) -> None:
    assert seen(taking, console_pages(scene)) == []
    assert taking.complaints == []


def test_the_pages_of_the_theme_break_no_rule(of_the_theme: list[Sight], taking: Camera) -> None:
    assert {one.name for one in of_the_theme} == set(OF_THE_THEME)
    assert seen(taking, of_the_theme) == []


def test_the_keyboard_reaches_everything_and_one_sees_where_it_is(taking: Camera, scene: Scene) -> None:
    sights = [one for one in console_pages(scene) if one.name in ("home", "runs", "run-decided")]
    for sight in sights:
        with taking.looking(sight.who, width=1024, theme="light") as page:
            taking.go(page, sight)
            assert page.evaluate(FIRST) == "#content", sight.name
            assert tabbed(page) >= page.evaluate(REACHABLE), sight.name


FIRST = """() => document.querySelector('.skip')?.getAttribute('href')"""
REACHABLE = """() => [...document.querySelectorAll(
    '#content a[href], #content button, #content input, #content select, #content summary, #content [tabindex="0"]')]
  .filter((one) => one.checkVisibility() && !one.disabled && one.type !== 'hidden').length"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one);
  const isSeen = style.outlineStyle !== 'none' || style.boxShadow !== 'none' || one.matches('.skip');
  return { isInside: document.getElementById('content').contains(one), isSeen, what: one.outerHTML.slice(0, 120) };
}"""


def tabbed(page: Page) -> int:
    """How many elements of the content Tab comes to; each of them shows that it has the focus."""
    reached = 0
    while True:
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            return reached
        assert not focused["isInside"] or focused["isSeen"], focused["what"]
        reached += focused["isInside"]
