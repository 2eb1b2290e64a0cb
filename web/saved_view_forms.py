"""The forms of saved views, of their scheduled reports, and of My Notifications."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.recurrence import WEEKDAYS, Every, Recurrence, hours
from digests.models import HowOften
from listings.dates import Days
from reports.writers import Format

_WEEKDAYS = list(enumerate(WEEKDAYS))
_NAME = {"required": _("give it a name.")}


class SaveViewForm(forms.Form):
    """What the menu "Views" of a list sends: the address of the list, and a name for what it shows."""

    address = forms.CharField(label=_("List"), max_length=20_000)
    name = forms.CharField(label=_("Name"), max_length=100, error_messages=_NAME)
    days = forms.ChoiceField(label=_("Days"), choices=[("", _("as now")), *Days.choices], required=False)


class ViewForm(forms.Form):
    """The name of a view, its days, and the user group that may open it too."""

    name = forms.CharField(label=_("Name"), max_length=100, error_messages=_NAME)
    days = forms.ChoiceField(
        label=_("Days"),
        choices=[("", _("as they are saved")), *Days.choices],
        required=False,
        help_text=_("Days such as “last week” move on with the calendar."),
    )
    group = forms.ModelChoiceField(
        Group.objects.none(),
        label=_("Shared with"),
        required=False,
        empty_label=_("nobody"),
        help_text=_("The members see what they may see themselves. They read what the view searches for."),
    )

    def __init__(self, *args: Any, groups: QuerySet[Group], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].queryset = groups  # type: ignore[attr-defined]


class RecurrenceForm(forms.Form):
    """How often, at which hour of the district's clock, and on which day of the week."""

    every = forms.ChoiceField(label=_("How often"), choices=Every.choices)
    weekday = forms.TypedChoiceField(
        label=_("Day of the week"),
        choices=_WEEKDAYS,
        coerce=int,
        required=False,
        help_text=_("For every week."),
    )
    hour = forms.TypedChoiceField(label=_("Hour"), choices=hours, coerce=int, initial=6)


class ScheduleForm(RecurrenceForm):
    """A report at fixed times."""

    format = forms.ChoiceField(label=_("Format"), choices=Format.choices)
    day = forms.IntegerField(
        label=_("Day of the month"),
        min_value=1,
        max_value=31,
        required=False,
        help_text=_("For every month. A month without this day has its last day instead."),
    )
    for_group = forms.BooleanField(label=_("Also for the group that shares the view"), required=False)

    field_order = ("format", "every", "weekday", "day", "hour", "for_group")

    @property
    def recurrence(self) -> Recurrence:
        given = self.cleaned_data
        return Recurrence(Every(given["every"]), given["hour"], weekday=given["weekday"] or 0, day=given["day"] or 1)


class DigestForm(RecurrenceForm):
    """Whether a person wants a digest, and when."""

    every = forms.ChoiceField(
        label=_("Digest by e-mail"), choices=[("", pgettext_lazy("digest", "None")), *HowOften.choices], required=False
    )
    only_news = forms.BooleanField(label=_("Not when nothing happened"), required=False, initial=True)

    field_order = ("every", "weekday", "hour", "only_news")
