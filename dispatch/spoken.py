"""What a phone gets of a message: its text without markup, with the recipient's values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

from django.utils.html import strip_tags

from messenger_logs.bodies import is_html, merged
from messenger_logs.models import SentMessage
from messenger_logs.statuses import Mode

_SPACE = re.compile(r"[ \t\xa0]*\n\s*|[ \t\xa0]+")


def plain_text(message: SentMessage, mode: Mode, values: Mapping[str, str]) -> str:
    """The body for a mode, or the subject where it has none."""
    text = message.bodies.get(mode.value) or message.subject
    if is_html(text):
        text = unescape(strip_tags(text))
    text = _SPACE.sub(lambda space: "\n" if "\n" in space[0] else " ", text)
    return merged(text, values).strip()
