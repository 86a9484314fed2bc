"""Accepts a task, reports progress once and completes it."""

from macp.modes.task.v1.task_pb2 import TaskRequestPayload
from macp.v1.envelope_pb2 import Envelope
from macp_sdk import TaskSession

from tests.sdk_agents.seat import arguments, client_of, leave_after, play


def main() -> None:
    wanted = arguments("The assignee of a task.").parse_args()
    with client_of(wanted) as client:
        session = TaskSession(client, session_id=wanted.session)

        def work(request: Envelope) -> None:
            task_id = TaskRequestPayload.FromString(request.payload).task_id
            session.accept_task(task_id, assignee=wanted.id)
            session.update_task(task_id, status="working", progress=0.5, message="half of it")
            session.complete_task(task_id, assignee=wanted.id, output=b"done", summary="all of it")

        play(session, wanted.id, {"TaskRequest": work})


if __name__ == "__main__":
    leave_after(main)
