"""GET /v3/{domain}/events. Mailgun calls it deprecated, in favor of the Logs API."""

from __future__ import annotations

from mailgun_sync.client.errors import EventsApiGoneError, ProviderError
from mailgun_sync.client.source import Answer, PagedApi, PageRequest, origin_of, read_body
from providers import mailgun
from providers.http import Reply, clock_of


class EventsApi(PagedApi):
    """Each page names the address of the next one, and only an empty page is the last."""

    most = mailgun.MOST_EVENTS

    def first_page(self, first: int, last: int, limit: int) -> PageRequest:
        return PageRequest(self.base + mailgun.events_path(self.domain, begin=first, end=last, limit=limit))

    def read(self, reply: Reply, request: PageRequest) -> Answer:
        events, members = read_body(reply.raw)
        paging = members.get("paging")
        next_url = str(paging.get("next", "")) if isinstance(paging, dict) else ""
        if events and origin_of(next_url) != origin_of(self.base):
            raise ProviderError("Mailgun's next page is on another host; the key is not sent there.")
        return Answer(events, PageRequest(next_url), clock_of(reply.headers))

    def refusal(self, reply: Reply) -> ProviderError:
        """Return why Mailgun gave no page. It is EventsApiGoneError too if only the domain is unknown."""
        kind = EventsApiGoneError if reply.status in mailgun.PERHAPS_GONE else ProviderError
        return kind(mailgun.events_error(reply))
