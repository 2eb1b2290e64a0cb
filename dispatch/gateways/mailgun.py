"""E-mail through Mailgun's messages API. One request serves many people, and a look-up finds it by our Message-Id."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.utils import getaddresses
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.html import escape

from dispatch.gateways import Answer, HandOff, Item, Result, TryLaterError, UnknownError
from messenger_logs.choices import DeliveryStatus, Mode
from messenger_logs.merge_fields import fields_of, is_html, merged
from messenger_logs.models import SentMessage
from messenger_logs.services.addresses import mailbox
from messenger_logs.services.status_reports import StatusReport
from providers import mailgun
from providers.http import MISCONFIGURED_WAIT, Api, Content, NotSetUpError, Reply
from providers.mailgun_pages import read_page

SENT = -29
# One hand-off may split refused requests for this long: much less than STALE_CLAIM_SECONDS.
SPLITTING = timedelta(minutes=2)
CLOCKS_MAY_DIFFER_BY = timedelta(minutes=10)
# The events of one hand-over fill far fewer pages.
MOST_PAGES = 200

_PERCENT = re.compile(r"%(?=recipient\b)")


def gateway() -> MailgunGateway | None:
    """Return the gateway that the settings describe; None when they name no key or no domain."""
    domains = list(dict.fromkeys(filter(None, [settings.MAILGUN_SENDING_DOMAIN, *settings.MAILGUN_DOMAINS])))
    try:
        return MailgunGateway(mailgun.api(), domains) if domains else None
    except NotSetUpError:
        return None


@dataclass(frozen=True)
class MailgunGateway:
    """Hands over e-mail, up to MAILGUN_BATCH recipients per request."""

    api: Api
    domains: Sequence[str]
    """The first domain sends. A look-up asks all of them, because the setting may have changed since the hand-off."""

    @property
    def batch(self) -> int:
        size: int = settings.MAILGUN_BATCH
        return min(max(1, size), mailgun.MOST_RECIPIENTS)

    @property
    def at_once(self) -> int:
        most: int = settings.DISPATCH_EMAIL_CONCURRENCY
        return max(1, most)

    async def hand_off(self, hand_off: HandOff) -> Answer:
        domain = self.domains[0]
        return await self._send(hand_off, domain, _mail(hand_off, domain), hand_off.items)

    def look_up(self, hand_off: HandOff, *, until: float | None = None) -> Answer | None:
        """Search Mailgun's events for the recipients. Events come late, so a missing one proves nothing for a while."""
        at = hand_off.handed_at
        age = timezone.now() - at
        if age > timedelta(days=settings.MAILGUN_RETENTION_DAYS):
            return Answer([], "Mailgun does not keep events that long.")
        known: dict[str, str] = {}
        pages = []
        for domain in self.domains:
            for text, events in self._events(domain, hand_off, until):
                pages.append(text)
                known |= dict.fromkeys(_recipients(events), _message_id(hand_off, domain))
        missing = any(mailbox(item.address) not in known for item in hand_off.items)
        if missing and age < timedelta(minutes=settings.MAILGUN_LOOK_UP_MINUTES):
            return None
        results = [
            Result(item.delivery_id, _sent(item, known[address], at) if address in known else None)
            for item in hand_off.items
            for address in [mailbox(item.address)]
        ]
        return Answer(results, "\n".join(pages))

    async def _send(self, hand_off: HandOff, domain: str, mail: Mapping[str, str], items: Sequence[Item]) -> Answer:
        """Send to these items. When Mailgun refuses them together, send to each half: one address may be at fault."""
        fields = [*mail.items(), *(("to", item.address) for item in items)]
        variables = {item.address: _variables(hand_off.message, item) for item in items}
        fields.append(("recipient-variables", json.dumps(variables)))
        path, before, begun = mailgun.messages_path(domain), hand_off.begin_request, hand_off.begun
        reply = await self.api.hand_over(path, Content.form(fields), before=before, begun=begun)
        if reply.ok and isinstance(reply.object().get("id"), str):
            now = timezone.now()
            results = [Result(item.delivery_id, _sent(item, _message_id(hand_off, domain), now)) for item in items]
            return Answer(results, reply.kept)
        if not 400 <= reply.status < 500:
            raise UnknownError(f"Mailgun answered with status {reply.status}: it may have taken the mail.")
        if reply.status not in mailgun.REFUSES_THE_MAIL:
            raise TryLaterError(f"Mailgun takes no mail of this account ({reply.status}).", MISCONFIGURED_WAIT)
        if len(items) == 1:
            return Answer([Result(items[0].delivery_id, _refused(items[0], reply))], reply.kept)
        return await self._send_halves(hand_off, domain, mail, items)

    async def _send_halves(
        self, hand_off: HandOff, domain: str, mail: Mapping[str, str], items: Sequence[Item]
    ) -> Answer:
        middle = len(items) // 2
        results: list[Result] = []
        raws: list[str] = []
        for half in (items[:middle], items[middle:]):
            try:
                if timezone.now() - hand_off.handed_at > SPLITTING:
                    raise TryLaterError("Mailgun refuses many: the others wait for their next turn.")
                answer = await self._send(hand_off, domain, mail, half)
            except TryLaterError as error:
                answer = Answer([Result(item.delivery_id, None) for item in half], str(error))
            except UnknownError as error:
                answer = Answer([], str(error))
            results += answer.results
            raws.append(answer.raw)
        return Answer(results, "\n".join(raws))

    def _events(self, domain: str, hand_off: HandOff, until: float | None) -> Iterator[tuple[str, list[Any]]]:
        """Yield the pages of events about the hand-off: the text that we keep, and the events.

        Raises TryLaterError when Mailgun does not give all of them before ``until``.
        """
        if settings.MAILGUN_SOURCE == mailgun.LOGS:
            yield from self._logs(domain, hand_off, until)
            return
        begin = hand_off.handed_at - CLOCKS_MAY_DIFFER_BY
        query = {"begin": int(begin.timestamp()), "message-id": _message_id(hand_off, domain)}
        path = mailgun.events_path(domain, **query)
        seen: set[str] = set()
        while path not in seen and len(seen) < MOST_PAGES:
            seen.add(path)
            reply = self._page("GET", path, until, expected=self._gone)
            if reply.status in self._gone and self._has(domain, reply.status):
                yield from self._logs(domain, hand_off, until)
                return
            items, paging = _read_page(reply, "paging")
            if not items:
                return
            # What we are told now, the provider may not tell the sync again.
            mailgun.events_read.send_robust(sender=MailgunGateway, domain=domain, body=reply.raw)
            yield reply.kept, items
            path = _path_of(paging.get("next"))
        raise TryLaterError("Mailgun's pages of events do not end.")

    def _logs(self, domain: str, hand_off: HandOff, until: float | None) -> Iterator[tuple[str, list[Any]]]:
        """Yield the same pages from the Logs API, of which we choose the events: it knows no filter for Message-Ids.

        Mailgun accepts a mail while it is handed over, so we read the events of that time.
        """
        begin, end = (hand_off.handed_at + sign * CLOCKS_MAY_DIFFER_BY for sign in (-1, 1))
        token, seen = "", set[str]()
        while token not in seen and len(seen) < MOST_PAGES:  # a full page without a token leads back to the first one
            seen.add(token)
            search = mailgun.logs_search(domain, begin=begin.timestamp(), end=end.timestamp(), token=token)
            reply = self._page("POST", mailgun.LOGS_PATH, until, json=search)
            items, paging = _read_page(reply, "pagination")
            mailgun.events_read.send_robust(sender=MailgunGateway, domain=domain, body=reply.raw)
            yield reply.kept, [item for item in items if _is_of(item, _message_id(hand_off, domain))]
            token = paging.get("next") or ""
            if not items or (not token and len(items) < mailgun.MOST_LOGS):
                return
        raise TryLaterError("Mailgun's pages of events do not end.")

    @property
    def _gone(self) -> frozenset[int]:
        """The statuses with which the Events API may say that it is gone."""
        return mailgun.PERHAPS_GONE if settings.MAILGUN_SOURCE == mailgun.AUTO else frozenset()

    def _has(self, domain: str, status: int) -> bool:
        """Whether Mailgun has the domain, so that only the API is gone. Raises TryLaterError if not."""
        return status != 404 or self.api.ask("GET", mailgun.domain_path(domain)).ok

    def _page(self, method: str, path: str, until: float | None, **options: Any) -> Reply:
        if until is not None and time.monotonic() >= until:
            raise TryLaterError("The time of this turn is over.")
        try:
            return self.api.ask(method, path, **options)
        except UnknownError as error:
            raise TryLaterError(str(error)) from error


def _mail(hand_off: HandOff, domain: str) -> dict[str, str]:
    """Return the form fields of a mail, without its recipients."""
    message = hand_off.message
    names = _field_names(message)
    body = message.bodies.get(Mode.EMAIL.value) or message.subject
    html = is_html(body)
    mail = {
        "from": settings.MAILGUN_FROM or str(Address(settings.DISTRICT_NAME, "messenger", domain)),
        "subject": _one_line(_templated(message.subject, names, "s")),
        "html" if html else "text": _templated(body, names, "h" if html else "t"),
        "h:Message-Id": f"<{_message_id(hand_off, domain)}>",
        "v:message": str(message.pk),
        "v:delivery": "%recipient.delivery%",
        "v:person_id": "%recipient.person_id%",
    }
    if message.sender:
        mail["v:sender"] = message.sender.get_username()
    if message.reply_to:
        mail["h:Reply-To"] = _one_line(message.reply_to)
    return mail


def _message_id(hand_off: HandOff, domain: str) -> str:
    """Return the Message-Id of a hand-off: always the same for a claim, and different for every other claim."""
    return f"{hand_off.key}@{domain}"


def _field_names(message: SentMessage) -> list[str]:
    return list(dict.fromkeys(fields_of(message.subject) + fields_of(message.bodies.get(Mode.EMAIL.value) or "")))


def _templated(text: str, names: Sequence[str], kind: str) -> str:
    """Write our {{fields}} as Mailgun's variables. A Mailgun variable that the sender typed stays plain text."""
    text = _PERCENT.sub("%recipient.percent%", text)
    return merged(text, {name: f"%recipient.{kind}{number}%" for number, name in enumerate(names)})


def _variables(message: SentMessage, item: Item) -> dict[str, str]:
    """Return a recipient's values: each as plain text, as HTML and for the subject. An empty field shows its name."""
    values = {"delivery": str(item.delivery_id), "person_id": item.person_id, "percent": "%"}
    for number, name in enumerate(_field_names(message)):
        value = str(item.merge_fields.get(name, name))
        values |= {f"t{number}": value, f"h{number}": escape(value), f"s{number}": _one_line(value)}
    return values


def _one_line(text: str) -> str:
    """Join the lines of a header value: text after a line break would become another header."""
    return " ".join(text.split())


def _sent(item: Item, message_id: str, at: datetime) -> StatusReport:
    return StatusReport(delivery_id=item.delivery_id, attempt=item.attempt, code=SENT, at=at, provider_id=message_id)


def _refused(item: Item, reply: Reply) -> StatusReport:
    message = mailgun.error_message(reply)
    detail = f"Mailgun refused it: {message}" if message else f"Mailgun refused it ({reply.status})"
    return StatusReport(
        delivery_id=item.delivery_id,
        attempt=item.attempt,
        status=DeliveryStatus.FAILED,
        detail=detail[:200],
        at=timezone.now(),
        raw=reply.kept,
    )


def _is_of(event: Any, message_id: str) -> bool:
    message = event.get("message") if isinstance(event, dict) else None
    headers = message.get("headers") if isinstance(message, dict) else None
    return isinstance(headers, dict) and headers.get("message-id") == message_id


def _read_page(reply: Reply, paging_name: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the events of a page, and its paging. Raises TryLaterError when it is none."""
    try:
        values, members = read_page(reply.raw, lambda item: item.value)
    except (ValueError, RecursionError):
        values, members = None, {}
    paging = members.get(paging_name)
    if not reply.ok or values is None or not isinstance(paging, dict):
        raise TryLaterError(f"Mailgun's answer has no list of events (status {reply.status}).")
    return values, paging


def _path_of(url: Any) -> str:
    """Return the path of the next page. Only the path counts, so the key never goes to another host."""
    try:
        following = urlsplit(str(url))
    except ValueError:
        following = urlsplit("")
    if not following.path.startswith("/"):
        raise TryLaterError("Mailgun's answer does not name the next page.")
    return following.path + (f"?{following.query}" if following.query else "")


def _recipients(events: Sequence[Any]) -> Iterator[str]:
    """Yield the addresses of events. The event of a rejected mail has no recipient, but a header."""
    for event in events:
        if not isinstance(event, dict):
            continue
        message = event.get("message")
        headers = message.get("headers") if isinstance(message, dict) else None
        if isinstance(recipient := event.get("recipient"), str):
            yield mailbox(recipient)
        elif isinstance(headers, dict) and isinstance(to := headers.get("to"), str):
            yield from (mailbox(address) for _, address in getaddresses([to]))
