"""What holds of every panel, whatever state it is given."""

from pathlib import Path

import pytest

from runs.domain.projection import empty
from tests import scenarios
from tests.panels.answers import answers
from tests.panels.stage import ROOT, Stage
from tests.panels.states import CANARY, hostile, state_of, told
from tests.run_log import Log

PANELS = sorted(
    path.stem for path in (ROOT / "static/console/panels").glob("*.js") if "export function render" in path.read_text()
)
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
    for name, story in scenarios.ALL.items():
        for first in range(0, len(story) + 1, 2):
            assert stage.show(panel, told(name, first=first), answers()).strip()
        assert stage.show(panel, told(name), answers()).strip()
    assert "could not be read" not in stage.text()


@pytest.mark.parametrize("panel", PANELS)
def test_text_of_agents_stays_text(stage: Stage, panel: str) -> None:
    shown = stage.show(panel, hostile(), answers(CANARY))
    assert CANARY in shown
    stage.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    # It should have made no element of it, and no address.
    assert stage.evaluate("() => document.querySelectorAll('#panel img, #panel script').length") == 0
    assert stage.evaluate("() => [...document.querySelectorAll('#panel a')].filter((a) => !/^https?:$/.test(a.protocol)).length") == 0
    assert stage.evaluate("() => window.harmed ?? null") is None
    # It should stand alone, so that what turns the direction of writing in it turns nothing of ours.
    assert stage.evaluate(f"() => ({ENTANGLED})(document.getElementById('panel'))") == []


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
    watch = """() => { window.touched = 0; new MutationObserver((changes) => { window.touched += changes.length; })
      .observe(document.getElementById('panel'), {subtree: true, childList: true, attributes: true, characterData: true}); }"""
    stage.evaluate(watch)
    stage.show(panel, state, answers())
    assert stage.evaluate("() => window.touched") == 0


@pytest.mark.parametrize("file", sorted((ROOT / "static/console").rglob("*.js")), ids=lambda file: file.stem)
def test_no_module_reads_markup_or_grows_long(file: Path) -> None:
    source = file.read_text()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "DOMParser"):
        assert word not in source
    assert len(source.splitlines()) <= LONG


def test_the_canary_does_harm_where_it_is_read_as_markup(stage: Stage) -> None:
    """What the tests above look for would be there."""
    stage.evaluate("(text) => { document.getElementById('panel').innerHTML = text; }", CANARY)
    assert stage.evaluate("() => document.querySelectorAll('#panel img, #panel script').length") == 2
    stage.troubles.clear()  # the policy has refused it
