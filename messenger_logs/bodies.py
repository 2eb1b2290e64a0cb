"""The texts of a message as they may be shown: with the names of its merge fields, or with a recipient's values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from messenger_logs.statuses import Mode

# Bodies that may be HTML are shown in a frame of their own, never inside a page of ours.
FRAMED = frozenset({Mode.INBOX, Mode.EMAIL})
# Nothing runs, nothing is fetched, and no page but ours may hold the frame.
FRAME_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)

_MERGE_FIELD = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_MARKUP = re.compile(r"<[a-zA-Z!/]")


def merged(text: str, values: Mapping[str, str]) -> str:
    """The text with each {{field}} as its value or, where there is none, as its name: student.firstName."""
    return _MERGE_FIELD.sub(lambda field: str(values.get(field[1], field[1])), text)


def looks_like_markup(text: str) -> bool:
    return bool(_MARKUP.search(text))


def frame_document(text: str, values: Mapping[str, str]) -> SafeString:
    """A body as a document for the sandboxed frame; one without markup keeps its line breaks."""
    if looks_like_markup(text):
        inside = merged(text, {name: escape(value) for name, value in values.items()})
    else:
        inside = f'<div style="white-space: pre-wrap">{escape(merged(text, values))}</div>'
    return mark_safe(  # noqa: S308  (foreign HTML: it is answered under FRAME_POLICY only)
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Message body</title>'
        "<style>body{margin:.75rem;font:15px/1.45 system-ui,sans-serif;color:#111;background:#fff}</style></head>"
        f"<body>{inside}</body></html>"
    )
