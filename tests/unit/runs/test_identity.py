from uuid import RFC_4122

from runs.models.identity import uuid7


def test_ids_made_one_after_the_other_lie_in_that_order() -> None:
    ids = [uuid7() for _ in range(1_000)]
    assert ids == sorted(set(ids))


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = uuid7()
    assert (made.version, made.variant) == (7, RFC_4122)
