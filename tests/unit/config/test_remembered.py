from config.remembered import Remembered


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
