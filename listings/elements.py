"""The small pieces of HTML that lists and other pages share: a time, a status, an explanation of statuses.

They are functions and no templates: a page has a hundred of them, and a template takes many times as long.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from secrets import token_hex
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core.dates import time_text
from core.statuses import Status

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def time_element(moment: datetime, *, seconds: bool = False) -> SafeString:
    """Return a <time> element in the district's zone; its title names the zone. `moment` must be aware."""
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{} ({})">{}</time>',
        local.isoformat(),
        local.tzname(),
        timezone.get_current_timezone_name(),
        time_text(moment, seconds=seconds),
    )


# A longer text is folded.
SHOWN = 160


def one_line(text: str) -> SafeString:
    """Return a text that stays on one line; what has no room there is in its title."""
    return format_html('<span class="line" title="{}">{}</span>', text, text)


def folded(text: str) -> SafeString | str:
    """Return a text, the long one as its beginning that opens to the whole."""
    if len(text) <= SHOWN:
        return text
    beginning = text[: SHOWN - 20].rsplit(" ", 1)[0]
    return opening(f"{beginning} …", text)


def opening(short: str, whole: str) -> SafeString:
    """Return a short text that gives its place to the whole one when it is opened."""
    return format_html(
        '<details class="folded"><summary data-more="{}" data-less="{}">{}</summary>{}</details>',
        _("more"),
        _("less"),
        short,
        whole,
    )


def badge(status: Status) -> SafeString:
    """Return a status as word, shape and color."""
    return format_html(
        '<span class="status status-{}"><span class="status-shape" aria-hidden="true">{}</span> {}</span>',
        status.tone,
        status.shape,
        status.word,
    )


def explanation(statuses: Iterable[Status], *, about: StrOrPromise) -> SafeString:
    """Return a ? that explains a whole table of statuses.

    It is a native popover: it opens on click without JavaScript; pages.js opens it on keyboard focus, beside the ?.
    """
    return format_html(
        '<button type="button" class="explain" popovertarget="{id}" aria-label="{label}">?</button>\n'
        '<div id="{id}" class="explanation" popover><dl>{meanings}</dl></div>',
        # A page may have fragments of several requests, so a counter would not give unique ids.
        id=f"explain-{token_hex(4)}",
        label=_("What %(status)s means") % {"status": about},
        meanings=format_html_join(
            "", "<div><dt>{}</dt><dd>{}</dd></div>", ((badge(status), status.meaning) for status in statuses)
        ),
    )
