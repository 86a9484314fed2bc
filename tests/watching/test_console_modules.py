"""The modules of the console by themselves, in a real Chromium: what a connection says of itself, a list too tall for it."""

from itertools import groupby
from typing import Any

import pytest

from tests.watching.staff import StaffBrowser
from tests.watching.web import WebProcess

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# A socket that a test speaks through, and everything that the follower of a run said.
FOLLOWED = """async ({ told, closed, waits }) => {
  const sockets = [];
  window.WebSocket = class {
    constructor(address) { this.address = address; sockets.push(this); }
    close() {}
  };
  const { follow } = await import('/static/console/live.js');
  const states = [];
  let heard;
  const stop = follow('a-run', { afterSeq: 7, onState: (state) => { states.push(state); heard?.(); } });
  for (const frame of told) sockets[0].onmessage({ data: JSON.stringify(frame) });
  sockets[0].onclose({ code: closed, reason: '' });
  const isAgain = () => !waits || sockets.length > 1;
  while (!isAgain()) await new Promise((resolve) => { heard = resolve; });
  stop();
  return { states, addresses: sockets.map((socket) => socket.address.split('?')[1]) };
}"""
LONG_LIST = """async () => {
  const { Timeline } = await import('/static/console/timeline.js');
  const style = document.createElement('link');
  Object.assign(style, { rel: 'stylesheet', href: '/static/console/run.css' });
  document.head.append(style);
  await new Promise((resolve) => { style.onload = resolve; });
  const box = document.createElement('div');
  box.style.cssText = 'height: 400px; overflow: auto; --row-height: 28px';
  box.innerHTML = '<div data-rows></div>';
  box.firstChild.style.position = 'relative';
  document.body.prepend(box);
  const lines = { lastSeq: 2_000_000, at: () => undefined, need: () => {} };
  const timeline = new Timeline(box, lines, { onSelect: () => {} });
  const drawn = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const found = {};
  for (const seq of [1, 1_234_567, 2_000_000]) {
    timeline.select(seq);
    await drawn();
    const { top, bottom } = box.getBoundingClientRect();
    const row = box.querySelector(`[data-seq="${seq}"]`).getBoundingClientRect();
    found[seq] = row.top >= top - 1 && row.bottom <= bottom + 1;
  }
  return found;
}"""
# Panels that only say what they were given; a second state comes while the first is being drawn.
DRAWN = """async () => {
  const { Panels } = await import('/static/console/panels.js');
  const panels = new Panels([], 'a-run');
  const drawn = [];
  let together = 0;
  let isBusy = false;
  const section = { querySelector: () => ({}) };
  const panel = (name) => ({ section, render: (root, state) => {
    if (isBusy) together += 1;
    isBusy = true;
    setTimeout(() => { isBusy = false; });
    drawn.push([name, state.number]);
    if (drawn.length === 2) panels.show({ number: 2 });
  } });
  panels.panels = ['a', 'b', 'c'].map(panel);
  panels.show({ number: 1 });
  const atOnce = drawn.length;
  while (panels.isDrawing) await new Promise((resolve) => setTimeout(resolve));
  return { atOnce, together, drawn };
}"""
EVENT = {"type": "canonical_event", "id": 8, "data": {}}


@pytest.fixture
def tab(web: WebProcess, staff: StaffBrowser) -> StaffBrowser:
    """A page of ours on which nothing of the console runs."""
    staff.goes_to(f"{web.base}/admin/password_change/")
    return staff


def followed(tab: StaffBrowser, *told: dict[str, Any], closed: int, waits: bool = False) -> Any:
    given = {"told": told, "closed": closed, "waits": waits}
    return tab.do(lambda page: page.evaluate(FOLLOWED, given))


def test_a_connection_says_how_far_it_is_to_be_trusted(tab: StaffBrowser) -> None:
    snapshot = {"type": "snapshot", "data": {"timeline": {"latestSeq": 10}}}
    ahead = {"type": "heartbeat", "data": {"lastSeq": 12}}
    said = followed(tab, snapshot, EVENT, ahead, {"type": "end", "data": {"seq": 8}}, closed=1000)
    assert [state["name"] for state in said["states"]] == ["connecting", "behind", "behind", "behind", "behind", "over"]
    assert [state.get("by") for state in said["states"]] == [None, 3, 2, 4, 4, None]

    said = followed(tab, EVENT, closed=1006, waits=True)
    # How often it counts down is a matter of clocks.
    names = [name for name, _ in groupby(state["name"] for state in said["states"])]
    assert names == ["connecting", "live", "waiting", "connecting"]
    assert said["states"][2]["seconds"] == 1
    assert said["addresses"] == ["afterSeq=7&heartbeatMs=5000", "afterSeq=8&heartbeatMs=5000"]


def test_who_is_refused_is_told_why_and_does_not_come_back(tab: StaffBrowser) -> None:
    for code, word in {4401: "signed out", 4403: "may not", 4404: "no such run", 4409: ""}.items():
        said = followed(tab, closed=code)
        assert [state["name"] for state in said["states"]] == ["connecting", "refused"]
        assert word in said["states"][1]["reason"]


def test_panels_are_drawn_one_after_the_other_and_end_with_the_newest_state(tab: StaffBrowser) -> None:
    found = tab.do(lambda page: page.evaluate(DRAWN))
    assert (found["atOnce"], found["together"]) == (0, 0)
    assert dict(found["drawn"]) == {"a": 2, "b": 2, "c": 2}
    assert len(found["drawn"]) < 6  # a state that is no longer the newest is passed over


def test_a_list_that_is_taller_than_browsers_allow_is_scrolled_to_any_of_its_lines(tab: StaffBrowser) -> None:
    assert tab.do(lambda page: page.evaluate(LONG_LIST)) == {"1": True, "1234567": True, "2000000": True}
