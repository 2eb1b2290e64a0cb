"""The base of the lists of one message: its recipients, the people whom it did not reach."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from django.shortcuts import get_object_or_404

from accounts.listings import ToolListing
from accounts.scopes import Scope
from messenger_logs.models import SentMessage
from messenger_logs.sight import Sight
from web.menu import page_url
from web.message_access import record_message_view
from web.message_urls import message_url

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class MessageListing(ToolListing):
    """A list of one message. Raises Http404 if the tool hides the message."""

    # What of the message it shows, for the audit trail.
    part: ClassVar[str]
    # Its title, around the subject of the message: "Recipients of %(subject)s".
    title_text: ClassVar[StrOrPromise]

    @cached_property
    def message(self) -> SentMessage:
        messages = SentMessage.objects.visible_to(self.user, self.tool)
        message: SentMessage = get_object_or_404(messages, pk=self.arguments["pk"])
        return message

    @cached_property
    def scope(self) -> Scope:
        """The schools whose people it lists: all schools, if the user sent the message."""
        return Sight.of(self.user, self.tool).scope_in(self.message)

    @property
    def title(self) -> str:
        return self.title_text % {"subject": self.message.display_subject}

    @cached_property
    def message_url(self) -> str:
        return message_url(self.tool, self.message.pk)

    def part_url(self, part: str) -> str:
        """Return the address of another part of the message."""
        return message_url(self.tool, self.message.pk, part)

    @property
    def recipients_url(self) -> str:
        return self.part_url("recipients")

    @property
    def unreached_url(self) -> str:
        return self.part_url("unreached")

    @property
    def log_url(self) -> str:
        return page_url(self.tool)

    @property
    def export_target(self) -> str:
        return f"{self.part.capitalize()} of message {self.message.pk}"

    @property
    def export_details(self) -> dict[str, Any]:
        return {"message": self.message.pk}

    def _record_look(self) -> None:
        record_message_view(self.message, by=self.user, part=self.part, **self.searched)
