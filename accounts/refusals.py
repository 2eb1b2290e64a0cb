"""Sentences that say why a change of groups or rights was refused."""

from __future__ import annotations

from accounts.account_services import AccountChanged, AccountTaken, OwnAccount, ScopeChanged, SuperuserAccount
from accounts.service_accounts.services import AccountNameTaken, AlreadyEnded
from accounts.services import ChangedMeanwhile, GroupDeleted, LastAdministrator, NameTaken, Refused
from accounts.tools import Right, Tool, ToolAndRight
from accounts.view_as import NoView, ViewRefused

_FIXED: dict[type[Refused], str] = {
    ChangedMeanwhile: (
        "Nothing was saved: somebody else changed the rights of this group after you opened it. You see them now as"
        " they are."
    ),
    ScopeChanged: (
        "Nothing was saved: somebody else changed the schools of this group after you opened it. You see them now as"
        " they are."
    ),
    AccountChanged: (
        "Nothing was saved: somebody else changed the groups or schools of this person after you opened the page. You"
        " see them now as they are."
    ),
    GroupDeleted: "Nothing was changed: somebody deleted this group meanwhile.",
    AccountTaken: "Nothing was saved: another account has this e-mail address, or has it as its username.",
    OwnAccount: "Nothing was changed: you cannot close your own account. Ask another administrator.",
    SuperuserAccount: "Nothing was changed: this is the account of a superuser. Only a superuser changes it.",
}
NO_VIEW = {
    NoView.NO_RIGHT: "You need the right to change user groups for this.",
    NoView.ONESELF: "This is your own account: you see what you may see.",
    NoView.CLOSED: "The account is closed, so this person sees nothing.",
    NoView.PROGRAM: "This is the account of a program, which sees no pages.",
    NoView.SUPERUSER: "This is a superuser, who may see everything.",
    NoView.MORE_RIGHTS: (
        "This person may see something that you may not see yourself. The product shows you nothing beyond your own"
        " rights."
    ),
}


def refusal_text(refused: Refused) -> str:
    """Return the sentence for the person who wanted it."""
    match refused:
        case LastAdministrator():
            right = ToolAndRight(Tool.USER_GROUPS, Right.WRITE).name
            return (
                "Nothing was changed: afterwards nobody could change rights any more. First give somebody else the"
                f" right {right}."
            )
        case NameTaken():
            return f"There is already a group named {refused.name}. Choose another name."
        case ViewRefused():
            return NO_VIEW[refused.why]
        case AccountNameTaken():
            return f"There is already an account named {refused.name}. Choose another name."
        case AlreadyEnded():
            return "Nothing was changed: this service account has ended already."
    return _FIXED.get(type(refused), "Nothing was changed.")
