"""Policy and its verdicts. Proposals, votes and commitments need no reading beyond the vocabulary's ids."""

from collections.abc import Mapping

from runs.domain.events import Draft, EventType, JsonObject
from runs.domain.normaliser import members
from runs.domain.normaliser.context import Context
from runs.domain.normaliser.message import Message

PRODUCED = frozenset({EventType.POLICY_DENIED})

POLICY_DENIED = "POLICY_DENIED"
"""The code of a runtime's refusal that is a policy's verdict."""

COMMITMENT_ID = members.named("commitmentId")

_POLICY_VERSION = members.named("policyVersion")
_POLICY_DESCRIPTION = members.named("policyDescription")
_DESCRIPTION = members.named("description")
_EXPECTED_COMMITMENTS = members.named("expectedCommitments")
_DECISION = members.named("decision")
_ALLOWED = members.named("allowed")
_ERROR_CODE = members.named("errorCode")
_CODE = members.named("code")
_POLICY_DENIED = members.named("policyDenied")
_REASONS = members.named("reasons")
_REASON = members.named("reason")
_DENIALS = members.named("denials")

_ALLOWING = frozenset({"allow", "allowed", "approve", "approved", "accept", "accepted", "permit", "permitted", "yes"})


def resolved_detail(message: Message) -> JsonObject:
    """Which policy the session is bound to."""
    payload = message.members
    description = members.text(payload, _POLICY_DESCRIPTION) or members.text(payload, _DESCRIPTION)
    expected = members.found(payload, _EXPECTED_COMMITMENTS)
    return members.present(
        (
            ("policyVersion", members.identifier(payload, _POLICY_VERSION) or ""),
            ("policyDescription", description),
            ("expectedCommitments", None if expected is None else members.texts(payload, _EXPECTED_COMMITMENTS)),
        )
    )


def evaluated_detail(message: Message) -> JsonObject:
    """How a policy judged a commitment. What is not clearly allowed counts as denied."""
    payload = message.members
    said = members.text(payload, _DECISION)
    allowed = said.lower() in _ALLOWING if said is not None else members.found(payload, _ALLOWED) is True
    return {
        "commitmentId": members.identifier(payload, COMMITMENT_ID) or message.subject_id,
        "decision": "allow" if allowed else "deny",
        "reasons": reasons_in(payload),
    }


def denied_detail(message: Message) -> JsonObject:
    """Why a policy refused a commitment."""
    payload = message.members
    return {
        "reasons": reasons_in(payload),
        **members.present(
            (
                ("commitmentId", members.identifier(payload, COMMITMENT_ID)),
                ("errorCode", members.text(payload, _ERROR_CODE) or members.text(payload, _CODE)),
                ("denials", denials_in(payload)),
            )
        ),
    }


def policy_denial(message: Message, context: Context) -> Draft | None:
    """`policy.denied` where another message than PolicyDenied says `policyDenied: true`, else None."""
    if message.type == "PolicyDenied" or members.found(message.members, _POLICY_DENIED) is not True:
        return None
    commitment_id = members.identifier(message.members, COMMITMENT_ID)
    return message.draft(
        EventType.POLICY_DENIED, "policy", commitment_id, {**message.extra(), **denied_detail(message)}
    )


def reasons_in(payload: Mapping[str, object]) -> list[str]:
    """The reasons as a list, or the one reason."""
    return members.texts(payload, _REASONS) or members.texts(payload, _REASON)


def denials_in(payload: Mapping[str, object]) -> list[object] | None:
    """The denials as the runtime lists them (code, message, participants), or None."""
    denials = members.found(payload, _DENIALS)
    return denials if isinstance(denials, list) and denials else None
