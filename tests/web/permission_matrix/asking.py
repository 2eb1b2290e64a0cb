"""How a line is asked, and what its answers leave in the audit trail."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Max
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.services import issue_token
from accounts.tools import DISTRICT_WIDE, SCOPED_RIGHTS, Tool
from tests.examples import many
from tests.fixtures.accounts import program_token
from tests.web.permission_matrix.lines import SHOWN, Api, Guarded, Open

# What these tools show is of no school, so only a right for all schools shows it.
OF_ALL_SCHOOLS = DISTRICT_WIDE | {Tool.AUDIT_TRAIL, Tool.MAILGUN_SYNC}
# Django's admin site is one rule instead of lines: nobody but superusers gets in anywhere.
BY_RULE = {"admin"}

REQUESTS: dict[str, Callable[[Client, str, dict[str, Any]], HttpResponse]] = {
    "get": lambda client, address, form: client.get(address, form),
    "htmx": lambda client, address, form: client.get(address, form, headers={"HX-Request": "true"}),
    "post": lambda client, address, form: client.post(address, form),
    "export": lambda client, address, form: client.get(address, {"export": "csv"} | form),
}
REFUSED = ["access.refused"]


def each_line(lines: list[Any]) -> Any:
    return pytest.mark.parametrize("line", lines, ids=lambda line: line.name)


@contextmanager
def on_its_own(subtests: pytest.Subtests, kind: str) -> Iterator[None]:
    """Ask in a transaction that is undone, so that no request sees what one of another kind left."""
    with subtests.test(kind), transaction.atomic():
        yield
        transaction.set_rollback(True)


def kinds_of(line: Guarded) -> list[str]:
    """The kinds of request to ask with: all of them in CI. From day to day one that reads, and one of the others."""
    if many():
        return list(REQUESTS)
    written = line.post != 405
    return ["post" if written else "export", "get" if line.get != 405 or written else "htmx"]


def ask(
    client: Client, line: Guarded | Open, kind: str, values: Mapping[str, str] = MappingProxyType({})
) -> HttpResponse:
    """Ask with the form of the line in a POST, and with these values in the address of all else."""
    kwargs = line.of() if callable(line.of) else line.of
    sent: dict[str, Any] = dict(values)
    if kind == "post":
        sent = line.form() if isinstance(line, Guarded) else {}
    return audited(lambda: REQUESTS[kind](client, reverse(line.name, kwargs=kwargs), sent))


def audited(request: Callable[[], HttpResponse]) -> HttpResponse:
    """The answer, with the actions of the rows that it left in the audit trail as its `rows`."""
    before = AuditEvent.objects.aggregate(last=Max("pk", default=0))["last"]
    response: Any = request()
    left = AuditEvent.objects.filter(pk__gt=before).order_by("pk")
    response.rows = list(left.values_list("action", flat=True))
    return response


def row(action: str) -> list[str]:
    return [action] if action else []


def answers(line: Guarded, kind: str) -> int:
    number: int = getattr(line, kind)
    return number


def body(response: HttpResponse) -> str:
    return response.getvalue().decode()


def of_schools(lines: list[Any]) -> list[Any]:
    """The lines where a right shows what others made: its own right, or that to everybody's messages in the tool.

    Accounts are of no school, and no family is there.
    """
    shown = [line for line in lines if line.data and (line.others == SHOWN or line.tool in SCOPED_RIGHTS)]
    return [line for line in shown if line.tool is not Tool.USER_GROUPS]


def call(line: Api, user: User | None, method: str = "", *, as_program: bool = False) -> HttpResponse:
    address = reverse(line.name, kwargs=line.of()) + (f"?{line.query}" if line.query else "")
    headers = {"Authorization": f"Token {issue_token(user=user)[0]}"} if user and not as_program else {}
    if user and as_program:
        headers = {"Authorization": f"Bearer {program_token(user)}"}
    method, text = (method or line.method).upper(), "" if line.body is None else json.dumps(line.body)
    return audited(lambda: Client().generic(method, address, text, content_type="application/json", headers=headers))


def each_api_line(lines: list[Api]) -> Any:
    ids = [
        f"{line.name}-{line.method}-{line.tool.name if line.tool else ''}-{line.right.name}-{line.query}"
        for line in lines
    ]
    return pytest.mark.parametrize("line", lines, ids=ids)
