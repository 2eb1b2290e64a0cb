"""The messages API: one request hands over a mail for up to 1,000 recipients. The Events API reports on it later."""

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from email.utils import getaddresses
from functools import cached_property, partial
from typing import Any
from urllib.parse import parse_qsl

from sandbox.events import NewEvent
from sandbox.exchange import RefusedError, Request, Response
from sandbox.faults import Fault, Kind
from sandbox.mails import Mail, Send
from sandbox.people import Person
from sandbox.provider import Provider

MAX_RECIPIENTS = 1000
MAX_OPTIONS = 16 * 1024
"""Bytes of o:, h: and v: parameters together."""

Form = dict[str, list[str]]

_VARIABLE = re.compile(r"%recipient(?:\.([^%\s]+))?%")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NAME = re.compile(rb'name="([^"]*)"')


@dataclass(frozen=True)
class Mailing:
    """A mail as it was handed over, with all its recipients."""

    domain: str
    at: float
    message_id: str
    recipients: Mapping[str, str]
    """Names by address."""
    form: Form = field(repr=False)
    variables: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """The recipient variables, by address."""
    reported_twice: bool = False

    def value(self, name: str) -> str:
        """Return the first value of a field; "" without one."""
        return next(iter(self.form.get(name, [])), "")

    @cached_property
    def options(self) -> dict[str, str]:
        """The v: parameters without their prefix."""
        return {name[2:]: values[0] for name, values in self.form.items() if name.startswith("v:")}

    def merged(self, text: str, address: str) -> str:
        """Replace %recipient.name% with the recipient's value. An unknown name stays."""
        if "%recipient" not in text:
            return text
        values = self.variables.get(address, {})
        return _VARIABLE.sub(lambda match: str(values.get(match[1], match[0])) if match[1] else address, text)

    def user_variables(self, address: str) -> dict[str, str]:
        """Return the user variables with this recipient's values."""
        return {name: self.merged(value, address) for name, value in self.options.items()}

    def details(self, address: str) -> dict[str, Any]:
        """Return the mail as one recipient got it. `shown` is the number of addresses in its To."""
        return {
            "domain": self.domain,
            "from": self.value("from"),
            "subject": self.merged(self.value("subject"), address),
            "text": self.merged(self.value("text"), address),
            "html": self.merged(self.value("html"), address),
            "reply_to": self.value("h:Reply-To"),
            "variables": self.user_variables(address),
            "shown": 1 if self.variables else len(self.recipients),
        }

    def events(self, provider: Provider) -> Iterator[NewEvent]:
        """Yield the events of the mail, over time."""
        send = Send(
            domain=self.domain,
            message_id=self.message_id,
            username="",
            from_=self.value("from"),
            subject="",
            tag=self.value("o:tag"),
            size=sum(len(value) for name in ("text", "html", "subject") for value in self.form.get(name, [])),
        )
        for address, name in self.recipients.items():
            mine = replace(send, subject=self.merged(self.value("subject"), address), own=self.user_variables(address))
            drawn = Person("", name, address, "en", provider.chances.mailbox(address))
            person = provider.suppressions[self.domain].mailbox(drawn, self.at)
            for number in range(1 + self.reported_twice):
                rng = random.Random(f"{provider.seed} {self.message_id} {address} {number}")
                learn = provider.suppressions[self.domain].learn
                yield from Mail(mine, person, rng, learn, provider.mail_pace).events(self.at)


def respond(provider: Provider, request: Request, fault: Fault | None) -> Response:
    """Accept a mail. Raises RefusedError if the request breaks a rule; then nothing of it is accepted."""
    if request.method != "POST":
        raise RefusedError(405, "Messages can only be posted")
    form = read_form(request)
    options = [(name, value) for name, values in form.items() for value in values if name[:2] in ("o:", "h:", "v:")]
    if sum(len(name) + len(value) for name, value in options) > MAX_OPTIONS:
        raise RefusedError(400, f"Send options are limited to {MAX_OPTIONS} bytes")
    for name in ("from", "to"):
        if not any(form.get(name, [])):
            raise RefusedError(400, f"'{name}' parameter is missing")
    if not any(any(form.get(name, [])) for name in ("text", "html")):
        raise RefusedError(400, "Need at least one of 'text' or 'html' parameters specified")
    recipients = {address: name for name, address in getaddresses(form["to"])}
    if not all(_ADDRESS.fullmatch(address) for address in recipients):
        raise RefusedError(400, "'to' parameter is not a valid address. please check documentation")
    if len(recipients) > MAX_RECIPIENTS:
        raise RefusedError(400, f"Too many recipients: at most {MAX_RECIPIENTS}")
    given = form.get("h:Message-Id", [f"<{random.getrandbits(96):024x}@{request.domain}>"])[0]
    mailing = Mailing(
        domain=request.domain,
        at=provider.clock.now(),
        message_id=given.strip("<> "),
        recipients=recipients,
        form=form,
        variables=_recipient_variables(form),
        reported_twice=fault is not None and fault.kind is Kind.TWICE,
    )
    provider.journal.write("mail", **{one.name: getattr(mailing, one.name) for one in fields(mailing)})
    _accept(provider, mailing)
    return Response.json({"id": f"<{mailing.message_id}>", "message": "Queued. Thank you."})


def recall(provider: Provider, entry: dict[str, Any]) -> None:
    """Take up a mail of the journal. Its events come again, the same as before."""
    _accept(provider, Mailing(**{name: entry[name] for name in entry if name not in ("kind", "wrote")}))


def _accept(provider: Provider, mailing: Mailing) -> None:
    provider.accept_mail(mailing, {address: partial(mailing.details, address) for address in mailing.recipients})


def _recipient_variables(form: Form) -> dict[str, dict[str, Any]]:
    try:
        variables = json.loads(form.get("recipient-variables", ["{}"])[0])
    except ValueError:
        variables = None
    if not isinstance(variables, dict) or not all(isinstance(values, dict) for values in variables.values()):
        raise RefusedError(400, "'recipient-variables' parameter is not a valid JSON")
    return variables


def read_form(request: Request) -> Form:
    """Return the fields of a multipart or an urlencoded body. Raises RefusedError if it is neither."""
    form: Form = defaultdict(list)
    kind, _, parameters = request.content_type.partition(";")
    if kind == "application/x-www-form-urlencoded":
        for name, value in parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True):
            form[name].append(value)
        return form
    boundary = parameters.partition("boundary=")[2].strip().strip('"')
    if kind != "multipart/form-data" or not boundary:
        raise RefusedError(400, "A form is wanted, multipart or urlencoded")
    for part in request.body.split(b"--" + boundary.encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        if found := _NAME.search(head):
            form[found[1].decode(errors="replace")].append(content.removesuffix(b"\r\n").decode(errors="replace"))
    return form
