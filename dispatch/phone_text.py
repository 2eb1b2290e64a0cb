"""What a phone gets of a message: its text without markup, with the recipient's values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from messenger_logs.choices import Mode
from messenger_logs.html_to_text import html_to_text
from messenger_logs.merge_fields import merged
from messenger_logs.models import SentMessage

_EMPTY_LINES = re.compile(r"\n{2,}")


def phone_text(message: SentMessage, mode: Mode, values: Mapping[str, str]) -> str:
    """The body for a mode, or the subject where it has none."""
    text = html_to_text(message.bodies.get(mode.value) or message.subject)
    return merged(_EMPTY_LINES.sub("\n", text), values)
