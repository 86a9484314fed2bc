"""Which runs a term names."""

from uuid import UUID

from runs.models import OutboundMessage, Run


def named_runs(term: str) -> list[UUID]:
    """The one or two runs, of any project, with this id, this session id or an outbound message of this id."""
    text = term.strip()
    # Each by an index of its own: asked in one statement, every run would be read.
    found = list(Run.objects.filter(session_id=text).values_list("id", flat=True))
    try:
        key = UUID(text)
    except ValueError:
        return found
    found += Run.objects.filter(id=key).values_list("id", flat=True)
    found += OutboundMessage.objects.filter(message_id=key).values_list("run_id", flat=True)
    return list(dict.fromkeys(found))
