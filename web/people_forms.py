"""Forms about people, and about the schools of their user groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.account_services import Memberships
from accounts.models import User
from accounts.scopes import ScopeReach
from core.ids import read_id
from messenger_logs.models import School

GONE = _("one of those that you ticked is not there any more.")


def as_seen(ids: Iterable[int]) -> str:
    """Return ids as a hidden field holds them: "3 5"."""
    return " ".join(map(str, sorted(ids)))


class SeenField(forms.CharField):
    """The ids of what was ticked when the page was made. `cleaned_data` has them as numbers."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput)

    def clean(self, value: Any) -> Any:
        return frozenset(filter(None, map(read_id, super().clean(value).split())))


class BoxesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """A box to tick for each row. `cleaned_data` has the ids."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, queryset: Any, **kwargs: Any) -> None:
        super().__init__(queryset, required=False, error_messages={"invalid_choice": GONE}, **kwargs)

    def clean(self, value: Any) -> Any:
        if any(read_id(text) is None for text in value or ()):
            raise ValidationError(GONE)
        return frozenset(row.pk for row in super().clean(value))


class GroupScopeForm(forms.Form):
    """For which schools a group holds its rights, and for which it did when the page was made."""

    reach = forms.ChoiceField(label=_("The rights are held for"), choices=ScopeReach.choices, widget=forms.RadioSelect)
    schools = BoxesField(School.objects.all(), label=_("Chosen schools"))
    seen_reach = forms.ChoiceField(choices=ScopeReach.choices, widget=forms.HiddenInput)
    seen_schools = SeenField()

    @classmethod
    def of(cls, reach: ScopeReach, schools: Iterable[School]) -> GroupScopeForm:
        """Return the form with what is stored."""
        ids = [school.pk for school in schools]
        seen = {"seen_reach": reach, "seen_schools": as_seen(ids)}
        return cls(initial={"reach": reach, "schools": ids, **seen})

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("reach") == ScopeReach.CHOSEN and self.cleaned_data.get("schools") == frozenset():
            self.add_error("schools", gettext("tick at least one, or choose another answer."))
        return self.cleaned_data

    @property
    def seen(self) -> tuple[str, frozenset[int]]:
        return self.cleaned_data["seen_reach"], self.cleaned_data["seen_schools"]


class MembershipsForm(forms.Form):
    """The groups and schools of a person, and those that the person had when the page was made."""

    groups = BoxesField(Group.objects.order_by("name"), label=_("User groups"))
    schools = BoxesField(School.objects.all(), label=_("Schools"))
    seen_groups = SeenField()
    seen_schools = SeenField()

    @classmethod
    def of(cls, has: Memberships) -> MembershipsForm:
        """Return the form with what is stored."""
        seen = {"seen_groups": as_seen(has.groups), "seen_schools": as_seen(has.schools)}
        return cls(initial={"groups": has.groups, "schools": has.schools, **seen})

    @property
    def wanted(self) -> Memberships:
        return Memberships(self.cleaned_data["groups"], self.cleaned_data["schools"])

    @property
    def seen(self) -> Memberships:
        return Memberships(self.cleaned_data["seen_groups"], self.cleaned_data["seen_schools"])


class DetailsForm(forms.Form):
    """The name and the e-mail address of a person."""

    first_name = forms.CharField(label=_("First name"), max_length=150)
    last_name = forms.CharField(label=_("Last name"), max_length=150)
    email = forms.EmailField(
        label=_("E-mail address"), max_length=150, required=False, help_text=_("Links to choose a password go there.")
    )

    @classmethod
    def of(cls, person: User) -> DetailsForm:
        """Return the form with what is stored."""
        return cls(initial={name: getattr(person, name) for name in cls.base_fields})


class AddPersonForm(MembershipsForm):
    first_name = forms.CharField(label=_("First name"), max_length=150)
    last_name = forms.CharField(label=_("Last name"), max_length=150)
    # It becomes the username, which may be this long.
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=150,
        help_text=_("The person signs in with it, and gets the invitation there."),
    )
