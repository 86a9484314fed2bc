"""What a reader has done to a panel outlives the next state; what a panel asks for is asked once."""

from tests.panels.answers import (
    ARTIFACTS,
    DELIVERIES,
    LATE,
    a_delivery,
    a_page,
    an_artifact,
    an_endpoint,
    answers,
    deliveries,
)
from tests.panels.stage import Stage
from tests.panels.states import told

OPEN = "() => [...document.querySelectorAll('#panel details')].map((one) => one.open)"


def test_what_was_opened_stays_open_and_focused_when_more_comes(stage: Stage) -> None:
    stage.show("signals", told("signals and progress", first=4))
    stage.evaluate("() => { document.querySelector('#panel summary').focus(); }")
    stage.evaluate("() => { document.querySelector('#panel details').open = true; }")
    stage.show("signals", told("signals and progress", first=5))
    assert stage.evaluate(OPEN) == [True]
    assert stage.evaluate("() => document.activeElement.nodeName") == "SUMMARY"


def test_a_row_that_was_opened_stays_itself_wherever_it_stands(stage: Stage) -> None:
    stage.show("signals", told("signals and progress", first=3))
    stage.evaluate("() => { document.querySelector('#panel details').open = true; }")
    stage.evaluate("() => { document.querySelector('#panel summary').focus(); }")
    stage.show("signals", told("signals and progress"))  # a newer one stands above it now
    assert stage.evaluate(OPEN) == [False, True]
    assert stage.evaluate("() => document.activeElement.closest('tr').cells[1].textContent") == "anomaly"


def test_it_asks_once_as_long_as_nothing_changes(stage: Stage) -> None:
    state = told("signals and progress")
    for _ in range(3):
        stage.show("artifacts", state, answers())
    assert stage.evaluate("() => asked") == [ARTIFACTS]

    state["trace"]["linkedArtifacts"] = ["a-1"]
    stage.show("artifacts", state, {ARTIFACTS: [an_artifact("fresh")]})
    assert stage.evaluate("() => asked") == [ARTIFACTS, ARTIFACTS]
    assert "fresh" in stage.text()


def test_a_failure_is_shown_beside_what_is_known_until_it_is_mended(stage: Stage) -> None:
    state = told("signals and progress")
    stage.show("artifacts", state, {ARTIFACTS: [an_artifact("known")]})
    state["trace"]["linkedArtifacts"] = ["a-1"]
    stage.show("artifacts", state, {ARTIFACTS: {"refused": "the server cannot be reached"}})
    assert "This could not be read: the server cannot be reached" in stage.text()
    assert "known" in stage.text()

    stage.show("artifacts", state, {ARTIFACTS: [an_artifact("mended")]})
    assert "could not be read" in stage.text()  # nobody has asked again
    stage.evaluate("() => document.querySelector('#panel button').click()")
    stage.evaluate("() => new Promise((done) => setTimeout(done, 0))")
    assert "could not be read" not in stage.text()
    assert "mended" in stage.text()


def test_what_changes_without_an_event_can_be_asked_for_again(stage: Stage) -> None:
    state = told("happy decision")
    stage.show("late", state, {LATE: a_page()})
    assert "Nothing came late" in stage.text()
    stage.evaluate("() => document.querySelector('#panel button').click()")
    stage.evaluate("() => new Promise((done) => setTimeout(done, 0))")
    assert stage.evaluate("() => asked") == [LATE, LATE]


def test_an_artifact_is_a_link_only_where_it_leads_to_a_page(stage: Stage) -> None:
    rows = [
        an_artifact("one", uri="https://a.test/x"),
        an_artifact("two", uri="javascript:alert(1)"),
        an_artifact("three"),
    ]
    stage.show("artifacts", told("happy decision"), {ARTIFACTS: rows})
    links = stage.evaluate("() => [...document.querySelectorAll('#panel a')].map((link) => [link.href, link.rel])")
    assert links == [["https://a.test/x", "noopener noreferrer nofollow"]]
    assert "javascript:alert(1)" in stage.text()


def test_webhooks_are_shown_with_what_they_were_sent(stage: Stage) -> None:
    state = told("happy decision")
    stage.show("webhooks", state, {DELIVERIES: deliveries(to=None)})
    assert "No webhook is registered." in stage.text()

    stage.begin()
    stage.show("webhooks", state, {DELIVERIES: deliveries(to=an_endpoint())})
    assert "None of 1 webhook was to hear of this run" in stage.text()

    stage.begin()
    stage.show("webhooks", state, {DELIVERIES: deliveries(a_delivery(), to=an_endpoint())})
    assert "HTTP 500" in stage.text()
    assert "pending" in stage.text()
