"""The forms of Retention and Holds, and of Erase a Person."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.ids import read_id
from messenger_logs.models import SentMessage
from retention.choices import WHAT_A_HOLD_TAKES, HoldKind, Kind
from retention.services.periods import LONGEST, SHORTEST


class PeriodsForm(forms.Form):
    """The days of each kind; empty for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in Kind:
            self.fields[kind.value] = forms.IntegerField(
                label=gettext("%(kind)s: days") % {"kind": kind.label},
                required=False,
                min_value=SHORTEST[kind],
                max_value=LONGEST,
                widget=forms.NumberInput(attrs={"placeholder": gettext("for ever")}),
            )

    @property
    def days(self) -> dict[Kind, int | None]:
        return {kind: self.cleaned_data[kind.value] for kind in Kind}


def _what_holds_take() -> str:
    return "; ".join(f"{kind.label}: {takes}" for kind, takes in WHAT_A_HOLD_TAKES.items()) + "."


class HoldForm(forms.Form):
    """What must stay: a person, a student, a sender or a message by its value, or a period by two days."""

    kind = forms.ChoiceField(label=_("Hold"), choices=HoldKind.choices)
    value = forms.CharField(
        label=_("Who or which"),
        max_length=310,
        required=False,
        help_text=lazy(_what_holds_take, str)(),
    )
    first_day = forms.DateField(
        label=_("First day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Of a period: all messages that were created, and all events, replies and texts, of these days."),
    )
    last_day = forms.DateField(label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    reason = forms.CharField(label=_("Reason"), max_length=200, help_text=_("Such as the name of a case."))

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("kind") == HoldKind.PERIOD:
            self._clean_days(given)
        else:
            self._clean_value(given)
        return given

    def _clean_days(self, given: dict[str, Any]) -> None:
        given["value"] = ""
        first, last = given.get("first_day"), given.get("last_day")
        if not (first and last):
            self.add_error("first_day", gettext("a period needs its first and its last day."))
        elif last < first:
            self.add_error("last_day", gettext("it is before the first day."))

    def _clean_value(self, given: dict[str, Any]) -> None:
        given["first_day"] = given["last_day"] = None
        if not given.get("value"):
            self.add_error("value", gettext("this is needed for all but a period."))
        elif given.get("kind") == HoldKind.MESSAGE:
            pk = read_id(given["value"])
            if not pk or not SentMessage.objects.filter(pk=pk).exists():
                self.add_error("value", gettext("there is no message with this number."))


class WhoForm(forms.Form):
    person_id = forms.CharField(
        label=_("Person id"), max_length=64, help_text=_("The Recipient Log shows it beside the name."), strip=True
    )


class EraseForm(WhoForm):
    """The confirmation. ``seen`` are the figures that the person saw."""

    seen = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Reason"), max_length=200, required=False, help_text=_("Such as the date of the request. Name nobody.")
    )
    typed = forms.CharField(label=_("Type ERASE to confirm. It cannot be undone"), max_length=10)

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if typed.strip().upper() != "ERASE":
            raise forms.ValidationError(gettext("type the word ERASE."))
        return typed
