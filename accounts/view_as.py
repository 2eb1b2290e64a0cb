"""What would this person see? An administrator sees the product as another person may see it, and changes nothing.

A view never shows more than the administrator may see without it. The audit trail has it in the administrator's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import Refused, record_audit_event
from accounts.tools import Right, Tool, ToolAndRight, every_right

R, W = Right.READ, Right.WRITE

# Each right on one's own messages, with the right on everybody's that shows at least as much.
WIDER: dict[ToolAndRight, ToolAndRight] = {
    ToolAndRight(own, right): ToolAndRight(everybody, right)
    for own, everybody in (
        (Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG),
        (Tool.MAILGUN_MESSAGE_LOG, Tool.ADMIN_MAILGUN_MESSAGE_LOG),
        (Tool.RECIPIENT_LOG, Tool.ADMIN_RECIPIENT_LOG),
        (Tool.REACH, Tool.ADMIN_REACH),
        (Tool.CONTACTS_TO_FIX, Tool.ADMIN_CONTACTS_TO_FIX),
    )
    for right in own.rights
} | {
    ToolAndRight(Tool.SENT_MESSAGE_LOG_2, Right.MY_MESSAGES): ToolAndRight(Tool.SENT_MESSAGE_LOG_2, Right.ALL_MESSAGES),
    ToolAndRight(Tool.UPCOMING_MESSAGES, R): ToolAndRight(Tool.UPCOMING_MESSAGES, Right.VIEW_CANCEL_ALL),
}


class NoView(Enum):
    """Why an administrator may not see the product as a person."""

    NO_RIGHT = auto()
    ONESELF = auto()
    CLOSED = auto()
    SUPERUSER = auto()
    PROGRAM = auto()
    MORE_RIGHTS = auto()


class ViewRefused(Refused):
    """The administrator may not see the product as this person."""

    def __init__(self, why: NoView) -> None:
        super().__init__(why)
        self.why = why


class ReadOnlyView(PermissionDenied):
    """Somebody who sees the product as a person wanted more than to look. The 403 page shows the message."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "You see what another person would see, and may only look: change nothing, search for nobody, and take"
                " no file. Nothing was done. End the view to work in your own name."
            )
        )


class PrivatePage(PermissionDenied):
    """Somebody who sees the product as a person wanted a page that this person alone sees."""

    def __init__(self) -> None:
        super().__init__(
            _("This page shows what is the person's own, such as files and views. Only this person sees it.")
        )


def why_no_view(viewer: User, person: User) -> NoView | None:
    """Return why the viewer may not see the product as the person; None if they may."""
    if viewer.viewed_by or not viewer.is_active or not viewer.may(Tool.USER_GROUPS, W):
        return NoView.NO_RIGHT
    if person.pk == viewer.pk:
        return NoView.ONESELF
    if not person.is_active:
        return NoView.CLOSED
    if person.is_superuser:
        return NoView.SUPERUSER
    if not User.objects.people().filter(pk=person.pk).exists():
        return NoView.PROGRAM
    return NoView.MORE_RIGHTS if any(rights_beyond(viewer, person)) else None


def rights_beyond(viewer: User, person: User) -> Iterator[ToolAndRight]:
    """Yield the person's rights that show something which the viewer may not see.

    The person's own messages may be of any school, so they take the right on everybody's, for all schools.
    """
    for cell in every_right():
        if person.may(*cell):
            wide = WIDER.get(cell)
            if not (_sees_all(viewer, wide) if wide else _covers(viewer, person, cell)):
                yield cell


def _sees_all(viewer: User, wide: ToolAndRight) -> bool:
    # Without the right that opens the tool, the other one shows nothing.
    return viewer.may(wide.tool) and viewer.scope_of(*wide).everything


def _covers(viewer: User, person: User, cell: ToolAndRight) -> bool:
    return viewer.may(*cell) and viewer.scope_of(*cell).covers(person.scope_of(*cell))


def only_looking(user: User) -> None:
    """Raises ReadOnlyView if `user` is seen by an administrator: no file is made, and nothing is changed."""
    if user.viewed_by:
        raise ReadOnlyView


def start_view(*, by: User, person: User) -> None:
    """Record that a view begins. Raises ViewRefused."""
    if why := why_no_view(by, person):
        raise ViewRefused(why)
    record_audit_event(by=by, action="view_as.started", target=person.username)


def end_view(*, by: User, person: str, because: str) -> None:
    """Record that a view has ended; `person` is the username, `because` a word for the audit trail."""
    record_audit_event(by=by, action="view_as.ended", target=person, details={"because": because})
