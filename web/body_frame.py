"""Shows bodies that may be HTML in a sandboxed frame, so that they never become part of a page of the product."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from messenger_logs.choices import Mode
from messenger_logs.merge_fields import is_html, merged

# The modes whose bodies are shown in a frame.
FRAMED = frozenset({Mode.INBOX, Mode.EMAIL})
# No script runs, nothing is fetched, and only pages of this site may contain the frame.
FRAME_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)


def frame_document(text: str, values: Mapping[str, str]) -> SafeString:
    """Return a body as an HTML document for the frame, with its merge fields filled from `values`.

    A body without markup keeps its line breaks.
    """
    if is_html(text):
        inside = merged(text, {name: escape(value) for name, value in values.items()})
    else:
        inside = f'<div style="white-space: pre-wrap">{escape(merged(text, values))}</div>'
    return mark_safe(  # noqa: S308  (foreign HTML: it is answered under FRAME_POLICY only)
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Message body</title>'
        "<style>body{margin:.75rem;font:15px/1.45 system-ui,sans-serif;color:#111;background:#fff}</style></head>"
        f"<body>{inside}</body></html>"
    )
