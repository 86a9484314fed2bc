from config.remembered import Remembered, RememberedEach


def test_an_answer_is_found_once_in_its_time() -> None:
    now, asked = [100.0], []

    def find() -> int:
        asked.append(now[0])
        return len(asked)

    answer = Remembered(find, seconds=5, clock=lambda: now[0])
    assert [answer(), answer()] == [1, 1]
    now[0] = 104.9
    assert answer() == 1
    now[0] = 105.0
    assert answer() == 2
    answer.forget()
    assert answer() == 3


class Registry:
    """What is asked, under a clock the test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.known: dict[str, str] = {}
        self.asked: list[str] = []

    def find(self, key: str) -> str | None:
        self.asked.append(key)
        return self.known.get(key)

    def remembered(self, *, at_most: int = 10) -> RememberedEach[str, str]:
        return RememberedEach(self.find, seconds=5, at_most=at_most, clock=lambda: self.now)


def test_each_key_has_an_answer_of_its_own_age() -> None:
    registry = Registry()
    answer = registry.remembered()
    registry.known = {"a": "1", "b": "2"}
    assert answer("a") == "1"
    registry.now = 103
    assert answer("b") == "2"
    registry.known = {}
    registry.now = 104.9
    assert (answer("a"), answer("b")) == ("1", "2")
    registry.now = 105
    assert (answer("a"), answer("b")) == (None, "2")
    assert registry.asked == ["a", "b", "a"]


def test_what_is_not_there_is_asked_for_each_time() -> None:
    registry = Registry()
    answer = registry.remembered()
    assert [answer("a"), answer("a")] == [None, None]
    registry.known = {"a": "1"}
    assert answer("a") == "1"


def test_an_answer_is_as_old_as_its_question() -> None:
    registry = Registry()

    def slow(key: str) -> str:
        registry.asked.append(key)
        registry.now += 4
        return "1"

    answer = RememberedEach(slow, seconds=5, at_most=10, clock=lambda: registry.now)
    answer("a")
    registry.now += 1
    answer("a")
    assert registry.asked == ["a", "a"]


def test_no_more_is_remembered_than_may_be() -> None:
    registry = Registry()
    registry.known = {"a": "1", "b": "2", "c": "3"}
    answer = registry.remembered(at_most=2)
    for key in "abc":
        answer(key)
    # It should be the oldest that is forgotten.
    assert [answer(key) for key in "cba"] == ["3", "2", "1"]
    assert registry.asked == ["a", "b", "c", "a"]
