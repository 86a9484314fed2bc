"""Endpoints that listen and deliveries that are due, for tests of webhooks. Say only what matters to the test."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
from django.db import connection

from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from webhooks.models import Delivery, Endpoint, EndpointSecret
from webhooks.parcel import Parcel
from webhooks.result import Result
from webhooks.sealing import seal

# The time of tests that bring their own: no clock of theirs reads another one.
NOON = datetime(2031, 5, 1, 12, tzinfo=UTC)
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

ARRIVED = Result(duration_ms=5, status=200)
REFUSED = Result(duration_ms=5, status=500, reason="status")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def listening(url: str = "https://receiver.example/hook", *, secret: str = SECRET, **columns: object) -> Endpoint:
    """An endpoint that hears everything, with one secret; as fast as it may be, if nothing else is said."""
    endpoint: Endpoint = Endpoint.objects.create(
        **{"url": url, "events": ["*"], "rate_per_second": 1_000, "concurrency": 50, **columns}
    )
    keep_secret(endpoint, secret)
    return endpoint


def keep_secret(endpoint: Endpoint, secret: str, **columns: object) -> EndpointSecret:
    """One more secret of the endpoint."""
    sealed = seal(secret, endpoint_id=endpoint.id)
    kept: EndpointSecret = EndpointSecret.objects.create(
        endpoint=endpoint, sealed=sealed.text, key_id=sealed.key_id, hint=secret[-4:], **columns
    )
    return kept


def waiting(endpoint: Endpoint, number: int = 1, *, due_at: datetime = NOON, **columns: object) -> list[Delivery]:
    """So many deliveries to the endpoint, due one after the other; the last one exactly then."""
    return Delivery.objects.bulk_create(
        Delivery(
            **{
                "project_id": DEFAULT_PROJECT_ID,
                "endpoint": endpoint,
                "event_type": "run.completed",
                "event_id": uuid7(),
                "body": orjson.dumps({"number": n}),
                "next_attempt_at": due_at - timedelta(microseconds=number - 1 - n),
                "due_at": due_at - timedelta(microseconds=number - 1 - n),
                **columns,
            }
        )
        for n in range(number)
    )


def flood(endpoint: Endpoint, number: int, *, due_at: datetime | None = None) -> None:
    """So many deliveries that have been due for an hour; too many to be made one by one."""
    (pattern,) = waiting(endpoint, due_at=due_at or NOON - seconds(3600))
    with connection.cursor() as cursor:
        cursor.execute(_FLOOD, [number - 1, pattern.id])


_FLOOD = """
INSERT INTO webhooks_delivery (id, project_id, endpoint_id, event_type, event_id, body, next_attempt_at, due_at)
SELECT gen_random_uuid(), project_id, endpoint_id, event_type, gen_random_uuid(),
       convert_to('{"number":' || n || '}', 'UTF8'),
       due_at + n * interval '1 microsecond', due_at + n * interval '1 microsecond'
  FROM webhooks_delivery, generate_series(1, %s) AS n WHERE id = %s
"""


def fresh(delivery: Delivery | UUID) -> Delivery:
    """The delivery as the database has it now."""
    found: Delivery = Delivery.objects.get(id=delivery.id if isinstance(delivery, Delivery) else delivery)
    return found


def endpoint_now(endpoint: Endpoint) -> Endpoint:
    """The endpoint as the database has it now."""
    found: Endpoint = Endpoint.objects.get(id=endpoint.id)
    return found


def statuses() -> Counter[str]:
    """How many deliveries there are of each status."""
    return Counter(Delivery.objects.values_list("status", flat=True))


class SteppedClock:
    """A clock of the test's own, which stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by_s: float) -> None:
        self.now += seconds(by_s)

    def to(self, moment: datetime) -> None:
        """Never back."""
        self.now = max(self.now, moment)


class Postman:
    """Stands in for the sender: hands every parcel to `receive` and keeps what was sent, in order.

    `most_at_once` says how many were under way at the same moment, by endpoint.
    """

    def __init__(self, receive: Callable[[Parcel], Result] = lambda parcel: ARRIVED, *, takes_s: float = 0.0) -> None:
        self.sent: list[Parcel] = []
        self.most_at_once: Counter[UUID] = Counter()
        self._under_way: Counter[UUID] = Counter()
        self._receive = receive
        self._takes_s = takes_s

    async def __call__(self, parcel: Parcel, *, timeout_s: float, at: int) -> Result:
        self.sent.append(parcel)
        self._under_way[parcel.endpoint_id] += 1
        self.most_at_once |= self._under_way
        await asyncio.sleep(self._takes_s)
        self._under_way[parcel.endpoint_id] -= 1
        return self._receive(parcel)

    def times(self) -> Counter[UUID]:
        """How often each delivery was sent."""
        return Counter(parcel.delivery_id for parcel in self.sent)


def in_turn(*results: Result) -> Callable[[Parcel], Result]:
    """One result after the other, whoever is sent to; the last one for ever."""
    left: Iterator[Result] = iter(results)

    def receive(parcel: Parcel) -> Result:
        return next(left, results[-1])

    return receive


def numbers(parcels: Sequence[Parcel], endpoint: Endpoint) -> list[int]:
    """Which of an endpoint's deliveries these are, in order."""
    return [orjson.loads(parcel.body)["number"] for parcel in parcels if parcel.endpoint_id == endpoint.id]
