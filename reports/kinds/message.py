"""The common parts of the two reports of a message."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Self

from django import forms
from django.conf import settings
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.scopes import ALL_SCHOOLS, Scope
from accounts.services import record_audit_event
from accounts.tools import MissingRight, Right, Tool
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.choices import Mode
from messenger_logs.delivery_summary import EMAILS, DeliverySummary
from messenger_logs.html_to_text import html_to_text
from messenger_logs.merge_fields import merged
from messenger_logs.models import SentMessage
from messenger_logs.querysets import SentMessageQuerySet
from messenger_logs.reach import People
from messenger_logs.scope_texts import scope_note
from messenger_logs.sight import Sight
from messenger_logs.status_labels import REACH
from messenger_logs.totals import Totals
from reports.document import Bar, Bars, Part, Text
from reports.report import BadOptions, Pairs, Report, ReportForm, asked_for_by, moment, number, sentences
from reports.writers import Format


class MessageForm(ReportForm):
    """The choices of a report; they depend on the message."""

    rows_only = forms.BooleanField(label=_("CSV, rows only: without header, summary and criteria"), required=False)

    def __init__(self, *args: Any, message: SentMessage, scope: Scope = ALL_SCHOOLS, **kwargs: Any) -> None:
        self.message, self.scope = message, scope
        super().__init__(*args, **kwargs)


class MessageReport(Report):
    """A report of one message. Users to whom a tool shows the message may have it."""

    tools: ClassVar[tuple[Tool, ...]]
    """The logs that offer it."""
    form_class: ClassVar[type[MessageForm]]

    def __init__(self, message: SentMessage, *, tool: Tool, user: User, chosen: dict[str, Any]) -> None:
        self.message = message
        self.tool = tool
        self.user = user
        self.chosen = chosen

    @classmethod
    def messages(cls, user: User, tool: Tool) -> SentMessageQuerySet:
        return SentMessage.objects.visible_to(user, tool).with_school_name()

    @classmethod
    def find(cls, user: User, tool: Tool, pk: int) -> SentMessage:
        """Return the message. Raises MissingRight without the tool right, Http404 if the tool hides the message."""
        if not user.may(tool):
            raise MissingRight(tool, Right.READ)
        message: SentMessage | None = cls.messages(user, tool).filter(pk=pk).first()
        if message is None:
            raise Http404(gettext("There is no such message."))
        return message

    @classmethod
    def open(cls, user: User, options: dict[str, Any]) -> Self:
        tool = Tool[options["tool"]]
        message = cls.find(user, tool, options["message"])
        chosen = {name: options[name] for name in options if name != "message"}
        form = cls.form_class(chosen, message=message, scope=Sight.of(user, tool).scope_in(message))
        if not form.is_valid():
            raise BadOptions(" ".join(sentences(form)))
        return cls(message, tool=tool, user=user, chosen=form.cleaned_data)

    @classmethod
    def open_shared(cls, user: User, options: dict[str, Any]) -> Self:
        """Open another user's report. Everybody may see it to whom a log shows its message; else raises Http404.

        Of several such logs it takes the first that shows all people of the message, else the first.
        """
        showing = [tool for tool in cls.tools if cls.messages(user, tool).filter(pk=options["message"]).exists()]
        reports = [cls.open(user, options | {"tool": tool.name}) for tool in showing]
        if not reports:
            raise Http404(gettext("There is no such report."))
        return max(reports, key=lambda report: report.scope.everything)

    @property
    def options(self) -> dict[str, Any]:
        chosen = {name: value for name, value in self.chosen.items() if name != "format" and value is not False}
        return {"tool": self.tool.name, "message": self.message.pk, **chosen}

    @cached_property
    def scope(self) -> Scope:
        """The schools whose people it lists: all schools, if the user sent the message."""
        return Sight.of(self.user, self.tool).scope_in(self.message)

    @property
    def asked_for_by(self) -> Pairs:
        return asked_for_by(self.user)

    def scope_header(self) -> Pairs:
        """Say of whom the rows are, where they are not of everybody; the figures are."""
        return [(gettext("People Listed"), scope_note(self.message, self.scope))] if not self.scope.everything else []

    @property
    def title(self) -> str:
        return f"{self.label}: {self.message.display_subject}"

    @property
    def file_name(self) -> str:
        return f"{self.kind}-report-{self.message.pk}"

    def record_request(self, *, by: User, format: Format, rows: int | None) -> None:
        record_audit_event(
            by=by,
            action=f"report.{self.kind.replace('-', '_')}",
            target=self.message.recorded_name,
            details=self.options | {"format": format.value, "rows": "not counted" if rows is None else rows},
        )

    @abstractmethod
    def rows(self) -> Any:
        """Return the rows of the detail. They can be counted, or read once."""

    def count(self, limit: int | None = None) -> int:
        found: int = self.rows().count(limit)
        return found

    def as_it_is_now(self) -> SentMessage:
        """Read the message again, so that it is from the same snapshot as the totals and the rows."""
        messages = SentMessage.objects.with_school_name().prefetch_related("calendars")
        message: SentMessage = messages.get(pk=self.message.pk)
        return message

    @cached_property
    def school(self) -> str:
        return str(getattr(self.message, "school_name", settings.DISTRICT_NAME))


def cancel_summary(message: SentMessage) -> Pairs:
    """Return who canceled a message, when, and the figures of the cancel; nothing if nobody canceled it."""
    if not message.cancel_asked_at:
        return []
    figures = cancel_figures(message.pk)
    return [
        (gettext("Canceled By"), message.canceled_by_name),
        (gettext("Cancel Asked"), moment(message.cancel_asked_at, seconds=True)),
        (gettext("Cancel Complete"), moment(message.cancel_completed_at, seconds=True) or gettext("not yet")),
        *(
            (gettext("Canceled: %(figure)s") % {"figure": label}, number(count))
            for name, label, count in figures.labeled
        ),
    ]


def reach_figures(totals: Totals) -> Pairs:
    """Return the people by whether the message reached them, each of them once; nothing if nobody counted them."""
    kinds = totals.people.by_kind if totals.people else {}
    return [(str(kind.label), number(count)) for kind, count in kinds.items()]


def outcome_bars(message: SentMessage, totals: Totals, modes: Collection[Mode]) -> list[Bars]:
    """Return the bars of the message's page: its people, and the devices of these modes; nothing before it begins."""
    summary = DeliverySummary(message, totals, timezone.now(), canceled=None)
    bars = [people_bar(gettext("People"), summary.people)] if summary.people and not summary.waiting else []
    bars += [
        Bar(str(progress.mode.label), [Part(part.status, part.number) for part in progress.parts])
        for progress in summary.progress
        if progress.mode in modes and progress.devices and not summary.waiting
    ]
    return [Bars(gettext("How It Went"), bars)] if bars else []


def people_bar(label: str, people: People) -> Bar:
    """Return people by whether they were reached."""
    lower = {kind: replace(REACH[kind], word=str(REACH[kind].word).lower()) for kind in people.by_kind}
    return Bar(label, [Part(lower[kind], count) for kind, count in people.by_kind.items()])


def email_figures(totals: Totals, label: str) -> Pairs:
    """Return the e-mails that were handed over, by what their provider said; nothing for a message without e-mail.

    `label` has a place for the outcome: "Total Emails %(outcome)s".
    """
    email = totals.email
    if email is None:
        return []
    return [(label % {"outcome": word}, number(getattr(email, name.removeprefix("email_")))) for name, word in EMAILS]


def message_detail(message: SentMessage) -> Text:
    """Return reply-to, attachments, and the bodies as text with the names of their merge fields."""
    bodies = [(Mode(mode), message.bodies[mode]) for mode in Mode.values if mode in message.bodies]
    one = len({body for mode, body in bodies}) == 1
    shown = [(gettext("Message Body"), bodies[0][1])] if one else [(_body_label(mode), body) for mode, body in bodies]
    files = ", ".join(str(file.get("name", "")) for file in message.attachments)
    return Text(
        gettext("Message Detail"),
        [
            (gettext("Reply To Email"), message.reply_to),
            *((label, html_to_text(merged(body, {}))) for label, body in shown),
            *([(gettext("Attachments"), files)] if files else []),
        ],
    )


def _body_label(mode: Mode) -> str:
    return gettext("Message Body, %(mode)s") % {"mode": mode.label}
