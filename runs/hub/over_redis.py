"""Nudges by publish and subscribe of Redis, for fleets whose database stands behind a transaction pooler.

Nothing is stored there. While Redis is away or slow, nudges are late or lost, and that is all.
"""

import contextlib
from collections.abc import Iterator

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.exceptions import RedisError
from redis.retry import Retry

from runs.hub.transport import Send, TransportLost

CHANNEL = "signalbox_nudges"
# Longer than a slow Redis takes. A silent one is asked after so many seconds, and given up after as many more.
PATIENCE_SECONDS = 5.0


class OverRedis:
    """The Redis of the settings; every process of an installation has to name the same."""

    name = "Redis"

    @contextlib.contextmanager
    def sender(self) -> Iterator[Send]:
        """Connected to send."""
        with _connected() as client:
            client.ping()

            def send(topics: set[str]) -> None:
                with _faults_translated():
                    client.publish(CHANNEL, ",".join(topics))

            yield send

    @contextlib.contextmanager
    def receiver(self) -> Iterator[Iterator[list[str]]]:
        """What is sent from now on."""
        with _connected() as client, client.pubsub() as channel:  # type: ignore[no-untyped-call]
            channel.subscribe(CHANNEL)
            # Before Redis has confirmed it, whatever is published is not for us.
            if channel.get_message(timeout=PATIENCE_SECONDS) is None:
                raise TransportLost("it does not answer")
            yield _batches(channel)


@contextlib.contextmanager
def _connected() -> Iterator["redis.Redis"]:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        protocol=2,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        # A connection that was lost and made again in silence would have missed nudges without anybody knowing.
        retry=Retry(NoBackoff(), 0),
    )
    with _faults_translated(), client:
        yield client


@contextlib.contextmanager
def _faults_translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise TransportLost(error) from error


def _batches(channel: PubSub) -> Iterator[list[str]]:
    is_asked = False
    while True:
        message = channel.get_message(timeout=PATIENCE_SECONDS)
        if message is not None:
            is_asked = False
            if message["type"] == "message":
                yield message["data"].decode("ascii", "replace").split(",")
        elif is_asked:
            raise TransportLost("it does not answer")
        else:
            channel.ping()
            is_asked = True
