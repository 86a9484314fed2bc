"""A session that answers each send as a test wrote it down, and remembers what it was sent; and messages for it."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import uuid4

import orjson

from runs.domain.events import Ack, AckError, Draft, EventType, Observation, ObservationKind
from runs.domain.outbound import KICKOFF, MESSAGE, outbound_data
from runs.errors import RuntimeFault
from runs.models import OutboundMessage, Run
from runs.recorder import writing
from runs.recorder.messages import facts_of
from runs.runtimes.port import Sent

Answer = str | asyncio.Event | Exception
OK, REFUSED, TOO_FAST, DUPLICATE, ANOTHER = "ok", "refused", "too fast", "duplicate", "another"


class AnsweringSession:
    """Answers a message with the next of its `answers`, found by message id, and with OK once they are used up.

    An Event is waited for before the answer after it. ANOTHER is an ack that names another message. `faults` come first,
    whichever message is sent.
    """

    def __init__(
        self, answers: Mapping[str, Sequence[Answer]] | None = None, *, faults: Sequence[RuntimeFault] = ()
    ) -> None:
        self.sent: list[str] = []
        self.under_way: set[str] = set()
        self.most_at_once = 0
        self._answers = {message_id: list(given) for message_id, given in (answers or {}).items()}
        self._gates = [one for given in self._answers.values() for one in given if isinstance(one, asyncio.Event)]
        self._faults = list(faults)
        self._acks = 0

    def may_repeat(self, message: bytes) -> bool:
        return not orjson.loads(message)["ambient"]

    async def send(self, message: bytes) -> Sent:
        message_id = str(orjson.loads(message)["id"])
        self.sent.append(message_id)
        self.under_way.add(message_id)
        self.most_at_once = max(self.most_at_once, len(self.under_way))
        try:
            return await self._answer(message_id)
        finally:
            self.under_way.discard(message_id)

    async def _answer(self, message_id: str) -> Sent:
        if self._faults:
            raise self._faults.pop(0)
        answers = self._answers.get(message_id, [])
        while answers:
            answer = answers.pop(0)
            if isinstance(answer, asyncio.Event):
                await answer.wait()
            elif isinstance(answer, Exception):
                raise answer
            else:
                return self._ack(str(uuid4()) if answer == ANOTHER else message_id, answer)
        return self._ack(message_id, OK)

    def open_gates(self) -> None:
        """Whatever is waited for has come."""
        for gate in self._gates:
            gate.set()

    def confirm(self, adapter_state: bytes | None) -> None:
        """Nothing is held back."""

    def _ack(self, message_id: str, answer: str) -> Sent:
        self._acks += 1
        code = "RATE_LIMITED" if answer == TOO_FAST else "FORBIDDEN"
        error = AckError(code=code, message="not now", details=b'{"reasons":["not now"]}')
        ack = Ack(
            ok=answer not in (REFUSED, TOO_FAST),
            duplicate=answer == DUPLICATE,
            message_id=message_id,
            session_id="s",
            number=self._acks,
            error=error if answer in (REFUSED, TOO_FAST) else None,
        )
        source_id = f"ack:{message_id}:{self._acks}"
        observation = Observation(kind=ObservationKind.ACK, body=ack, raw=b"ack", source_id=source_id)
        return Sent(ack=ack, observation=observation)


def waiting_message(
    run: Run,
    *,
    sender: str = "lead",
    category: str = MESSAGE,
    is_ambient: bool = False,
    claimed_epoch: int | None = None,
    **columns: object,
) -> OutboundMessage:
    """A stored message of the run that has no fate yet, and its event."""
    message_id = uuid4()
    with writing(run.id, epoch=None) as writer:
        message = OutboundMessage.objects.create(
            **{
                "run_id": run.id,
                "message_id": message_id,
                "position": OutboundMessage.objects.filter(run_id=run.id).count(),
                "category": category,
                "message_type": "Note",
                "sender": sender,
                "body": orjson.dumps({"id": message_id, "ambient": is_ambient}),
                "payload_descriptor": '{"encoding":"json","sizeBytes":2}',
                "claimed_epoch": claimed_epoch,
                **columns,
            }
        )
        data = outbound_data(facts_of(message, "s"), status="queued", previous=None)
        writer.append([Draft(type=EventType.MESSAGE_QUEUED, data=data)])
    return message


def kickoff_message(run: Run, **columns: object) -> OutboundMessage:
    """A waiting message of the run's kickoff."""
    return waiting_message(run, category=KICKOFF, **columns)  # type: ignore[arg-type]
