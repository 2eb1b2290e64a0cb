from datetime import date, timedelta
from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.tasks import send_reset_link
from accounts.tools import every_right
from core.queue import call_worker

# Sign-in, with our own labels. Placeholders only repeat the labels, so they are removed.


class SignInForm(allauth_forms.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.CharField(
            label=_("Username or e-mail address"),
            max_length=254,
            widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
        )
        self.fields["password"].help_text = ""
        without_placeholders(self)


class ChangePasswordForm(allauth_forms.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = _("Current password")
        self.fields["oldpassword"].help_text = ""
        ask_new_password(self)


class ResetPasswordForm(allauth_forms.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail address of your account")
        without_placeholders(self)

    def clean_email(self) -> str:
        """Leave the look for an account to the worker. The time of the answer would tell whether there is one."""
        return str(self.cleaned_data["email"]).lower()

    def save(self, request: HttpRequest, **_: Any) -> str:
        """Ask for the mail. The page does not say that the queue is away: a person who gets no mail asks again."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        email: str = self.cleaned_data["email"]
        call_worker(send_reset_link, email=email, address=request.build_absolute_uri(path))
        return email


class NewPasswordForm(allauth_forms.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ask_new_password(self)


def ask_new_password(form: forms.Form) -> None:
    form.fields["password1"].label = _("New password")
    form.fields["password2"].label = _("New password again")
    without_placeholders(form)


def without_placeholders(form: forms.Form) -> None:
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)


# User groups


class GroupNameForm(forms.Form):
    name = forms.CharField(label=_("Name of the group"), max_length=Group._meta.get_field("name").max_length)


class GroupRightsForm(forms.Form):
    """The rights that a group gets, and those that it had when the page was made (`seen`)."""

    rights = forms.MultipleChoiceField(required=False, choices=[(cell.codename, cell.name) for cell in every_right()])
    seen = forms.CharField(required=False)

    def clean_seen(self) -> list[str]:
        return str(self.cleaned_data["seen"]).split()


class FindPeopleForm(forms.Form):
    who = forms.CharField(
        label=_("Find a person"), max_length=150, help_text=_("A part of the name, the username or the e-mail address.")
    )


class PersonForm(forms.Form):
    user = forms.ModelChoiceField(
        User.objects.all(),
        label=_("Person"),
        error_messages={"invalid_choice": _("there is no such account any more.")},
    )


# Service accounts

LONGEST = timedelta(days=2 * 366)


class ServiceAccountForm(forms.Form):
    name = forms.CharField(
        label=_("Name of the program"),
        max_length=100,
        help_text=_("As the audit trail names it: Student system, nightly."),
    )
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        label=_("User groups that it is in"),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        error_messages={"required": _("Choose a user group: without one the program may do nothing.")},
    )
    until = forms.DateField(
        label=_("Last day"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The credentials do not work after this day. Two years at most."),
    )

    def clean_until(self) -> date:
        last: date = self.cleaned_data["until"]
        if not timezone.localdate() <= last <= timezone.localdate() + LONGEST:
            raise forms.ValidationError(_("Choose a day from today to two years from now."))
        return last
