"""The base of all kinds of reports, and the registry of kinds, by which a stored report is opened again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import Http404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.scopes import NO_SCHOOL, Scope
from core.dates import time_text
from reports.document import Document
from reports.writers import Format

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Pairs = list[tuple[str, str]]


class BadOptions(Exception):
    """The choices of a report are not valid. The message says why, in sentences."""


class Report(ABC):
    """A report with valid choices, which its user may have."""

    kind: ClassVar[str]
    """The name of the kind in jobs and commands."""
    label: ClassVar[StrOrPromise]

    @classmethod
    @abstractmethod
    def open(cls, user: User, options: dict[str, Any]) -> Report:
        """Open the report with these `options` for a user.

        Raises PermissionDenied without the tool right, Http404 if the user may not see its subject, and BadOptions if
        the choices are not valid.
        """

    @classmethod
    def open_shared(cls, user: User, options: dict[str, Any]) -> Report:
        """Open a report that another user asked for. Raises Http404 if only its owner may see this kind of report."""
        raise Http404(gettext("There is no such report."))

    @property
    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Return the options for `open`, as values that JSON can hold."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Return the name of the report in a list of reports."""

    @property
    @abstractmethod
    def file_name(self) -> str:
        """Return the file name without extension. It says nothing about people."""

    @property
    @abstractmethod
    def criteria(self) -> Pairs:
        """Return its filters or choices, as labels and values, so that a list of reports tells it from others."""

    @property
    def permissions(self) -> list[str]:
        """Return the Django permissions without which the rows would be fewer, as far as `open` does not ask for them.

        They are stored with a file, and its readers need them as well.
        """
        return []

    @property
    def scope(self) -> Scope:
        """The schools of which it has the rows of others. A file stores them: its readers need them as well."""
        return NO_SCHOOL

    @abstractmethod
    def count(self, limit: int | None = None) -> int:
        """Count the rows; with a limit, count no further than that."""

    @abstractmethod
    def document(self) -> Document:
        """Return the contents, from one snapshot of the database. The rows are read while they are written."""

    @abstractmethod
    def record_request(self, *, by: User, format: Format, rows: int | None) -> None:
        """Record the request in the audit trail. `rows` is None if they were not counted."""


_KINDS: dict[str, type[Report]] = {}


def register(report_class: type[Report]) -> None:
    """Register a kind of report, so that stored reports of it can be opened; see reports/kinds."""
    _KINDS[report_class.kind] = report_class


def report_kind(name: str) -> type[Report]:
    """Return the class of a kind of report. Raises Http404 if there is none (any more)."""
    try:
        return _KINDS[name]
    except KeyError:
        raise Http404(gettext("There is no such kind of report.")) from None


def kind_label(name: str) -> str:
    """Return what reports of a kind are called, also where the kind is not there any more."""
    return str(_KINDS[name].label) if name in _KINDS else gettext("Report")


def number(value: int) -> str:
    return str(intcomma(value))


def moment(value: datetime | None, *, seconds: bool = False) -> str:
    return time_text(value, seconds=seconds) if value else ""


def asked_for_by(user: User) -> Pairs:
    return [(gettext("Asked For By"), user.listed_name)]


def labels(chosen: Iterable[str], choices: Iterable[tuple[str, StrOrPromise]]) -> str:
    """Return the labels of the chosen values as text, in the order of the choices."""
    wanted = set(chosen)
    return ", ".join(str(label) for value, label in choices if value in wanted)


class Choices(forms.CheckboxSelectMultiple):
    """Checkboxes; some of them may be disabled."""

    unavailable: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if value in self.unavailable:
            option["attrs"] |= {"disabled": True}
        return option


class OneChoice(Choices, forms.RadioSelect):
    """Radio buttons; some of them may be disabled."""

    allow_multiple_selected = False
    input_type = "radio"


class ReportForm(forms.Form):
    """The choices of a report. A choice that is left out takes its initial value, unless it is required."""

    format = forms.ChoiceField(
        label=_("Format"),
        choices=Format.choices,
        initial=Format.PDF,
        required=False,
        error_messages={"invalid_choice": _("Choose PDF, CSV, DOCX or XLSX.")},
    )

    def clean_format(self) -> Format:
        return Format(self.cleaned_data["format"] or Format.PDF)


def sentences(form: forms.Form) -> Iterator[str]:
    for found in form.errors.values():
        yield from map(str, found)
