"""Sentences that say why a change of groups or rights was refused."""

from __future__ import annotations

from accounts.service_accounts.services import AccountNameTaken, AlreadyEnded
from accounts.services import ChangedMeanwhile, GroupDeleted, LastAdministrator, NameTaken, Refused
from accounts.tools import Right, Tool, ToolAndRight


def refusal_text(refused: Refused) -> str:
    """Return the sentence for the person who wanted the change."""
    match refused:
        case LastAdministrator():
            right = ToolAndRight(Tool.USER_GROUPS, Right.WRITE).name
            return (
                "Nothing was changed: afterwards nobody could change rights any more. First give somebody else the"
                f" right {right}."
            )
        case ChangedMeanwhile():
            return (
                "Nothing was saved: somebody else changed the rights of this group after you opened it. You see them"
                " now as they are."
            )
        case GroupDeleted():
            return "Nothing was changed: somebody deleted this group meanwhile."
        case NameTaken():
            return f"There is already a group named {refused.name}. Choose another name."
        case AccountNameTaken():
            return f"There is already an account named {refused.name}. Choose another name."
        case AlreadyEnded():
            return "Nothing was changed: this service account has ended already."
    return "Nothing was changed."
