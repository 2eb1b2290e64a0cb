"""What a channel is told, in words and as JSON. Only what a trouble says, times, and links: nothing personal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from alerts.choices import NoticeKind, WebhookFormat
from alerts.models import Alert, AlertDelivery
from core.dates import time_text

HEALTH = "web:system_health"
# The schema that Teams names for a card. Source: https://adaptivecards.io/explorer/AdaptiveCard.html
_CARD = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4"}
_TEST = _("This is a test of Messenger Logs. This channel works.")
_HEADINGS = {
    NoticeKind.FIRED: _("Alert"),
    NoticeKind.REMINDER: _("Still open"),
    NoticeKind.CLEARED: pgettext_lazy("alert", "Cleared"),
    NoticeKind.TEST: _("Test"),
}


def subject(notices: Sequence[AlertDelivery]) -> str:
    """Return one line for all of them, such as "Harrison School District: Alert: Sync of mg.example.org"."""
    count = len(notices)
    many = ngettext("%(count)s alert", "%(count)s alerts", count) % {"count": count}
    what = _heading(notices[0]) if count == 1 else many
    return " ".join(f"{settings.DISTRICT_NAME}: {what}".split())


def text(notices: Sequence[AlertDelivery]) -> str:
    return "\n\n".join("\n".join([_heading(notice), *_lines(notice)]) for notice in notices)


def payload(format: str, notices: Sequence[AlertDelivery]) -> dict[str, Any]:
    """Return the JSON object that a webhook of this format takes."""
    match format:
        case WebhookFormat.SLACK:
            return {"text": _for_slack(f"{subject(notices)}\n\n{text(notices)}")}
        case WebhookFormat.TEAMS:
            return _for_teams(notices)
    return {"district": settings.DISTRICT_NAME, "notices": [_fields(notice) for notice in notices]}


def explaining_url(alert: Alert) -> str:
    """Return the address of the page that explains an alert, without the host; "" if there is none."""
    try:
        return reverse(alert.page or HEALTH)
    except NoReverseMatch:
        return ""


def _heading(notice: AlertDelivery) -> str:
    if notice.alert is None:
        return str(_HEADINGS[NoticeKind.TEST])
    heading = f"{_HEADINGS[NoticeKind(notice.kind)]}: {notice.alert.part}"
    urgent = notice.alert.urgent and notice.kind != NoticeKind.CLEARED
    return gettext("Urgent: %(heading)s") % {"heading": heading} if urgent else heading


def _lines(notice: AlertDelivery) -> list[str]:
    alert = notice.alert
    if alert is None:
        return [str(_TEST)]
    if notice.kind == NoticeKind.CLEARED:
        return [gettext("This is over: %(trouble)s") % {"trouble": alert.words}, _times(alert), *_links(alert)]
    since = [gettext("Since %(time)s.") % {"time": _zoned(alert.since)}] if alert.since else []
    to_do = [gettext("What to do: %(to_do)s") % {"to_do": alert.to_do}] if alert.to_do else []
    return [alert.words, *since, *to_do, *_links(alert)]


def _times(alert: Alert) -> str:
    times = {"fired": _zoned(alert.fired_at), "cleared": alert.cleared_at and _zoned(alert.cleared_at)}
    if alert.cleared_at:
        return gettext("It fired %(fired)s and cleared %(cleared)s.") % times
    return gettext("It fired %(fired)s.") % times


def _links(alert: Alert) -> list[str]:
    links = {
        gettext("The alert"): alert_url(alert),
        gettext("What explains it"): _absolute(explaining_url(alert)),
    }
    return [f"{name}: {link}" for name, link in links.items() if link]


def alert_url(alert: Alert) -> str:
    """Return the address of an alert's page for a message; "" where nobody said what the site's address is."""
    return _absolute(reverse("web:alert", args=[alert.pk]))


def _absolute(path: str) -> str:
    return f"{settings.SITE_URL}{path}" if settings.SITE_URL and path else ""


def _zoned(moment: datetime) -> str:
    return f"{time_text(moment)} ({settings.TIME_ZONE})"


def _for_slack(words: str) -> str:
    """Escape what Slack reads as its own signs. Source: https://docs.slack.dev/messaging/formatting-message-text/"""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _for_teams(notices: Sequence[AlertDelivery]) -> dict[str, Any]:
    """Return a message with one card, as the webhooks of Teams' Workflows take it."""
    title = {"type": "TextBlock", "text": subject(notices), "weight": "Bolder", "wrap": True}
    # A card joins lines that have no empty line between them.
    lines = [line for notice in notices for line in (_heading(notice), *_lines(notice))]
    body = [title, *({"type": "TextBlock", "text": line, "wrap": True} for line in lines)]
    card = {"contentType": "application/vnd.microsoft.card.adaptive", "content": {**_CARD, "body": body}}
    return {"type": "message", "attachments": [card]}


def _fields(notice: AlertDelivery) -> dict[str, Any]:
    alert = notice.alert
    if alert is None:
        return {"kind": notice.kind, "words": str(_TEST)}
    return {
        "kind": notice.kind,
        "alert": alert.pk,
        "key": alert.key,
        "part": alert.part,
        "words": alert.words,
        "to_do": alert.to_do,
        "urgent": alert.urgent,
        "since": _iso(alert.since),
        "fired_at": _iso(alert.fired_at),
        "cleared_at": _iso(alert.cleared_at),
        "url": alert_url(alert),
        "explained_at": _absolute(explaining_url(alert)),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
