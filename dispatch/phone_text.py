"""The text of a message for a phone: without markup, with the recipient's values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from messenger_logs.choices import Mode
from messenger_logs.html_to_text import html_to_text
from messenger_logs.merge_fields import merged
from messenger_logs.models import SentMessage

_EMPTY_LINES = re.compile(r"\n{2,}")


def phone_text(message: SentMessage, mode: Mode, values: Mapping[str, str]) -> str:
    """Return the body of a mode, or the subject when the mode has no body. ``values`` are the merge fields by name."""
    return merged(_plain(message.bodies.get(mode.value) or message.subject), values)


@lru_cache(maxsize=64)
def _plain(text: str) -> str:
    """Return a text without markup. The same one goes to thousands of phones."""
    return _EMPTY_LINES.sub("\n", html_to_text(text))
