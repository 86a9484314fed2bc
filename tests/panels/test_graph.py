"""The graph: who spoke to whom, and what happened last."""

from tests.panels.stage import Stage
from tests.panels.states import state_of, told
from tests.run_log import Log

LINES = """() => [...document.querySelectorAll("#panel svg.graph g.edge")]
  .map((line) => [line.dataset.of, line.getAttribute("class").replace("edge ", "")])"""
NODES = """() => Object.fromEntries([...document.querySelectorAll("#panel g.node")]
  .map((node) => [node.dataset.of, node.getAttribute("class").split(" ").at(-1)]))"""
# The least distance between the middles of two nodes.
NEAREST = """() => {
  const places = [...document.querySelectorAll("#panel g.node")].map((node) => node.getBoundingClientRect())
    .map((box) => [box.x + box.width / 2, box.y + box.height / 2]);
  return Math.min(...places.flatMap(([x, y], at) => places.slice(at + 1).map(([a, b]) => Math.hypot(a - x, b - y))));
}"""


def crowd(size: int) -> Log:
    log = Log()
    log.bind(tuple(f"agent-{number}" for number in range(size)))
    for number in range(size):
        log.see(f"agent-{number}")
    return log


def test_it_draws_every_node_with_its_status(stage: Stage) -> None:
    state = told("happy decision", first=7)
    stage.show("graph", state)
    assert stage.evaluate(NODES) == {node["id"]: f"is-{node['status']}" for node in state["graph"]["nodes"]}
    assert stage.evaluate(NEAREST) > 60


def test_it_draws_one_line_for_a_pair_and_marks_the_newest(stage: Stage) -> None:
    stage.show("graph", told("veto"))
    lines = dict(stage.evaluate(LINES))
    assert lines["bob __decision"] == "edge-objection"
    assert lines["alice __decision"] == "edge-judged"
    assert lines["lead __outcome"] == "edge-commits"
    assert lines["lead alice"] == "edge-quiet"
    assert [pair for pair, kind in lines.items() if "edge-newest" in kind] == ["__decision __outcome"]


def test_a_line_that_is_drawn_again_is_the_newest_one(stage: Stage) -> None:
    log = Log()
    log.bind(("alice", "bob"))
    for sender, to in (("alice", "bob"), ("bob", "alice"), ("alice", "bob")):
        log.send("accepted", None, f"m-{len(log.events)}", sender, to=[to])
    stage.show("graph", state_of(log))
    lines = stage.evaluate(LINES)
    assert [pair for pair, _ in lines] == ["__start alice", "bob alice", "alice bob"]
    assert lines[-1][1] == "edge-message edge-newest"


def test_every_line_is_in_the_list(stage: Stage) -> None:
    state = told("happy decision")
    stage.show("graph", state)
    stage.evaluate("() => { document.querySelector('#panel details').open = true; }")
    kinds = stage.evaluate(
        "() => [...document.querySelectorAll('#panel tbody tr')].map((row) => row.cells[3].textContent)"
    )
    assert kinds == [edge["kind"] for edge in reversed(state["graph"]["edges"])]


def test_nothing_is_drawn_outside_of_it(stage: Stage) -> None:
    outside = """() => {
      const frame = document.querySelector("#panel svg.graph").getBoundingClientRect();
      return [...document.querySelectorAll("#panel svg.graph path, #panel g.node")].map((one) => one.getBoundingClientRect())
        .filter((box) => box.top < frame.top || box.left < frame.left || box.right > frame.right || box.bottom > frame.bottom)
        .length;
    }"""
    for width in (390, 1024, 1600):
        stage.begin(width=width)
        for size in (1, 2, 7, 30):
            stage.show("graph", state_of(crowd(size)))
            assert stage.evaluate(outside) == 0
        for story in ("happy decision", "task done"):
            stage.show("graph", told(story))
            assert stage.evaluate(outside) == 0


def test_of_a_crowd_it_draws_those_who_were_heard_of_last(stage: Stage) -> None:
    log = crowd(1000)
    log.send("accepted", None, "m-1", "agent-3", to=["agent-998"])
    stage.show("graph", state_of(log))
    drawn = stage.evaluate(NODES)
    assert {"agent-3", "agent-998"} <= set(drawn)
    assert "960 more participants" in stage.text()
    assert stage.evaluate(NEAREST) > 60
