"""What holds of every panel, whatever state it is given."""

from pathlib import Path

import pytest

from runs.domain.projection import empty
from tests.panels.answers import answers
from tests.panels.stage import ROOT, Stage
from tests.panels.states import CANARY, hostile, state_of, told, whole_stories
from tests.run_log import Log

PANELS = sorted(
    path.stem for path in (ROOT / "static/console/panels").glob("*.js") if "export function render" in path.read_text()
)
# The contrast of each text with the colour behind it, as WCAG counts it.
CONTRASTS = """(root) => {
  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const painted = (colour) => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return brush.getImageData(0, 0, 1, 1).data;
  };
  const light = (colour) => {
    const [r, g, b] = [...painted(colour)].slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (painted(colour)[3] > 0) return colour;
    }
    return "white";
  };
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || one.closest("title")) continue;
    const style = getComputedStyle(one);
    const shades = [light(one.closest("svg") ? style.fill : style.color), light(ground(one))].sort((a, b) => b - a);
    found.push((shades[0] + 0.05) / (shades[1] + 0.05));
  }
  return found;
}"""
COUNT_CHANGES = """() => {
  window.touched = 0;
  const everything = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver((found) => { touched += found.length; }).observe(document.getElementById("panel"), everything);
}"""
LONG = 250  # lines
ENTANGLED = """(root) => {
  const found = [];
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (!node.data.includes("\\u202e") || node.parentElement.closest("pre, svg, .unseen")) continue;
    if (node.parentElement.nodeName !== "BDI") found.push(node.data);
  }
  return found;
}"""


@pytest.mark.parametrize("panel", PANELS)
def test_it_shows_every_story_at_every_step(stage: Stage, panel: str) -> None:
    assert all(text.strip() for text in stage.show_all(panel, whole_stories(), answers()))
    assert "could not be read" not in stage.text()


@pytest.mark.parametrize("panel", PANELS)
def test_text_of_agents_stays_text(stage: Stage, panel: str) -> None:
    shown = stage.show(panel, hostile(), answers(CANARY))
    assert CANARY in shown
    stage.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    # It should have made no element of it, and no address.
    assert stage.evaluate("() => document.querySelectorAll('#panel img, #panel script').length") == 0
    addresses = "() => [...document.querySelectorAll('#panel a')].map((link) => link.protocol)"
    assert set(stage.evaluate(addresses)) <= {"http:", "https:"}
    assert stage.evaluate("() => window.harmed ?? null") is None
    # It should stand alone, so that what turns the direction of writing in it turns nothing of ours.
    assert stage.evaluate(f"() => ({ENTANGLED})(document.getElementById('panel'))") == []


@pytest.mark.parametrize("dark", [False, True], ids=["by day", "by night"])
@pytest.mark.parametrize("panel", PANELS)
def test_text_can_be_read(stage: Stage, panel: str, dark: bool) -> None:
    stage.begin(width=390, dark=dark)
    stage.show(panel, hostile(), answers())
    stage.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    worst = min(stage.evaluate(f"() => ({CONTRASTS})(document.getElementById('panel'))"))
    assert worst >= 4.5
    # It should fit into the window of a phone.
    assert stage.evaluate("() => document.documentElement.scrollWidth") <= 390
    wide = "() => [...document.querySelectorAll('.rows')].filter((one) => one.scrollWidth > one.clientWidth).length"
    assert stage.evaluate(wide) == 0


@pytest.mark.parametrize("panel", PANELS)
def test_it_says_so_where_there_is_nothing(stage: Stage, panel: str) -> None:
    assert stage.show(panel, state_of(Log())).strip()
    # It should say what went wrong where it has to ask, and let its reader try again.
    if stage.evaluate("() => asked.length"):
        assert "could not be read" in stage.text()
        assert "Try again" in stage.text()
    # It should bear the answer of an older server, and one that knows nothing at all.
    old = {name: value for name, value in empty("r").public.items() if name not in ("policy", "llm")}
    assert stage.show(panel, old).strip()
    assert stage.show(panel, {}).strip()


@pytest.mark.parametrize("panel", PANELS)
def test_painting_the_same_state_again_touches_nothing(stage: Stage, panel: str) -> None:
    state = told("signals and progress")
    stage.show(panel, state, answers())
    stage.evaluate(COUNT_CHANGES)
    stage.show(panel, state, answers())
    assert stage.evaluate("() => window.touched") == 0


@pytest.mark.parametrize("file", sorted((ROOT / "static/console").rglob("*.js")), ids=lambda file: file.stem)
def test_no_module_reads_markup_or_grows_long(file: Path) -> None:
    source = file.read_text()
    # parts.js takes parts of our own pages anew: what is foreign in them was escaped where they were written.
    parser = () if file.stem == "parts" else ("DOMParser",)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", *parser):
        assert word not in source
    assert len(source.splitlines()) <= LONG


def test_the_canary_does_harm_where_it_is_read_as_markup(stage: Stage) -> None:
    """What the tests above look for would be there."""
    stage.evaluate("(text) => { document.getElementById('panel').innerHTML = text; }", CANARY)
    assert stage.evaluate("() => document.querySelectorAll('#panel img, #panel script').length") == 2
    stage.troubles.clear()  # the policy has refused it
