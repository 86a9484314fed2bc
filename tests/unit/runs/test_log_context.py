from collections.abc import Iterator
from contextvars import copy_context

from runs.log_context import current_request_id, current_run_id, log_context


def test_ids_hold_inside_and_end_with_the_block() -> None:
    with log_context(run_id="run-1", request_id="req-1"):
        assert (current_run_id(), current_request_id()) == ("run-1", "req-1")
    assert (current_run_id(), current_request_id()) == ("", "")


def test_an_inner_block_changes_only_what_it_names() -> None:
    with log_context(request_id="req-1"), log_context(run_id="run-1"):
        assert (current_run_id(), current_request_id()) == ("run-1", "req-1")


def test_a_generator_may_be_closed_in_another_context() -> None:
    def stream() -> Iterator[str]:
        with log_context(run_id="run-1"):
            yield current_run_id()

    frames = stream()
    assert copy_context().run(next, frames) == "run-1"
    frames.close()  # type: ignore[attr-defined]
    assert current_run_id() == ""
