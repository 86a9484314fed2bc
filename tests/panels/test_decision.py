"""The panel of the decision: what it is about, how it ended, who voted what."""

import pytest

from tests.panels.stage import Stage
from tests.panels.states import told


def rows(stage: Stage, caption: str) -> list[list[str]]:
    """The cells of the table with this caption."""
    script = """(caption) => [...document.querySelectorAll("#panel table")]
      .filter((table) => table.caption.textContent.startsWith(caption))
      .flatMap((table) => [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent)))"""
    found: list[list[str]] = stage.evaluate(script, caption)
    return found


@pytest.mark.parametrize(
    ("story", "verdict", "action"),
    [
        ("happy decision", "decided: yes", "decision.approved"),
        ("veto", "decided: no", "decision.rejected"),
        ("negotiation", "decided: yes", "proposal.accepted"),
        ("task done", "decided: yes", "task.completed"),
        ("task failed", "decided: no", "task.failed"),
        ("handoff accepted", "decided: yes", "handoff.accepted"),
        ("handoff declined", "decided: no", "handoff.declined"),
        ("quorum reached", "decided: yes", "quorum.approved"),
    ],
)
def test_it_says_how_it_was_decided_in_every_mode(stage: Stage, story: str, verdict: str, action: str) -> None:
    stage.show("decision", told(story))
    assert stage.evaluate("() => document.querySelector('.outcome .badge').textContent") == verdict
    assert stage.evaluate("() => document.querySelector('.outcome .action').textContent") == action
    assert "lead at 09:30" in stage.text()


@pytest.mark.parametrize(
    ("story", "first", "open_one"),
    [
        ("happy decision", 4, "proposal open"),
        ("negotiation", 4, "proposal open"),
        ("task done", 5, "task open"),
        ("handoff accepted", 4, "handoff open"),
        ("quorum reached", 5, "request open"),
    ],
)
def test_it_calls_what_is_open_by_the_word_of_the_mode(stage: Stage, story: str, first: int, open_one: str) -> None:
    stage.show("decision", told(story, first=first))
    assert stage.evaluate("() => document.querySelector('.outcome .badge').textContent") == open_one


def test_it_shows_who_said_what_and_how_the_votes_stand(stage: Stage) -> None:
    stage.show("decision", told("quorum reached"))
    said = [[cell for at, cell in enumerate(row) if at in (1, 2, 3, 6)] for row in rows(stage, "Contributions")]
    assert said == [
        ["lead", "ApprovalRequest", "–", "–"],
        ["alice", "Approve", "allow", "–"],
        ["bob", "Reject", "deny", "friday"],
        ["carol", "Abstain", "–", "–"],
    ]
    assert rows(stage, "Votes") == [["r1", "1 for, 1 against", "2 of 3 have voted; threshold 2"]]
    widths = "() => [...document.querySelectorAll('.votes rect')].map((part) => part.getAttribute('width'))"
    assert [round(float(width)) for width in stage.evaluate(widths)] == [100, 33, 33]


def test_it_shows_what_the_policy_judged(stage: Stage) -> None:
    stage.show("decision", told("tools and policy"))
    assert [row[1:] for row in rows(stage, "Judgements")] == [
        ["c1", "allow", "ok"],
        ["c2", "deny", "quorum not met"],
        ["c3", "deny", "no votes"],
    ]
    assert "two of three" in stage.text()


def test_before_and_without_a_proposal_it_says_so(stage: Stage) -> None:
    assert "There is no proposal yet." in stage.show("decision", told("happy decision", first=3))
    assert "It ended before there was a proposal." in stage.show("decision", told("suspended and resumed"))
