"""What a replay shall show: the same members as the body of POST /runs/{id}/replay and as the query of its stream."""

from runs.api.members import Members
from runs.api.query import BIGGEST, Query
from runs.domain.replays import FASTEST, MODES, SLOWEST, Replay
from runs.errors import FieldFault, ValidationFailed

BACKWARDS = "must not be greater than toSeq"


def read_replay(body: object) -> Replay:
    """The replay a body asks for; it may be absent. Raises ValidationFailed with every fault there is."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    usual = Replay()
    replay = Replay(
        mode=members.optional_choice("mode", MODES) or usual.mode,
        speed=members.optional_number("speed", least=SLOWEST, most=FASTEST) or usual.speed,
        from_seq=members.optional_integer("fromSeq", least=1, most=BIGGEST),
        to_seq=members.optional_integer("toSeq", least=1, most=BIGGEST),
    )
    if replay.is_backwards:
        members.fault("fromSeq", BACKWARDS)
    members.refuse_others()
    if faults:
        raise ValidationFailed(faults)
    return replay


def replay_from(query: Query) -> Replay:
    """The replay a query asks for; faults are noted there."""
    usual = Replay()
    replay = Replay(
        mode=query.choice("mode", MODES) or usual.mode,
        speed=query.number("speed", default=usual.speed, least=SLOWEST, most=FASTEST),
        from_seq=query.optional_integer("fromSeq", least=1, most=BIGGEST),
        to_seq=query.optional_integer("toSeq", least=1, most=BIGGEST),
    )
    if replay.is_backwards:
        query.fault("fromSeq", BACKWARDS)
    return replay
