"""The page of two runs side by side: the answer of the comparison in words, and whom it is shown to."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from runs.models import Run
from runs.models.identity import uuid7
from tests.integration.insights import conversations as said
from tests.integration.runs.conftest import store_run

pytestmark = pytest.mark.django_db
CANARY = "<script>alert(1)</script>"


@pytest.fixture
def staff(client: Client) -> Client:
    """A member of staff who may do anything."""
    client.force_login(get_user_model().objects.create_superuser("root", password="x"))
    return client


def page(staff: Client, left: object, right: object) -> str:
    answer = staff.get("/admin/console/compare", {"left": str(left), "right": str(right)})
    assert answer.status_code == 200
    return str(answer.content.decode())


def line(html: str, name: str) -> list[str]:
    """The cells of that line, without markup."""
    found = re.search(rf'<tr data-line="{name}">(.*?)</tr>', html, re.S)
    assert found is not None
    return [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in re.findall(r"<td.*?</td>", found[1], re.S)]


def failed_and_resolved() -> tuple[Run, Run]:
    left = said.failed(said.talked(said.proposed("alice", 0.9), said.signalled("alice", "alarm")))
    return left, said.resolved(said.talked(said.proposed("alice", 0.4), said.signalled("carol", "calm")))


def test_it_says_in_words_how_two_runs_differ(staff: Client) -> None:
    left, right = failed_and_resolved()
    html = page(staff, left.id, right.id)

    assert line(html, "Status") == ["Status", "failed", "completed", "different"]
    assert line(html, "Mode") == ["Mode", left.mode_name, left.mode_name, "the same"]
    assert line(html, "Confidence") == ["Confidence", "", "", "right is 50 points lower"]
    assert line(html, "Participants") == ["Participants", "", "carol", "different 1 in both alice"]
    assert line(html, "Signals") == ["Signals", "alarm", "calm", "different"]
    assert f'href="/admin/console/compare?left={right.id}&amp;right={left.id}"' in html
    assert f'href="/admin/console/runs/{left.id}"' in html


def test_a_run_is_the_same_as_itself(staff: Client) -> None:
    run = said.resolved(said.talked(said.proposed("alice", 0.9)))
    html = page(staff, run.id, run.id)
    assert {line(html, name)[3] for name in ("Status", "Mode", "Duration", "Confidence")} == {"the same"}


def test_text_of_agents_is_escaped(staff: Client) -> None:
    left = said.talked(said.proposed("alice", 0.9))
    right = said.talked(said.proposed(CANARY, 0.9), said.signalled(CANARY, CANARY))
    html = page(staff, left.id, right.id)
    assert CANARY not in html
    assert line(html, "Signals")[2] == "&lt;script&gt;alert(1)&lt;/script&gt;"


def test_it_says_what_is_wrong_with_what_it_was_given(staff: Client) -> None:
    run = store_run()
    assert "The left run is not named by its id" in page(staff, CANARY, run.id)
    assert "The right run is not named by its id" in page(staff, run.id, "")
    assert "does not exist" in page(staff, run.id, uuid7())
    assert CANARY not in page(staff, CANARY, CANARY)


def test_runs_of_another_project_are_none(staff: Client) -> None:
    other = store_run(project_id=uuid7())
    assert "does not exist" in page(staff, store_run().id, other.id)


def test_without_runs_it_asks_for_two(staff: Client) -> None:
    html = staff.get("/admin/console/compare").content.decode()
    assert "Name two runs" in html
    assert 'data-side="left"' not in html


def test_it_is_for_staff_who_may_see_runs(client: Client) -> None:
    assert client.get("/admin/console/compare").status_code == 302
    client.force_login(get_user_model().objects.create_user("clerk", password="x", is_staff=True))
    assert client.get("/admin/console/compare").status_code == 403


def test_no_script_and_no_style_of_ours_stands_in_the_page_itself(staff: Client) -> None:
    left, right = failed_and_resolved()
    ours = page(staff, left.id, right.id).partition('id="compare"')[2].partition('class="sides"')[0]
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", ours)
