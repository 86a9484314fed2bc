"""An agent's place in a session: who it is, how it listens, how it speaks."""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import NoReturn

from macp.v1.core_pb2 import SessionStartPayload
from macp.v1.envelope_pb2 import Envelope
from macp_sdk import AuthConfig, MacpClient
from macp_sdk.base_session import BaseSession
from macp_sdk.errors import MacpTransportError

PATIENCE_S = 30.0


def leave_after(main: Callable[[], None]) -> NoReturn:
    """The agent has played its part and its process is gone, with exit code 1 if it failed.

    Not by the interpreter's own end: there a collected gRPC call can wait for a lock whose thread is gone already, for ever.
    """
    try:
        main()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)


def arguments(description: str) -> argparse.ArgumentParser:
    """What every agent is told on its command line."""
    parser = argparse.ArgumentParser(description=description)
    for name in ("--address", "--id", "--session"):
        parser.add_argument(name, required=True)
    parser.add_argument("--token", help="default: the id itself, as on a development runtime")
    return parser


def client_of(wanted: argparse.Namespace) -> MacpClient:
    """A connection under the agent's own identity."""
    auth = AuthConfig.for_bearer(wanted.token or wanted.id, expected_sender=wanted.id)
    return MacpClient(target=wanted.address, allow_insecure=True, auth=auth)


def heard(session: BaseSession) -> Iterator[Envelope]:
    """Every envelope of the session, from its start to its Commitment; waits until the session exists."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        stream = session.client.open_stream()
        stream.send_subscribe(session.session_id)
        try:
            for envelope in stream.responses(timeout=PATIENCE_S):
                _learn(session, envelope)
                yield envelope
                if envelope.message_type == "Commitment":
                    return
        except MacpTransportError as error:
            if error.code != "NOT_FOUND" or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            stream.cancel()


def play(session: BaseSession, me: str, answers: dict[str, Callable[[Envelope], object]]) -> None:
    """Answers each message of others by its type, until the Commitment."""
    for envelope in heard(session):
        if envelope.sender != me and envelope.message_type in answers:
            answers[envelope.message_type](envelope)


def _learn(session: BaseSession, envelope: Envelope) -> None:
    if envelope.message_type == "SessionStart":
        session.configuration_version = SessionStartPayload.FromString(envelope.payload).configuration_version
