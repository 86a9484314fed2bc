"""What staff are asked before something is done to an endpoint."""

from datetime import UTC
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import User

from runs.models.identity import uuid7
from webhooks.operations.replay_deliveries import REPLAYABLE
from webhooks.operations.terms import OVERLAPS, USUAL_OVERLAP
from webhooks.queries import ReplayFilter
from webhooks.wanted import unknown_names

if TYPE_CHECKING:
    from django.forms import PasswordInput, Select, TextInput
else:
    from unfold.widgets import UnfoldAdminPasswordWidget as PasswordInput
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

TO_THE_MINUTE = "%Y-%m-%dT%H:%M"
NOT_ARRIVED = "exhausted and cancelled"
SPANS = {"now": "stops at once", "24h": "signs for 24 hours beside it", "7d": "signs for 7 days beside it"}


class Confirmation(forms.Form):
    """Nothing is asked but whether it is meant."""


class RotationForm(forms.Form):
    """How long the former secret goes on signing."""

    overlap = forms.ChoiceField(
        label="The former secret",
        choices=[(word, SPANS[word]) for word in OVERLAPS],
        initial=USUAL_OVERLAP,
        widget=Select,
    )


def _moment(label: str) -> forms.DateTimeField:
    widget = TextInput(attrs={"type": "datetime-local"})
    return forms.DateTimeField(label=label, required=False, input_formats=[TO_THE_MINUTE], widget=widget)


def _new_key() -> str:
    return str(uuid7())


class ReplayForm(forms.Form):
    """Which deliveries go out once more. The key makes sending the form twice harmless.

    To count them needs nothing; who sends them shows once more that they are who they are.
    """

    status = forms.ChoiceField(
        choices=[("", NOT_ARRIVED), *((one, one) for one in REPLAYABLE)], required=False, widget=Select
    )
    events = forms.CharField(
        label="Event types",
        required=False,
        help_text="Names or patterns such as run.*, separated by commas; empty: all.",
        widget=TextInput,
    )
    run_id = forms.UUIDField(label="Run", required=False, widget=TextInput)
    since = _moment("Created at or after (UTC)")
    until = _moment("Created before (UTC)")
    password = forms.CharField(
        label="Your password",
        required=False,
        help_text="Yours, once more, to send them; to count them it is not needed.",
        strip=False,
        widget=PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    key = forms.CharField(max_length=255, initial=_new_key, widget=forms.HiddenInput)

    def __init__(self, *args: Any, member: User, sends: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._member, self._sends = member, sends

    def clean_password(self) -> None:
        """Raises ValidationError where they are to be sent, for any other than the member's own."""
        if self._sends and not self._member.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError("This is not your password.")

    def clean_events(self) -> tuple[str, ...]:
        """Raises ValidationError for what nothing goes out under."""
        names = tuple(name.strip() for name in self.cleaned_data["events"].split(",") if name.strip())
        if unknown := unknown_names(names):
            raise forms.ValidationError(f"Nothing goes out under {', '.join(unknown)}.")
        return names

    @property
    def wanted(self) -> ReplayFilter:
        """What a form without faults asks for."""
        asked = self.cleaned_data
        return ReplayFilter(
            events=asked["events"],
            status=asked["status"],
            run_id=asked["run_id"],
            since=asked["since"] and asked["since"].astimezone(UTC),
            until=asked["until"] and asked["until"].astimezone(UTC),
        )
