"""Every page for every status of every kind of message, as each member of the staff of a small demo district sees it.

No page may fail, or log an error. From day to day a sample of the pages is opened, always the same one; CI opens more.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, groupby, product
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import issue_token
from accounts.tools import Tool
from demo.district import Size, make_district
from demo.kinds import KINDS
from demo.staff import STAFF, make_staff
from listings.registry import Entry, registry
from mailgun_sync.models import SendingDomain
from messenger_logs.choices import MessageStatus, Mode, Reach
from messenger_logs.models import Recipient, SentMessage
from reports.kinds.sent_message import Detail, devices_of
from reports.kinds.sent_message_log_2 import modes_of, statuses_of
from reports.writers import Format
from tests.examples import many, often
from tests.saved_views.factories import make_view
from tests.web.addresses import patterns
from web.message_urls import message_url

# What a page may answer: itself, another page, that it is not for this person, or that it cannot be done now.
FINE = {200, 301, 302, 403, 404, 405, 409}
MESSAGE_KINDS = sorted({(kind.engine, kind.message_type) for kind in KINDS})
API = "/api/v1/"
# All 15 kinds of messages in each part and status would be 4,935 pages; these are 1,645.
KINDS_EACH = 5


class Visitor:
    """A member of the staff, with a browser and a token."""

    def __init__(self, username: str) -> None:
        self.user = User.objects.get(username=username)
        self.client = Client()
        self.client.force_login(self.user)
        self.token = f"Token {issue_token(user=self.user)[0]}"

    def open(self, address: str, *, htmx: bool = False) -> int:
        """Open a page to its last byte. Returns the status."""
        headers = {"HX-Request": "true"} if htmx else {}
        if address.startswith(API) and address != API:
            headers["Authorization"] = self.token
        with transaction.atomic():  # so that a query that fails does not spoil the next page
            response = self.client.get(address, headers=headers)
            goes_on = response.status_code in (301, 302) or response.headers.get("HX-Redirect")
            assert response.getvalue() or goes_on, "an empty page"
        return int(response.status_code)


class Page(NamedTuple):
    address: str
    htmx: bool = False


def open_all(visitor: Visitor, pages: Iterable[Page], caplog: pytest.LogCaptureFixture) -> list[int]:
    """Open the pages. Fails with all that went wrong; returns the statuses."""
    faults, statuses = [], []
    for page in pages:
        caplog.clear()
        try:
            status: int | str = visitor.open(*page[:1], htmx=page.htmx)
        except Exception as error:
            status = repr(error)
        errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
        statuses.append(status)
        if status not in FINE or errors:
            faults.append(f"{visitor.user.username}: {page}: {status} {errors}")
    assert not faults, "\n".join(faults)
    return [int(status) for status in statuses]


@pytest.fixture(scope="class")
def district(class_db: None) -> None:
    make_staff()
    make_district(Size(messages=90, recipients=900, events=60))
    connection.check_constraints()  # now, and not again after each test


@pytest.fixture
def visitor(request: pytest.FixtureRequest) -> Visitor:
    return Visitor(request.param)


each_visitor = pytest.mark.parametrize("visitor", [person.username for person in STAFF], indirect=True)


# The pages of one message

Parts = dict[str, Callable[[Tool, SentMessage], Page]]


def part(name: str = "", query: str = "", *, htmx: bool = False, **arguments: str) -> Callable[..., Page]:
    def page(tool: Tool, message: SentMessage) -> Page:
        return Page(f"{message_url(tool, message.pk, name, **arguments)}?{query}", htmx)

    return page


def report(format: Format, detail: Detail) -> Callable[..., Page]:
    def page(tool: Tool, message: SentMessage) -> Page:
        classic = {"devices": [device.value for device in devices_of(message)], "detail": detail.value}
        modern = {"modes": modes_of(message), "statuses": statuses_of(message)}
        chosen = modern if tool is Tool.SENT_MESSAGE_LOG_2 else classic
        query = urlencode({"format": format.value, **chosen}, doseq=True)
        return Page(f"{message_url(tool, message.pk, 'report')}?{query}")

    return page


def with_values(tool: Tool, message: SentMessage) -> Page:
    recipient = message.recipients.first()
    return Page(f"{message_url(tool, message.pk)}?recipient={recipient.pk if recipient else ''}")


PARTS: Parts = {
    "page": part(),
    "page, for htmx": part(htmx=True),
    "page, with values": with_values,
    "recipients": part("recipients"),
    "recipients, for htmx": part("recipients", htmx=True),
    **{f"recipients as {format}": part("recipients", f"export={format}") for format in Format},
    "unreached people": part("unreached"),
    **{f"unreached people, {kind}": part("unreached", f"reach={kind}&mode=email") for kind in Reach.values},
    **{f"unreached people as {format}": part("unreached", f"export={format}") for format in Format},
    "call sheet": part("call_sheet"),
    **{f"call sheet as {format}": part("call_sheet", f"format={format}") for format in Format},
    **{f"{mode} body": part("body", mode=mode) for mode in Mode.values},
    "cancel": part("cancel"),
    "cancel, for htmx": part("cancel", htmx=True),
    "in doubt": part("retry"),
    "report": part("report"),
    **{f"report {format} {detail}": report(format, detail) for format, detail in product(Format, Detail)},
    "API": lambda tool, message: Page(f"{API}messages/{message.pk}/"),
    "API, people": lambda tool, message: Page(f"{API}messages/{message.pk}/people/"),
    "API, deliveries": lambda tool, message: Page(f"{API}messages/{message.pk}/deliveries/"),
}


class Case(NamedTuple):
    part: str
    status: str
    kind: tuple[str, str]
    tool: Tool


def showing(engine: str, status: str) -> list[Tool]:
    """The tools that show a message to the right people."""
    tools = [Tool.SENT_MESSAGE_LOG_2] if engine == "v2" else [Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG]
    return [*tools, Tool.UPCOMING_MESSAGES] if status in ("waiting", "in_progress") else tools


def every_case() -> Iterator[Case]:
    for name, status, kind in product(PARTS, MessageStatus.values, MESSAGE_KINDS):
        for tool in showing(kind[0], status):
            yield Case(name, status, kind, tool)


def many_cases() -> list[Case]:
    """Of each part in each status, KINDS_EACH of the kinds of messages.

    The kinds take turns, so that each of them is seen in each part, and in each status too.
    """
    turns = cycle(MESSAGE_KINDS)
    chosen = {(*each[:2], next(turns)) for each in product(PARTS, MessageStatus.values, range(KINDS_EACH))}
    return sample((case for case in every_case() if case[:3] in chosen), by=lambda case: case[:3], each=1)


def sample(cases: Iterable[Any], *, by: Callable[[Any], Any], each: int) -> list[Any]:
    """Choose so many of each group, always the same ones."""
    chance = random.Random(1)
    groups = [list(group) for _, group in groupby(sorted(cases, key=by), key=by)]
    return [case for group in groups for case in chance.sample(group, min(each, len(group)))]


def examples_by_status() -> dict[str, SentMessage]:
    """Of each status the message with the most modes."""
    shown = SentMessage.objects.filter(listed_from__lte=timezone.now())
    messages = sorted(shown.order_by("pk"), key=lambda message: len(message.modes))
    return {message.status: message for message in messages}


def pages_of(cases: Iterable[Case], visitor: Visitor) -> Iterator[Page]:
    """Give the message of a status each kind in turn, and yield the page. Every other message is the visitor's own."""
    messages = examples_by_status()
    assert messages.keys() == set(MessageStatus.values)
    somebody = User.objects.exclude(pk=visitor.user.pk).first()
    for number, case in enumerate(cases):
        message = messages[case.status]
        message.engine, message.message_type = case.kind
        message.sender = visitor.user if number % 2 else somebody
        message.save(update_fields=["engine", "message_type", "sender"])
        try:
            yield PARTS[case.part](case.tool, message)
        except NoReverseMatch:
            continue  # Not every tool has every part.


def test_the_many_cases_have_each_kind_in_each_part_and_in_each_status() -> None:
    cases = many_cases()
    assert {(case.part, case.status) for case in cases} == set(product(PARTS, MessageStatus.values))
    assert {(case.part, case.kind) for case in cases} == set(product(PARTS, MESSAGE_KINDS))
    assert {(case.status, case.kind) for case in cases} == set(product(MessageStatus.values, MESSAGE_KINDS))


# The lists and all other pages


def a_message_for(tool: Tool, user: User) -> SentMessage:
    """A message that a tool shows to an administrator."""
    if tool in (Tool.REACH, Tool.ADMIN_REACH):
        drill = SentMessage.objects.filter(drill=True).latest("scheduled_at")
        drill.sender = user
        drill.save(update_fields=["sender"])
        return drill
    message = examples_by_status()["in_progress"]
    message.engine, message.message_type = next(kind for kind in MESSAGE_KINDS if tool in showing(kind[0], "waiting"))
    message.sender = user
    message.save(update_fields=["engine", "message_type", "sender"])
    return message


def arguments_of(entry: Entry, user: User) -> dict[str, Any]:
    if entry.stands_alone:
        return {}
    if ":person>" in entry.path:
        shown = Recipient.objects.visible_to(user, entry.tool)
        return {"person": shown.exclude(person_id="").values_list("person_id", flat=True)[0]}
    return {"pk": a_message_for(entry.tool, user).pk}


def listing_pages(entry: Entry, user: User) -> Iterator[Page]:
    """Yield the pages of a listing: each option of each filter, each order, each format."""
    arguments = arguments_of(entry, user)
    listing = entry.open(user, {}, arguments)
    listing.fetch()
    queries = [f"sort={sign}{name}" for name, sign in product(listing.table_class.base_columns, ("", "-"))]
    queries += [f"rows={rows}" for rows in (25, 200)] + [f"export={format}" for format in Format]
    for name, field in listing.filterset.form.fields.items():
        choices = getattr(field, "choices", getattr(field.widget, "choices", []))
        queries += [urlencode({name: value}) for value, _ in choices] + [urlencode({name: text}) for text in ("a", "1")]
    view = make_view(user, listing=entry.name, values={"gone": "x", "sort": listing.default_sort}, days="last_week")
    queries += [f"view={view.pk}", f"view={view.pk}&export=csv", "view=0"]
    address = entry.url(**arguments)
    yield from (Page(address), Page(address, htmx=True), *(Page(f"{address}?{query}") for query in queries))


# The pages of one passkey, which nobody here has; tests/browser/test_passkeys.py opens them.
OF_A_PASSKEY = {"mfa_edit_webauthn", "mfa_remove_webauthn"}


def other_pages() -> Iterator[Page]:
    """Yield every address that is not below a message, with the ids of things that exist."""
    values = {"mode": "email", "secret": "x", "uidb36": "1", "key": "x", "pk": SendingDomain.objects.earliest("pk").pk}
    values["slug"] = "replies"
    for name, pattern in patterns():
        arguments = pattern.pattern.regex.groupindex
        left_out = name.startswith("admin:") or "_message_" in name or name in OF_A_PASSKEY
        if not left_out and arguments.keys() <= values.keys():
            address = reverse(name, kwargs={argument: values[argument] for argument in arguments})
            yield from (Page(address), Page(address, htmx=True))


@pytest.mark.usefixtures("district")
class TestCrawl:
    @pytest.mark.parametrize("visitor", ["admin"], indirect=True)
    def test_a_few_pages(self, visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
        """So few that they are opened at every save: each status once, and some of the other pages."""
        cases = sample(every_case(), by=lambda case: case.status, each=1)
        pages = [*pages_of(cases, visitor), *sample(other_pages(), by=lambda page: "", each=10)]

        # A log of one's own hides what others sent: half of the messages.
        assert open_all(visitor, pages, caplog).count(200) > len(pages) / 4

    @pytest.mark.slow
    @each_visitor
    def test_every_page_of_a_message(self, visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
        is_admin = visitor.user.is_superuser
        one_of_each = sample(every_case(), by=lambda case: case.part, each=often(100) // 20)
        cases = many_cases() if is_admin and many() else one_of_each

        statuses = open_all(visitor, pages_of(cases, visitor), caplog)

        assert statuses.count(200) > (len(statuses) * 0.7 if is_admin else 0) or visitor.user.username == "newcomer"

    @pytest.mark.slow
    @pytest.mark.parametrize("visitor", ["admin"], indirect=True)
    @pytest.mark.parametrize("entry", [entry for entry in registry if entry.path], ids=lambda entry: entry.name)
    def test_every_choice_of_a_list(self, visitor: Visitor, entry: Entry, caplog: pytest.LogCaptureFixture) -> None:
        pages = list(listing_pages(entry, visitor.user))

        open_all(visitor, sample(pages, by=lambda page: "", each=often(len(pages) // 3)), caplog)

    @pytest.mark.slow
    @each_visitor
    def test_every_other_page(self, visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
        pages = list(other_pages())
        some = pages if visitor.user.is_superuser else sample(pages, by=lambda page: "", each=often(50))

        open_all(visitor, some, caplog)

    @pytest.mark.slow
    @pytest.mark.parametrize("visitor", ["admin"], indirect=True)
    def test_the_first_page_of_each_status(self, visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
        own = Tool.SENT_MESSAGE_LOG  # hides the messages of others
        cases = [case for case in every_case() if case.part in ("page", "API") and case.tool is not own]

        statuses = open_all(visitor, pages_of(sample(cases, by=lambda case: case.status, each=2), visitor), caplog)

        assert set(statuses) == {200}
