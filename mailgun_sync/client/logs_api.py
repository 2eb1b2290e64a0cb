"""POST /v1/analytics/logs: the successor of the Events API. It gives the events of an account, here those of a domain.

Tokens in place of addresses lead from page to page: the same request is sent again with the token of the next page.
"""

from __future__ import annotations

import json
from typing import Any

from mailgun_sync.client.errors import ProviderError
from mailgun_sync.client.source import Answer, PagedApi, PageRequest, read_body
from providers import mailgun
from providers.http import Reply, clock_of
from providers.mailgun_pages import read_item


class LogsApi(PagedApi):
    """An empty page is the last, and so is a page that is not full and names no next one."""

    most = mailgun.MOST_LOGS

    def first_page(self, first: int, last: int, limit: int) -> PageRequest:
        search = mailgun.logs_search(self.domain, begin=first, end=last, limit=limit)
        return PageRequest(self.base + mailgun.LOGS_PATH, json.dumps(search))

    def read(self, reply: Reply, request: PageRequest) -> Answer:
        events, members = read_body(reply.raw)
        if any(self._is_foreign(read_item(event.raw).value) for event in events):
            raise ProviderError("Mailgun's Logs API gave events of another domain, although we asked for one domain.")
        paging = members.get("pagination")
        token = paging.get("next") if isinstance(paging, dict) else None
        search = json.loads(request.body)
        if events and not token and len(events) >= search["pagination"]["limit"]:
            raise ProviderError("Mailgun's Logs API gave a full page without the token of the next one.")
        search["pagination"]["token"] = token
        following = PageRequest(request.url, json.dumps(search)) if token else None
        return Answer(events, following, clock_of(reply.headers))

    def refusal(self, reply: Reply) -> ProviderError:
        return ProviderError(mailgun.logs_error(reply))

    def _is_foreign(self, event: Any) -> bool:
        domain = event.get("domain") if isinstance(event, dict) else None
        name = domain.get("name") if isinstance(domain, dict) else None
        return isinstance(name, str) and name.casefold() != self.domain.casefold()
