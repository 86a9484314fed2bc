"""The few small pictures that docs/console.md shows."""

from dataclasses import dataclass
from pathlib import Path

from tests.screenshots.camera import Camera
from tests.screenshots.pages import Sight

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
QUALITY = 70  # of webp: words stay sharp


@dataclass(frozen=True, slots=True)
class Picture:
    """A page in a window of this size, after a click perhaps."""

    name: str
    of: str
    width: int
    height: int
    theme: str = "light"
    click: str = ""
    scroll_to: str = ""


PICTURES = (
    Picture("home", "home", 1280, 1060),
    Picture("runs", "runs", 1280, 720),
    Picture("why", "run-failed", 1280, 860, click=".ending summary"),
    Picture("panels", "run-decided", 1280, 900, theme="dark", scroll_to=".panels"),
    Picture("phone", "run-failed", 390, 760, theme="dark"),
)


def take_for_the_documentation(taking: Camera, sights: list[Sight]) -> Path:
    """All of them are in docs/images anew."""
    IMAGES.mkdir(exist_ok=True)
    by_name = {sight.name: sight for sight in sights}
    for picture in PICTURES:
        sight = by_name[picture.of]
        with taking.looking(sight.who, width=picture.width, theme=picture.theme) as page:
            page.set_viewport_size({"width": picture.width, "height": picture.height})
            taking.go(page, sight)
            if picture.click:
                page.locator(picture.click).click()
            if picture.scroll_to:
                page.locator(picture.scroll_to).evaluate("(one) => one.scrollIntoView()")
            taking.take_small(page, IMAGES / f"{picture.name}.webp", quality=QUALITY)
    return IMAGES
