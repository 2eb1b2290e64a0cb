"""Who may send messages from here, and in whose name. Messages that another system sent are only recorded."""

from __future__ import annotations

from accounts.models import User
from accounts.tools import MissingRight, Right, Tool
from messenger_logs.models import SentMessage
from messenger_logs.services.message_inputs import MessageInput


def settle_sender(source: MessageInput, *, by: User) -> None:
    """Make the account that sends a message from here its sender, unless it may send as others and names another.

    Raises MissingRight without the right to send, or to send as others.
    """
    message = source.message
    if not message.dispatched_here:
        return
    _require(by, Right.SEND)
    own_account = source.sender.casefold() in {"", by.username.casefold()}
    if own_account and message.sender_name in {"", by.listed_name}:
        source.sender, message.sender_name = by.username, by.listed_name
    else:
        _require(by, Right.SEND_AS_OTHERS)


def check_may_add_recipients(message: SentMessage, *, by: User) -> None:
    """Raises MissingRight if new recipients would be sent a message that the account may not send."""
    if not message.dispatched_here:
        return
    _require(by, Right.SEND)
    if message.sender_id != by.pk:
        _require(by, Right.SEND_AS_OTHERS)


def _require(by: User, right: Right) -> None:
    if not by.may(Tool.MESSAGE_IMPORT, right):
        raise MissingRight(Tool.MESSAGE_IMPORT, right)
