"""Sentences that say why a change of groups or rights was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.account_services import AccountChanged, AccountTaken, OwnAccount, ScopeChanged, SuperuserAccount
from accounts.service_accounts.services import AccountNameTaken, AlreadyEnded
from accounts.services import ChangedMeanwhile, GroupDeleted, LastAdministrator, NameTaken, Refused
from accounts.tools import Right, Tool, ToolAndRight
from accounts.view_as import NoView, ViewRefused

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_FIXED: dict[type[Refused], StrOrPromise] = {
    ChangedMeanwhile: _(
        "Nothing was saved: somebody else changed the rights of this group after you opened it. You see them now as"
        " they are."
    ),
    ScopeChanged: _(
        "Nothing was saved: somebody else changed the schools of this group after you opened it. You see them now as"
        " they are."
    ),
    AccountChanged: _(
        "Nothing was saved: somebody else changed the groups or schools of this person after you opened the page. You"
        " see them now as they are."
    ),
    GroupDeleted: _("Nothing was changed: somebody deleted this group meanwhile."),
    AccountTaken: _("Nothing was saved: another account has this e-mail address, or has it as its username."),
    OwnAccount: _("Nothing was changed: you cannot close your own account. Ask another administrator."),
    SuperuserAccount: _("Nothing was changed: this is the account of a superuser. Only a superuser changes it."),
}
NO_VIEW = {
    NoView.NO_RIGHT: _("You need the right to change user groups for this."),
    NoView.ONESELF: _("This is your own account: you see what you may see."),
    NoView.CLOSED: _("The account is closed, so this person sees nothing."),
    NoView.PROGRAM: _("This is the account of a program, which sees no pages."),
    NoView.SUPERUSER: _("This is a superuser, who may see everything."),
    NoView.MORE_RIGHTS: _(
        "This person may see something that you may not see yourself. The product shows you nothing beyond your own"
        " rights."
    ),
}


def refusal_text(refused: Refused) -> str:
    """Return the sentence for the person who wanted it."""
    match refused:
        case LastAdministrator():
            right = ToolAndRight(Tool.USER_GROUPS, Right.WRITE).name
            sentence = gettext(
                "Nothing was changed: afterwards nobody could change rights any more. First give somebody else the"
                " right %(right)s."
            )
            return sentence % {"right": right}
        case NameTaken():
            return gettext("There is already a group named %(name)s. Choose another name.") % {"name": refused.name}
        case ViewRefused():
            return str(NO_VIEW[refused.why])
        case AccountNameTaken():
            return gettext("There is already an account named %(name)s. Choose another name.") % {"name": refused.name}
        case AlreadyEnded():
            return gettext("Nothing was changed: this service account has ended already.")
    return str(_FIXED.get(type(refused), _("Nothing was changed.")))
