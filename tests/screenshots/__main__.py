"""`make screenshots`: the real web process on a throw-away database, and a picture of every page for people to look at."""

# isort: off
from tests.benchmarks import stage

# isort: on

import argparse
import fnmatch
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client

from tests.screenshots.axe import violations
from tests.screenshots.camera import HEIGHT, THEMES, WIDTHS, Camera, camera, is_wider_than_its_window
from tests.screenshots.documented import take_for_the_documentation
from tests.screenshots.pages import CLERK, ROOT, Sight, admin_pages, console_pages
from tests.screenshots.scene import set_the_scene


def main() -> None:
    """Pictures in a folder; a page that is wider than its window, or throws, is named."""
    asked = _arguments()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="signalbox-screenshots-"))
    folder.mkdir(parents=True, exist_ok=True)
    with stage.throwaway_database(durable=False) as place:
        scene = set_the_scene()
        sights = [one for one in [*console_pages(scene), *admin_pages(scene)] if fnmatch.fnmatch(one.name, asked.only)]
        sessions = {name: _session(name) for name in (ROOT, CLERK)}
        connections.close_all()
        with stage.served(place, server="daphne", STREAM_MAX_PER_CALLER="1000") as (port, _):
            cookie = settings.SESSION_COOKIE_NAME
            with camera(f"http://127.0.0.1:{port}", cookie, sessions) as taking:
                widths, themes = asked.width or WIDTHS, asked.theme or THEMES
                if asked.docs:
                    folder = take_for_the_documentation(taking, console_pages(scene))
                else:
                    _take(taking, sights, folder, widths=widths, themes=themes, axe=asked.axe)
                print(*taking.complaints, sep="\n")
    print(folder)


def _take(
    taking: Camera, sights: list[Sight], folder: Path, *, widths: Sequence[int], themes: Sequence[str], axe: bool
) -> None:
    for who, theme in itertools.product(dict.fromkeys(sight.who for sight in sights), themes):
        with taking.looking(who, width=WIDTHS[0], theme=theme) as page:
            for sight, width in itertools.product([one for one in sights if one.who == who], widths):
                page.set_viewport_size({"width": width, "height": HEIGHT})
                taking.go(page, sight)
                if is_wider_than_its_window(page):
                    print(f"{sight.name}: wider than {width}")
                for trouble in violations(page) if axe else ():
                    print(f"{sight.name} {width} {theme}: {trouble}")
                taking.take(page, folder / f"{sight.name}-{width}-{theme}.png")


def _session(name: str) -> str:
    members = get_user_model().objects
    member = members.filter(username=name).first() or members.create_superuser(name, password="a password")
    client = Client()
    client.force_login(member)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="a new one among the temporary files, if not named")
    parser.add_argument("--only", default="*", help="which pages: a pattern such as run-*")
    parser.add_argument("--width", type=int, action="append")
    parser.add_argument("--theme", choices=THEMES, action="append")
    parser.add_argument(
        "--docs", action="store_true", help="only the few small ones of docs/console.md, into docs/images"
    )
    parser.add_argument("--axe", action="store_true", help="say what axe-core finds wrong, too")
    return parser.parse_args()


main()
