"""Shows bodies that may be HTML in a sandboxed frame, so that they never become part of a page of the product.

Nothing in a body opens a connection: that would tell its author who looks at it, and from where. The policy of the
frame forbids to load things. Browsers still open connections for some elements that they do not load, such as frames
and hints about other hosts, so only what is listed here stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from messenger_logs.choices import Mode
from messenger_logs.merge_fields import is_html, merged

# The modes whose bodies are shown in a frame.
FRAMED = frozenset({Mode.INBOX, Mode.EMAIL})
# No script runs, nothing is fetched, and only pages of this site may contain the frame. It is of the same origin, so
# that the page can read the height of the text; without scripts, nothing in it can use that.
FRAME_POLICY = (
    "sandbox allow-same-origin; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
# Text, tables and their looks.
_ELEMENTS = nh3.ALLOWED_TAGS - {"area", "map"} | {"big", "font", "tfoot"}
_ATTRIBUTES = {
    "*": {"align", "bgcolor", "border", "class", "color", "dir", "height", "id", "lang", "style", "valign", "width"},
    "a": {"href"},
    "font": {"face", "size"},
    "img": {"alt", "src"},
    "ol": {"start", "type"},
    "table": {"cellpadding", "cellspacing"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
# The text inside of these is not for readers.
_LEFT_OUT_WHOLE = {
    *("iframe", "noembed", "noframes", "noscript", "object", "script", "select", "style", "svg", "template", "title"),
}
# What may load something in a style, and the escapes that would hide it.
_LOADING_STYLE = re.compile(r"url|image|src|@|\\", re.IGNORECASE)
# HTML that sets colors was made for a white sheet, and stays on one where the page is dark.
_COLORS = re.compile(r"color|background", re.IGNORECASE)
_SHEET = "color:#111;background:#fff"
_AS_THE_PAGE = "color:CanvasText;background:Canvas"
# In cleaned HTML a quotation mark within an attribute is escaped, so this is the address of a link and nothing else.
_LINK = re.compile(r'(<a(?: [\w-]+="[^"]*")*?) href="')


def frame_document(text: str, values: Mapping[str, str]) -> SafeString:
    """Return a body as an HTML document for the frame, with its merge fields filled from `values`.

    A body without markup keeps its line breaks. Where the page is dark, a body without colors of its own is dark, too.
    """
    if is_html(text):
        inside = without_connections(merged(text, {name: escape(value) for name, value in values.items()}))
    else:
        inside = f'<div style="white-space: pre-wrap">{escape(merged(text, values))}</div>'
    title = gettext("Message body")
    scheme, look = ("light", _SHEET) if _COLORS.search(inside) else ("light dark", _AS_THE_PAGE)
    return mark_safe(  # noqa: S308  (foreign HTML: it is answered under FRAME_POLICY only)
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>:root{{color-scheme:{scheme}}}body{{margin:.75rem;font:15px/1.45 system-ui,sans-serif;{look};"
        "overflow-wrap:anywhere}a{color:LinkText;text-decoration:underline}img,table{max-width:100%}</style></head>"
        f"<body>{inside}</body></html>"
    )


def without_connections(html: str) -> str:
    """Return HTML without what could open a connection. A link shows its address, and leads nowhere."""
    cleaned = nh3.clean(
        html,
        tags=_ELEMENTS,
        clean_content_tags=_LEFT_OUT_WHOLE,
        attributes=_ATTRIBUTES,
        attribute_filter=_kept_value,
        url_schemes={"data", "http", "https", "mailto", "tel"},
        link_rel=None,
    )
    return _LINK.sub(r'\1 title="', cleaned)


def _kept_value(element: str, attribute: str, value: str) -> str | None:
    if attribute == "style":
        return None if _LOADING_STYLE.search(value) else value
    is_foreign_image = attribute == "src" and not value.lower().startswith("data:image/")
    return None if is_foreign_image else value
