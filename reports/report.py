"""What every kind of report has in common, and how a stored one is found again by the name of its kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import Http404

from accounts.models import User
from core.dates import time_text
from reports.document import Document
from reports.writers import Format

Pairs = list[tuple[str, str]]


class BadOptions(Exception):
    """Choices that make no sense, in sentences."""


class Report(ABC):
    """A report that somebody may have, of something that is there, with choices that make sense."""

    kind: ClassVar[str]
    """Names it in jobs and commands."""
    label: ClassVar[str]

    @classmethod
    @abstractmethod
    def open(cls, user: User, options: dict[str, Any]) -> Report:
        """The report that these `options` say, if this user may have it by now.

        Raises Http404 where it is of something that the user may not see, PermissionDenied without the tool right, and
        BadOptions.
        """

    @classmethod
    def open_shared(cls, user: User, options: dict[str, Any]) -> Report:
        """The same for a user who did not ask for it. Raises Http404 where such a report is for its owner alone."""
        raise Http404("There is no such report.")

    @property
    @abstractmethod
    def options(self) -> dict[str, Any]:
        """What `open` needs to know, as JSON can hold it."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is called in a list of reports."""

    @property
    @abstractmethod
    def file_name(self) -> str:
        """Without extension, and without a word about people."""

    @abstractmethod
    def count(self, limit: int | None = None) -> int:
        """How many rows it has; of more than `limit` only so many are counted."""

    @abstractmethod
    def document(self) -> Document:
        """Everything it says, read from the database as it is at the first query; the rows while they are written."""

    @abstractmethod
    def record_request(self, *, by: User, format: Format, rows: int | None) -> None:
        """Tell the audit trail that it was asked for; `rows` is None where they were not counted."""


_KINDS: dict[str, type[Report]] = {}


def register(report_class: type[Report]) -> None:
    """Let stored reports of this kind be opened; see reports/kinds."""
    _KINDS[report_class.kind] = report_class


def report_kind(name: str) -> type[Report]:
    """The class of a kind of report. Raises Http404 for one that there is not (any more)."""
    try:
        return _KINDS[name]
    except KeyError:
        raise Http404("There is no such kind of report.") from None


def number(value: int) -> str:
    return str(intcomma(value))


def moment(value: datetime | None, *, seconds: bool = False) -> str:
    return time_text(value, seconds=seconds) if value else ""


def labels(chosen: Iterable[str], choices: Iterable[tuple[str, str]]) -> str:
    """The words of what was chosen, in the order of the choices."""
    wanted = set(chosen)
    return ", ".join(label for value, label in choices if value in wanted)


class Choices(forms.CheckboxSelectMultiple):
    """Checkboxes, of which some cannot be ticked."""

    unavailable: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if value in self.unavailable:
            option["attrs"] |= {"disabled": True}
        return option


class OneChoice(Choices, forms.RadioSelect):
    """Radio buttons, of which some cannot be chosen."""

    allow_multiple_selected = False
    input_type = "radio"


class ReportForm(forms.Form):
    """The choices of a report. What is left out is as it is at first, unless one has to choose."""

    format = forms.ChoiceField(
        label="Report Format",
        choices=Format.choices,
        initial=Format.PDF,
        required=False,
        error_messages={"invalid_choice": "Choose PDF, CSV or DOCX."},
    )

    def clean_format(self) -> Format:
        return Format(self.cleaned_data["format"] or Format.PDF)


def sentences(form: forms.Form) -> Iterator[str]:
    for found in form.errors.values():
        yield from map(str, found)
