"""The user groups of a new installation. Administrators can change them."""

from accounts.tools import Menu, Right, Tool, ToolAndRight, every_right

# Own data only. All message types, because a sender may see own messages of every type.
_SENDER = [
    ToolAndRight(Tool.SENT_MESSAGE_LOG, Right.READ),
    ToolAndRight(Tool.SENT_MESSAGE_LOG, Right.WRITE),
    ToolAndRight(Tool.SENT_MESSAGE_LOG_2, Right.READ),
    ToolAndRight(Tool.SENT_MESSAGE_LOG_2, Right.MY_MESSAGES),
    ToolAndRight(Tool.SENT_MESSAGE_LOG_2, Right.TYPE_GENERAL),
    ToolAndRight(Tool.SENT_MESSAGE_LOG_2, Right.TYPE_PRIORITY),
    ToolAndRight(Tool.SENT_MESSAGE_LOG_2, Right.TYPE_EMERGENCY),
    ToolAndRight(Tool.SENT_MESSAGE_LOG_2, Right.TYPE_TEXT_OPT),
    ToolAndRight(Tool.UPCOMING_MESSAGES, Right.READ),
    ToolAndRight(Tool.UPCOMING_MESSAGES, Right.WRITE),
    ToolAndRight(Tool.MAILGUN_MESSAGE_LOG, Right.READ),
    ToolAndRight(Tool.RECIPIENT_LOG, Right.READ),
    ToolAndRight(Tool.REACH, Right.READ),
    ToolAndRight(Tool.REACH, Right.WRITE),
    ToolAndRight(Tool.CONTACTS_TO_FIX, Right.READ),
    ToolAndRight(Tool.CONTACTS_TO_FIX, Right.WRITE),
]
# All logs, and cancel. Only system administrators run the sync, say who gets alerts, and give rights to programs.
_SYSTEMS = [
    (Tool.MAILGUN_SYNC, Right.WRITE),
    (Tool.ALERTS, Right.WRITE),
    *((Tool.MESSAGE_IMPORT, right) for right in Tool.MESSAGE_IMPORT.rights),
    (Tool.PORTAL_INBOX, Right.READ),
]
_MESSENGER_ADMINISTRATOR = [
    cell for cell in every_right() if cell.tool.menu != Menu.SYSTEM_ADMINISTRATION and cell not in _SYSTEMS
]

DEFAULT_GROUPS: dict[str, list[ToolAndRight]] = {
    "Counselors": _SENDER,
    "Front Office": _SENDER,
    "Health Office Administrators": _SENDER,
    "Messenger User Group": _SENDER,
    "Principals": _SENDER,
    "Registrars": _SENDER,
    "Messenger Administrators": _MESSENGER_ADMINISTRATOR,
    "System Administrators": list(every_right()),
}
