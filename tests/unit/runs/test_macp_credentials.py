"""Who we are towards the runtime, and whom we may speak for."""

import pytest

from runs.errors import RuntimeRejected
from runs.runtimes.macp.client import MacpRuntime
from runs.runtimes.macp.credentials import Credentials
from runs.runtimes.macp.settings import MacpSettings
from tests.plans import a_plan


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


TOKENS = MacpSettings(bearer_token="ours", sender_tokens={"lead": "leads"})
DEV = MacpSettings(dev_senders=True)
BARE = MacpSettings()


def test_a_participant_is_spoken_for_with_its_own_token() -> None:
    assert Credentials(TOKENS).sender("lead") == bearer("leads")


@pytest.mark.parametrize(("settings", "participant"), [(TOKENS, "ann"), (TOKENS, ""), (BARE, "ann"), (DEV, "")])
def test_without_a_credential_nobody_is_spoken_for(settings: MacpSettings, participant: str) -> None:
    """D12: only participants whose credential we hold."""
    with pytest.raises(RuntimeRejected) as refused:
        Credentials(settings).sender(participant)

    assert refused.value.runtime_code == "NO_SENDER_CREDENTIAL"


@pytest.mark.parametrize(
    ("settings", "participant", "may"),
    [
        (TOKENS, "lead", True),
        (TOKENS, "ann", False),
        (TOKENS, "control-plane", False),
        (TOKENS, "", False),
        (DEV, "ann", True),
        (DEV, "", False),
        (BARE, "ann", False),
    ],
)
def test_whom_we_may_send_as_is_known_without_a_call(settings: MacpSettings, participant: str, may: bool) -> None:
    """D12: a sender without a credential is refused before anything is stored."""
    assert MacpRuntime(settings).may_send_as(a_plan(), participant) is may


def test_our_own_token_does_not_speak_for_a_participant_of_our_name() -> None:
    with pytest.raises(RuntimeRejected):
        Credentials(TOKENS).sender("control-plane")


def test_a_development_runtime_takes_the_participants_id_as_its_token() -> None:
    assert Credentials(DEV).sender("ann") == bearer("ann")


def test_a_configured_token_wins_over_the_participants_id() -> None:
    both = MacpSettings(dev_senders=True, sender_tokens={"lead": "leads"})

    assert Credentials(both).sender("lead") == bearer("leads")


def test_we_are_ourselves_by_token_or_in_development_by_name() -> None:
    assert Credentials(TOKENS).own() == bearer("ours")
    assert Credentials(BARE).own() == bearer("control-plane")
    assert Credentials(MacpSettings(dev_agent_id="")).own() == ()


def test_a_session_we_opened_is_read_as_its_initiator_and_an_agents_as_ourselves() -> None:
    credentials = Credentials(TOKENS)

    assert credentials.observer(a_plan(opener="control-plane")) == bearer("leads")
    assert credentials.observer(a_plan(opener="agent")) == bearer("ours")
    assert credentials.observer(a_plan(initiator="ann")) == bearer("ours")  # opened with a credential since removed


def test_on_a_development_runtime_an_agents_session_is_read_as_its_initiator() -> None:
    assert Credentials(DEV).observer(a_plan(opener="agent")) == bearer("lead")


def test_an_initiator_we_hold_steers_and_else_we_do() -> None:
    assert Credentials(TOKENS).steward(a_plan(opener="agent")) == bearer("leads")
    assert Credentials(TOKENS).steward(a_plan(initiator="ann")) == bearer("ours")


def test_old_runtimes_are_also_told_the_name() -> None:
    old = MacpSettings(bearer_token="ours", sender_tokens={"lead": "leads"}, use_dev_header=True)

    assert Credentials(old).own() == (*bearer("ours"), ("x-macp-agent-id", "control-plane"))
    assert Credentials(old).sender("lead") == (*bearer("leads"), ("x-macp-agent-id", "lead"))


def test_no_token_is_shown_by_accident() -> None:
    shown = repr(Credentials(TOKENS))

    assert "ours" not in shown
    assert "leads" not in shown
