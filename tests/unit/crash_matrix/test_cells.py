"""Which cells there are, and that no label goes without."""

from collections import Counter

from tests.crash_matrix import labels
from tests.crash_matrix.cells import MOST_TIMES, Place, every_cell, one_cell_for_each_label

RECORDED = Counter(
    {
        Place("launch", "observer", "record.before_commit"): 7,
        Place("end", "observer", "record.before_commit"): 1,
        Place("end", "sweep", "ending.after_commit"): 2,
    }
)

SECONDS = {"launch": 5.0, "end": 6.0}


def recorded(*names: str) -> Counter[Place]:
    return Counter(Place("launch", "observer", name) for name in names)


def test_the_short_matrix_has_each_label_once_and_a_seed_decides_where() -> None:
    first = one_cell_for_each_label(RECORDED, SECONDS, seed=1)
    assert sorted(cell.place.label for cell in first) == ["ending.after_commit", "record.before_commit"]
    assert first == one_cell_for_each_label(RECORDED, SECONDS, seed=1)
    assert {tuple(one_cell_for_each_label(RECORDED, SECONDS, seed=seed)) for seed in range(20)} != {tuple(first)}
    # It should ask for no time that the recording did not pass.
    cells = [cell for seed in range(20) for cell in one_cell_for_each_label(RECORDED, SECONDS, seed=seed)]
    assert all(cell.nth <= RECORDED[cell.place] for cell in cells)


def test_a_story_that_takes_much_longer_than_another_is_not_chosen() -> None:
    seconds = SECONDS | {"launch": 60.0}
    cells = [cell for seed in range(20) for cell in one_cell_for_each_label(RECORDED, seconds, seed=seed)]
    assert {cell.place.scenario for cell in cells} == {"end"}


def test_the_whole_matrix_has_every_place_the_first_times_it_is_passed_under_every_seed() -> None:
    cells = every_cell(RECORDED, seeds=[1, 2])
    assert len(cells) == len(set(cells)) == 2 * (MOST_TIMES + 1 + 2)
    assert {cell.place for cell in cells} == set(RECORDED)


def faults_of(passed: Counter[Place], *, known: set[str], last: set[str] | None = None) -> list[str]:
    return [fault.split()[0] for fault in labels.faults_of(passed, known=known, last=last or set())]


def test_a_label_of_the_source_that_no_story_passes_is_a_fault_t18() -> None:
    known = {"ending.before_commit", "claim.after_commit", "forgive.after_commit"}
    assert faults_of(recorded("ending.before_commit", "claim.after_commit"), known=known) == []
    assert faults_of(recorded("claim.after_commit"), known=known) == ["ending.before_commit"]


def test_a_label_that_is_recorded_no_more_is_a_fault_t18() -> None:
    last = {"ending.before_commit", "claim.after_commit"}
    assert faults_of(recorded("claim.after_commit"), known=set(), last=last) == ["ending.before_commit"]


def test_an_exempt_label_that_a_story_passes_is_a_fault() -> None:
    assert faults_of(recorded("forgive.before_commit"), known=set()) == ["forgive.before_commit"]


def test_what_was_recorded_last_is_known_to_the_source() -> None:
    assert labels.recorded_last() <= labels.known_to_the_source()


def test_every_form_in_which_the_source_names_a_label_is_read() -> None:
    known = labels.known_to_the_source()
    by_committing, by_autocommitting, by_step = "claim.before_commit", "beat.after_commit", "launch.bind.after_commit"
    by_default, by_calling, by_name = "record.before_commit", "session.observe.after_call", "session.start.before_call"
    assert {by_committing, by_autocommitting, by_step, by_default, by_calling, by_name} <= known
