"""The one registry of tools and their rights.

Each right is a Django permission (see `accounts.models.ToolRight`), so that `user.has_perm` decides everywhere:
pages, fragments, exports, report files, menus.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from django.core.exceptions import PermissionDenied
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy

# The values below are in English, because names of permissions are made of them. Properties translate them.
from django.utils.translation import gettext_noop as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Menu(StrEnum):
    """The groups of the left menu, in its order."""

    MESSENGER = _("Messenger")
    MESSENGER_ADMINISTRATION = _("Messenger Administration")
    SYSTEM_ADMINISTRATION = _("System Administration")

    @property
    def label(self) -> str:
        """The name that people read."""
        return gettext(self.value)


class Right(Enum):
    """What a user group may do with a tool: see it, act in it, and the finer rights of some tools."""

    READ = "R"
    WRITE = "W"
    MERGE_FIELD_VALUES = _("Merge-field values")
    MY_MESSAGES = _("My Messages")
    ALL_MESSAGES = _("All Messages")
    TYPE_GENERAL = _("Messenger 2.0 - General")
    TYPE_PRIORITY = _("Messenger 2.0 - Priority")
    TYPE_EMERGENCY = _("Messenger 2.0 - Emergency")
    TYPE_TEXT_OPT = _("Text Opt In/Out")
    VIEW_CANCEL_ALL = _("View/Cancel All")
    SEND = _("Send")
    SEND_AS_OTHERS = _("Send as others")

    @property
    def word(self) -> str:
        """The label in English."""
        return {Right.READ: _("See"), Right.WRITE: _("Change")}.get(self, self.value)

    @property
    def label(self) -> str:
        """The name that people read."""
        return gettext(self.word)


class Tool(Enum):
    """A tool: its place in the menu, the question that it answers, and what each right on it allows."""

    SENT_MESSAGE_LOG = (
        Menu.MESSENGER,
        _("Sent Message Log"),
        _("What happened to each message you sent with the classic Messenger."),
        {Right.READ: _("see and print own messages"), Right.WRITE: _("cancel own messages")},
    )
    SENT_MESSAGE_LOG_2 = (
        Menu.MESSENGER,
        _("Sent Message Log 2.0"),
        _("What happened to messages sent with Messenger 2.0, and who opted in or out of texts."),
        {
            Right.READ: _("open the tool"),
            Right.MY_MESSAGES: _("see own messages"),
            Right.ALL_MESSAGES: _("see everybody's messages"),
            Right.TYPE_GENERAL: _("see messages of this type"),
            Right.TYPE_PRIORITY: _("see messages of this type"),
            Right.TYPE_EMERGENCY: _("see messages of this type"),
            Right.TYPE_TEXT_OPT: _("see messages of these types"),
        },
    )
    UPCOMING_MESSAGES = (
        Menu.MESSENGER,
        _("Upcoming Messages"),
        _("Which messages are scheduled or going out now, and which of them can still be stopped."),
        {
            Right.READ: _("see own scheduled and in-progress messages"),
            Right.WRITE: _("cancel own messages"),
            Right.VIEW_CANCEL_ALL: _("see everybody's messages, and cancel them together with W"),
        },
    )
    MAILGUN_MESSAGE_LOG = (
        Menu.MESSENGER,
        _("Mailgun Message Log"),
        _("Whether the e-mails of your own messages arrived, and why one did not."),
        {Right.READ: _("see the events of own messages")},
    )
    RECIPIENT_LOG = (
        Menu.MESSENGER,
        _("Recipient Log"),
        _("What you sent to one person, and the result on each device."),
        {Right.READ: _("see one person's messages, of those the user sent")},
    )
    REACH = (
        Menu.MESSENGER,
        _("Reach"),
        _("How many people your own messages reached, by school, mode, language and week, and who was not reached."),
        {Right.READ: _("see the figures of own messages"), Right.WRITE: _("mark own messages as drills")},
    )
    CONTACTS_TO_FIX = (
        Menu.MESSENGER,
        _("Contacts to Fix"),
        _("Which addresses and numbers of your own messages fail for good, why, and whose they are."),
        {
            Right.READ: _("see the addresses and numbers of own messages that fail for good"),
            Right.WRITE: _("say what was done about them, and allow an address again"),
        },
    )
    ADMIN_SENT_MESSAGE_LOG = (
        Menu.MESSENGER_ADMINISTRATION,
        _("Sent Message Log"),
        _("What happened to each message that anybody in the district sent with the classic Messenger."),
        {
            Right.READ: _("see and print everybody's messages"),
            Right.WRITE: _("cancel anybody's messages"),
            Right.MERGE_FIELD_VALUES: _("see the values of merge fields in a body instead of their names"),
        },
    )
    ADMIN_MAILGUN_MESSAGE_LOG = (
        Menu.MESSENGER_ADMINISTRATION,
        _("Mailgun Message Log"),
        _("Whether the e-mails of the whole district arrived, and why one did not."),
        {Right.READ: _("see the events of everybody's messages")},
    )
    ADMIN_RECIPIENT_LOG = (
        Menu.MESSENGER_ADMINISTRATION,
        _("Recipient Log"),
        _("What anybody in the district sent to one person, and the result on each device."),
        {Right.READ: _("see one person's messages, of all senders")},
    )
    ADMIN_REACH = (
        Menu.MESSENGER_ADMINISTRATION,
        _("Reach"),
        _("How many people the messages of the whole district reached, and whether a drill went better than the last."),
        {Right.READ: _("see the figures of everybody's messages"), Right.WRITE: _("mark anybody's messages as drills")},
    )
    ADMIN_CONTACTS_TO_FIX = (
        Menu.MESSENGER_ADMINISTRATION,
        _("Contacts to Fix"),
        _("Which addresses and numbers of the whole district fail for good, why, and whose they are."),
        {
            Right.READ: _("see the addresses and numbers of everybody's messages that fail for good"),
            Right.WRITE: _("say what was done about them, and allow an address again"),
        },
    )
    REPLIES = (
        Menu.MESSENGER_ADMINISTRATION,
        _("Replies"),
        _("What families texted back, beyond STOP and START."),
        {Right.READ: _("see the texts of all families")},
    )
    MAILGUN_SYNC = (
        Menu.MESSENGER_ADMINISTRATION,
        _("System Health"),
        _("Whether everything works: what goes out, how complete the Mailgun events are, and what went wrong."),
        {
            Right.READ: _("see what works and what does not"),
            Right.WRITE: _("run, pause and backfill the sync with Mailgun"),
        },
    )
    ALERTS = (
        Menu.MESSENGER_ADMINISTRATION,
        _("Alerts"),
        _("What does not work, or did not, since when, and who got a notice."),
        {
            Right.READ: _("see open and past alerts"),
            Right.WRITE: _("acknowledge alerts, and say who gets them"),
        },
    )
    MESSAGE_IMPORT = (
        Menu.MESSENGER_ADMINISTRATION,
        _("Message Import"),
        _("The way in for what other systems sent: files, and the API."),
        {
            Right.WRITE: _("add messages that other systems sent, and report statuses"),
            Right.SEND: _("send messages from here in one's own name, together with W"),
            Right.SEND_AS_OTHERS: _("name another person as the sender of such a message"),
        },
    )
    PORTAL_INBOX = (
        Menu.MESSENGER_ADMINISTRATION,
        _("Portal Inbox (API)"),
        _("What stands in a person's inbox: for the portal that shows it to them."),
        {Right.READ: _("read the inbox of anybody")},
    )
    USER_GROUPS = (
        Menu.SYSTEM_ADMINISTRATION,
        _("User Groups and Tool Rights"),
        _("Who may open which tool, and what they may do there."),
        {Right.READ: _("see the matrix"), Right.WRITE: _("change it")},
    )
    ROSTER = (
        Menu.SYSTEM_ADMINISTRATION,
        _("Roster"),
        _("Which schools, staff and students the student information system knows, and what changed there."),
        {
            Right.READ: _("see the runs and what each of them changed"),
            Right.WRITE: _("upload a roster, check it and run it"),
        },
    )
    AUDIT_TRAIL = (
        Menu.SYSTEM_ADMINISTRATION,
        _("Audit Trail"),
        _("Who signed in, looked at whose data, exported, canceled or changed rights, and when."),
        {Right.READ: _("see and export the trail")},
    )
    RECORDS_REQUEST = (
        Menu.SYSTEM_ADMINISTRATION,
        _("Records Requests"),
        _("What the district sent to a family, or about something, as one file to hand over; and who received it."),
        {
            Right.READ: _("see requests, and who received their files"),
            Right.WRITE: _("make requests, and hand over their files"),
        },
    )

    RETENTION = (
        Menu.SYSTEM_ADMINISTRATION,
        _("Retention and Holds"),
        _("How long each kind of data is kept, what would go tonight, and what must stay."),
        {Right.READ: _("see periods, the preview and holds"), Right.WRITE: _("change periods, set and lift holds")},
    )
    ERASE = (
        Menu.SYSTEM_ADMINISTRATION,
        _("Erase a Person"),
        _("What we know of a person who asks to be forgotten, and what of it is erased."),
        {Right.WRITE: _("see what would go, and erase a person")},
    )

    SCHEDULED_REPORTS = (
        Menu.SYSTEM_ADMINISTRATION,
        _("Scheduled Reports"),
        _("Which reports are made at fixed times, for whom, and which of them go out as attachments."),
        {
            Right.READ: _("see everybody's scheduled reports"),
            Right.WRITE: _("end them, and let them go out as attachments"),
        },
    )

    def __init__(self, menu: Menu, label: str, answers: str, rights: Mapping[Right, str]) -> None:
        self.menu = menu
        self._label, self._answers = label, answers
        self.rights: Mapping[Right, str] = MappingProxyType(dict(rights))
        """The rights on this tool, each with what it allows, in English."""

    @property
    def label(self) -> str:
        """The name that people read."""
        return gettext(self._label)

    @property
    def answers(self) -> str:
        """One sentence: the question this tool answers."""
        return gettext(self._answers)

    @property
    def opened_by(self) -> Right:
        """The right that opens its page: R, or W where nothing can only be read."""
        return Right.READ if Right.READ in self.rights else Right.WRITE

    @property
    def path(self) -> StrOrPromise:
        """The place in the menu: "Messenger > Sent Message Log". The audit trail stores it in English."""
        return format_lazy("{} > {}", gettext_lazy(self.menu.value), gettext_lazy(self._label))

    @property
    def path_in_english(self) -> str:
        return f"{self.menu} > {self._label}"

    @property
    def cells(self) -> list[ToolAndRight]:
        return [ToolAndRight(self, right) for right in self.rights]

    def codename(self, right: Right = Right.READ) -> str:
        if right not in self.rights:
            raise ValueError(f"{self.path} has no right {right.label}")
        return f"{right.name}_{self.name}".lower()

    def permission(self, right: Right = Right.READ) -> str:
        """Return the permission for `user.has_perm`. Raises ValueError if the tool has no such right."""
        return f"accounts.{self.codename(right)}"


# The right of each tool that opens the person's own messages, with all that is in them.
OWN_RIGHTS: Mapping[Tool, Right] = MappingProxyType(
    {
        Tool.SENT_MESSAGE_LOG: Right.READ,
        Tool.SENT_MESSAGE_LOG_2: Right.MY_MESSAGES,
        Tool.UPCOMING_MESSAGES: Right.READ,
        Tool.MAILGUN_MESSAGE_LOG: Right.READ,
        Tool.RECIPIENT_LOG: Right.READ,
        Tool.REACH: Right.READ,
        Tool.CONTACTS_TO_FIX: Right.READ,
    }
)
# The right of each tool that opens everybody's messages. A user group holds it for all schools, or for some.
SCOPED_RIGHTS: Mapping[Tool, Right] = MappingProxyType(
    {
        Tool.SENT_MESSAGE_LOG_2: Right.ALL_MESSAGES,
        Tool.UPCOMING_MESSAGES: Right.VIEW_CANCEL_ALL,
        Tool.ADMIN_SENT_MESSAGE_LOG: Right.READ,
        Tool.ADMIN_MAILGUN_MESSAGE_LOG: Right.READ,
        Tool.ADMIN_RECIPIENT_LOG: Right.READ,
        Tool.ADMIN_REACH: Right.READ,
        Tool.ADMIN_CONTACTS_TO_FIX: Right.READ,
        Tool.REPLIES: Right.READ,
        Tool.MAILGUN_SYNC: Right.READ,
        Tool.PORTAL_INBOX: Right.READ,
        Tool.AUDIT_TRAIL: Right.READ,
    }
)

# The search in the top bar uses these: the first that the user may open for people, all of them for messages.
RECIPIENT_LOGS = (Tool.ADMIN_RECIPIENT_LOG, Tool.RECIPIENT_LOG)
MESSAGE_LOGS = (Tool.SENT_MESSAGE_LOG_2, Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG)
# The first of them that the user may open shows a contact to fix.
CONTACT_TOOLS = (Tool.ADMIN_CONTACTS_TO_FIX, Tool.CONTACTS_TO_FIX)
# What these show or do is about everybody: their rights count only where they are held for all schools.
DISTRICT_WIDE = frozenset({Tool.RETENTION, Tool.ERASE, Tool.ROSTER, Tool.ALERTS, Tool.SCHEDULED_REPORTS})
# The tools that have something to show only where the district sends by Mailgun.
MAILGUN_TOOLS = frozenset({Tool.MAILGUN_MESSAGE_LOG, Tool.ADMIN_MAILGUN_MESSAGE_LOG})


class ToolAndRight(NamedTuple):
    """One cell of the matrix of rights."""

    tool: Tool
    right: Right

    @property
    def codename(self) -> str:
        return self.tool.codename(self.right)

    @property
    def name(self) -> StrOrPromise:
        """The name for people: "Messenger > Sent Message Log: Change". The audit trail stores it in English."""
        return format_lazy("{}: {}", self.tool.path, gettext_lazy(self.right.word))

    @property
    def permission_name(self) -> str:
        """The name of the Django permission. A migration has it, so it stays as it is."""
        return f"{self.tool.path_in_english}: {self.right.value}"

    @property
    def allows(self) -> str:
        return gettext(self.tool.rights[self.right])


class MissingRight(PermissionDenied):
    """The user lacks a tool right. The 403 page shows the message."""

    def __init__(self, tool: Tool, right: Right) -> None:
        needed = ToolAndRight(tool, right)
        words = {"right": needed.name, "what": needed.allows}
        super().__init__(gettext("This needs the tool right %(right)s (%(what)s).") % words)


class DistrictWide(PermissionDenied):
    """The user holds the right for some schools, and the tool is about all of them. The 403 page shows the message."""

    def __init__(self, tool: Tool, right: Right) -> None:
        words = {"right": ToolAndRight(tool, right).name}
        super().__init__(gettext("This needs the tool right %(right)s for all schools.") % words)


class NotForAllSchools(PermissionDenied):
    """The user holds the right, but not for all schools of the message. The 403 page shows the message."""

    def __init__(self, tool: Tool, right: Right) -> None:
        sentence = gettext(
            "This message is not of your schools alone. Who changes it needs the tool right %(right)s for all of its"
            " schools; for a message of the whole district, for all schools."
        )
        super().__init__(sentence % {"right": ToolAndRight(tool, right).name})


def every_right() -> Iterator[ToolAndRight]:
    """Yield all rights of all tools, in the order of the menu."""
    return (cell for tool in Tool for cell in tool.cells)


def right_names(codenames: Collection[str]) -> list[StrOrPromise]:
    """Return the names of rights, in the order of the menu."""
    return [cell.name for cell in every_right() if cell.codename in codenames]
