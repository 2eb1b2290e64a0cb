"""One event of Mailgun, in the words of the Events API, of the Logs API, of a webhook, or of an old form post.

The Logs API has the same members with three differences: the time is ``@timestamp``, ISO 8601 and cut to milliseconds;
the user variables are JSON text; ``storage.url`` is a list. It adds ``account`` and ``domain``, and leaves out what is
empty.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from core.strict_json import read_object
from core.text import storable, storable_json
from mailgun_sync.choices import FORM_ID, INEXACT, Source
from messenger_logs.services.addresses import is_plain, mailbox
from providers import mailgun_pages
from providers.mailgun_pages import Item, read_item

END_OF_TIME = 253402300799  # the last second that a datetime can hold, in epoch seconds
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOGS_TIME = "@timestamp"
# Epoch seconds that came as text. PostgreSQL reads them as a number.
_SECONDS = re.compile(r"\d{1,20}(?:\.\d{1,20})?", re.ASCII)


class ProviderEvent(NamedTuple):
    """One event of a page.

    ``raw`` is its JSON as it came. ``readable`` is the same event as JSON that PostgreSQL can read, in the words of the
    Events API; None if ``raw`` is that. ``variables`` are its user variables as JSON, if they came as JSON text.
    ``mailbox`` is the canonical form of its recipient, if that is more than the same text in lower case. ``error`` says
    in plain words why it cannot be stored as an event; "" if it can. ``wording`` is the source that words an event so.
    """

    raw: str
    error: str = ""
    readable: str | None = None
    variables: str | None = None
    mailbox: str | None = None
    wording: Source = Source.EVENTS

    @property
    def exact(self) -> bool:
        """Whether its time and id are those of the Events API. JSON webhooks have the same."""
        return self.wording not in INEXACT

    @property
    def at(self) -> datetime:
        """When it occurred, roughly to the microsecond. Only for an event without an error."""
        return datetime.fromtimestamp(seconds_of(read_item(self.raw).value), UTC)


def event_of(item: Item) -> ProviderEvent:
    """Return the event of an item of a page."""
    if error := item.error or _error(item.value):
        return ProviderEvent(item.raw, error)
    raw, event = item.raw, item.value
    wording = _wording(event)
    readable = storable_json(_in_words_of_events_api(item) if wording is Source.LOGS else raw)
    variables = event.get("user-variables")
    return ProviderEvent(
        raw,
        readable=None if readable is raw else readable,
        variables=_json_in_text(variables) if isinstance(variables, str) else None,
        mailbox=_odd_mailbox(event),
        wording=wording,
    )


def reread(raw: str) -> ProviderEvent:
    """Read the text of a stored or quarantined event again. One that cannot be read has an error."""
    return event_of(read_item(raw))


def read_page(text: str) -> tuple[list[ProviderEvent] | None, dict[str, Any]]:
    """Split a page's JSON into its events and the other members: like providers.mailgun_pages.read_page."""
    return mailgun_pages.read_page(text, event_of)


def at_time(event: ProviderEvent, moment: datetime) -> ProviderEvent:
    """Return the event as if it had occurred at this moment."""
    text = (event.readable or event.raw).rstrip().removesuffix("}")
    # Of two members with the same name the last one counts.
    return event._replace(readable=f'{text}, "timestamp": {_decimal(moment)}}}')


def _wording(event: dict[str, Any]) -> Source:
    if is_log(event):
        return Source.LOGS
    return Source.FORM if str(event.get("id", "")).startswith(FORM_ID) else Source.EVENTS


def is_log(event: dict[str, Any]) -> bool:
    """Whether an event is in the words of the Logs API."""
    return "timestamp" not in event and LOGS_TIME in event


def seconds_of(event: dict[str, Any]) -> Any:
    """Return the time of an event in epoch seconds, as a float; what stands in its place, if it is none."""
    if is_log(event):
        text = _logs_seconds(event[LOGS_TIME])
        return None if text is None else float(text)
    return number_of(event.get("timestamp"))


def number_of(timestamp: Any) -> Any:
    """Return the number of a timestamp that came as text; anything else as it is."""
    return float(timestamp) if isinstance(timestamp, str) and _SECONDS.fullmatch(timestamp) else timestamp


def _logs_seconds(timestamp: Any) -> str | None:
    """Return the epoch seconds of a time of the Logs API, as decimal text; None if it is none."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except (TypeError, ValueError):
        return None
    return _decimal(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _decimal(moment: datetime) -> str:
    """Return the epoch seconds of a moment as decimal text."""
    return str(Decimal((moment - EPOCH) // timedelta(microseconds=1)) / 1_000_000)


def _in_words_of_events_api(item: Item) -> str:
    """Return the JSON of an item of the Logs API with the member ``timestamp`` in front. The rest stays."""
    return f'{{"timestamp": {_logs_seconds(item.value[LOGS_TIME])}, {item.raw.lstrip().removeprefix("{")}'


def _error(value: Any) -> str:
    if not isinstance(value, dict):
        return "It is not a JSON object."
    kind, timestamp = value.get("event"), seconds_of(value)
    if not isinstance(kind, str) or not kind:
        return "It does not say which kind of event it is."
    if not isinstance(timestamp, float):
        return "It has no timestamp."
    return "" if 0 <= timestamp < END_OF_TIME else "Its timestamp is out of range."


def _odd_mailbox(event: dict[str, Any]) -> str | None:
    """Return the canonical form of an event's recipient; None if PostgreSQL writes it itself, in lower case."""
    recipient = _recipient(event)
    if not isinstance(recipient, str) or is_plain(recipient):
        return None
    return storable(mailbox(recipient))


def recipient_of(raw: str) -> str:
    """Return the recipient that an event names, as it names them; "" for none."""
    value = read_item(raw).value
    recipient = _recipient(value) if isinstance(value, dict) else None
    return recipient if isinstance(recipient, str) else ""


def _recipient(event: dict[str, Any]) -> Any:
    recipient = event.get("recipient")
    if recipient is None:
        headers = event.get("message")
        headers = headers.get("headers") if isinstance(headers, dict) else None
        recipient = headers.get("to") if isinstance(headers, dict) else None
    return recipient


def _json_in_text(text: str) -> str | None:
    """Read user variables that came as JSON text. None for other text, such as Mailgun's note on too long variables."""
    variables = read_object(text)
    try:
        return None if variables is None else storable_json(json.dumps(variables))
    except RecursionError:
        return None
