"""What people do while parts of the site are away: each does it again until it works."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import requests
from django.db import DatabaseError, InterfaceError, connection
from django.urls import reverse

from accounts.models import User
from chaos.plan import EMAIL, INBOX, Plan, Sending
from chaos.site import Site, insist
from demo.staff import PASSWORD
from devtools.run import DEMO_DOMAIN
from mailgun_sync.models import SendingDomain
from mailgun_sync.services.control import QueueAway, request_sync
from messenger_logs.models import SentMessage
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.intake import add_message

# psycopg2 says only DatabaseError when the server goes away within a statement.
_AWAY = (DatabaseError, InterfaceError, requests.RequestException, QueueAway, SentMessage.DoesNotExist)
# The page of a classic message.
_PAGE = "web:admin_sent_message_log_message"


class NotAnswered(requests.RequestException):
    """The site answered with an error."""


@dataclass
class Traffic:
    """`canceled` has the moment (epoch seconds) at which a cancel of each message was surely committed."""

    site: Site
    plan: Plan
    patience: float
    """Seconds after which an action is given up."""
    canceled: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    futures: list[Future[None]] = field(default_factory=list)

    def start(self, began: float) -> None:
        """Do everything at its time: `began` is the start (time.monotonic())."""
        actions: list[tuple[float, str, Callable[[], object]]] = []
        for sending in self.plan.sendings:
            actions.append((sending.at, "make", partial(self._make, sending)))
            if sending.cancel_at is not None:
                press = self._press if sending.by_page and sending.engine == "classic" else self._cancel
                at = max(sending.cancel_at, sending.at)
                actions.append((at, "cancel", partial(press, sending)))
            if sending.report and sending.engine == "classic":
                actions.append((sending.at + 1, "report", partial(self._report, sending)))
        actions += [(at, "sync", self._sync) for at in self.plan.syncs]
        self._threads = ThreadPoolExecutor(8)
        for at, name, action in sorted(actions, key=lambda one: one[0]):
            self.futures.append(self._threads.submit(self._at, began + at, name, action))

    @property
    def finished(self) -> bool:
        return all(future.done() for future in self.futures)

    def stop(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        for future in self.futures:
            if not future.cancelled() and (error := future.exception()):
                self.errors.append(f"the traffic ended with {type(error).__name__}: {error}")

    def _at(self, moment: float, name: str, action: Callable[[], object]) -> None:
        time.sleep(max(0.0, moment - time.monotonic()))
        try:
            until = time.monotonic() + self.patience
            if error := insist(lambda: _with_own_connection(action), until=until, but=_AWAY):
                self.errors.append(f"stuck: to {name} did not work within {self.patience:.0f} s ({error!r})")
        finally:
            connection.close()

    def _make(self, sending: Sending) -> None:
        add_message(message_json(self.site.seed, sending))

    def _message(self, sending: Sending) -> SentMessage:
        return SentMessage.objects.get(external_id=external_id(self.site.seed, sending.number))

    def _cancel(self, sending: Sending) -> None:
        """By the service, as another program does."""
        cancel_message(message_id=self._message(sending).pk, by=User.objects.get(username="admin"))
        self.canceled[external_id(self.site.seed, sending.number)] = time.time()

    def _press(self, sending: Sending) -> None:
        """As a person does on the page of the message."""
        browser = sign_in(self.site.url)
        address = self.site.url + reverse(f"{_PAGE}_cancel", args=[self._message(sending).pk])
        answer = browser.post(address, headers=_token(browser), timeout=20, allow_redirects=False)
        if answer.status_code != 302:
            raise NotAnswered(f"status {answer.status_code}")
        self.canceled[external_id(self.site.seed, sending.number)] = time.time()

    def _report(self, sending: Sending) -> None:
        browser = sign_in(self.site.url)
        address = self.site.url + reverse(f"{_PAGE}_report", args=[self._message(sending).pk])
        devices = sorted({mode if mode in (INBOX, EMAIL) else "phone" for mode in sending.modes})
        choices = {"format": "csv", "detail": "all", "devices": devices}
        answer = browser.get(address, params=choices, timeout=20, allow_redirects=False)
        # A report without rows is made at once.
        made_at_once = answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/csv")
        if not made_at_once and "/my-reports/" not in answer.headers.get("Location", ""):
            raise NotAnswered(f"status {answer.status_code} for a report")

    def _sync(self) -> None:
        domain = SendingDomain.objects.filter(name=DEMO_DOMAIN).first()
        if domain:
            request_sync(domain=domain, by=User.objects.get(username="admin"))


def _with_own_connection(action: Callable[[], object]) -> None:
    try:
        action()
    except (DatabaseError, InterfaceError):
        connection.close()
        raise


def sign_in(url: str) -> requests.Session:
    """Return a session of the administrator of the demo district. Raises NotAnswered."""
    browser = requests.Session()
    address = f"{url}/accounts/login/"
    browser.get(address, timeout=20)
    values = {"login": "admin", "password": PASSWORD}
    answer = browser.post(address, values, headers=_token(browser), timeout=20, allow_redirects=False)
    if answer.status_code != 302:
        raise NotAnswered(f"status {answer.status_code} at the sign-in")
    return browser


def _token(browser: requests.Session) -> dict[str, str]:
    return {"X-CSRFToken": browser.cookies.get("csrftoken") or ""}


def external_id(seed: int, number: int) -> str:
    return f"chaos-{seed}-{number}"


def message_json(seed: int, sending: Sending) -> dict[str, Any]:
    """The message as the intake takes it. Its id stands in its text, so that what went out can be told apart."""
    now = datetime.now(UTC)
    mark = f"[{external_id(seed, sending.number)}]"
    return {
        "external_id": external_id(seed, sending.number),
        "engine": sending.engine,
        "message_type": sending.message_type,
        "sender": "admin",
        "sent_by": "here",
        "subject": f"Chaos {mark}",
        "created_at": now.isoformat(),
        "scheduled_at": (now + timedelta(seconds=sending.due_in)).isoformat(),
        "modes": list(sending.modes),
        "bodies": dict.fromkeys(sending.modes, f"Dear family of {{{{student.firstName}}}}. {mark}"),
        "recipients": list(_people(random.Random(f"{seed} {sending.number}"), sending)),
    }


def marks_in(text: str) -> set[str]:
    """The external ids of the messages whose marks are in a text."""
    return set(re.findall(r"\[(chaos-\d+-\d+)\]", text))


def _people(rng: random.Random, sending: Sending) -> list[dict[str, Any]]:
    """Some families share a phone or a mailbox with the one before, and some devices are missing."""
    people: list[dict[str, Any]] = []
    for number in range(sending.people):
        shared = number - 1 if number and rng.random() < 0.1 else number
        phone = f"+1612555{shared:04d}"
        device_of = {INBOX: str(number), EMAIL: f"family{shared}@example.com"}
        people.append(
            {
                "person_id": str(number),
                "name": f"Parent {number}",
                "merge_fields": {"student.firstName": "Mai"},
                "devices": [
                    {"mode": mode, "address": device_of.get(mode, phone)}
                    for mode in sending.modes
                    if rng.random() < 0.95
                ],
            }
        )
    return people
