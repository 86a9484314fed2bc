"""The form that makes an API key."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone

from runs.domain.scopes import SCOPES
from runs.domain.staff_rights import scopes_of_member
from runs.models import ApiKey
from runs.operations.create_api_key import key_faults

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[ApiKey]
else:
    ModelForm = forms.ModelForm


class KeyForm(ModelForm):
    """What a key shall open, for whom and until when; who makes one shows once more that they are who they are.

    It opens nothing that its maker may not do.
    """

    member: User  # who fills it in

    scopes = forms.MultipleChoiceField(choices=(), widget=forms.CheckboxSelectMultiple)
    password = forms.CharField(
        label="Your password",
        help_text="Yours, once more: a key outlives your session.",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = scopes_of_member(self.member)
        scopes = cast(forms.MultipleChoiceField, self.fields["scopes"])
        scopes.choices = [(scope, scope) for scope in SCOPES if scope in own]

    class Meta:
        model = ApiKey
        fields = ("name", "project", "expires_at")

    def clean_name(self) -> str:
        """Raises ValidationError for a name that tables and logs could not show."""
        name: str = self.cleaned_data["name"]
        for fault in key_faults(name, SCOPES):
            raise forms.ValidationError(f"It {fault.message}.")
        return name

    def clean_expires_at(self) -> datetime | None:
        """Raises ValidationError for a time that is over."""
        moment: datetime | None = self.cleaned_data["expires_at"]
        if moment is not None and moment <= timezone.now():
            raise forms.ValidationError("This time is over.")
        return moment

    def clean_password(self) -> str:
        """Raises ValidationError for any other than the member's own."""
        password: str = self.cleaned_data["password"]
        if not self.member.check_password(password):
            raise forms.ValidationError("This is not your password.")
        return password


def form_for(member: Any) -> type[KeyForm]:
    """The form as this member of staff fills it in."""
    return type("KeyFormOfMember", (KeyForm,), {"member": member})
