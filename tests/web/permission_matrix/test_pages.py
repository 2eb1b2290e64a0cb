"""Who gets which answer from every page, and which row it leaves."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.querysets import LOOK
from accounts.tools import Tool, every_right
from tests.web.addresses import patterns
from tests.web.permission_matrix.api import API
from tests.web.permission_matrix.asking import (
    BY_RULE,
    REFUSED,
    REQUESTS,
    answers,
    ask,
    audited,
    body,
    each_line,
    kinds_of,
    on_its_own,
    row,
)
from tests.web.permission_matrix.lines import SHOWN, W
from tests.web.permission_matrix.pages import GUARDED, OPEN
from tests.web.permission_matrix.subjects import MARK

pytestmark = [pytest.mark.django_db, pytest.mark.every_case]


def test_every_address_is_in_the_matrix():
    addresses = {name for name, _ in patterns() if name.split(":")[0] not in BY_RULE}
    lines = [line.name for line in [*GUARDED, *OPEN]] + sorted({line.name for line in API})
    assert addresses - set(lines) == set(), "these have no line in the tables"
    assert set(lines) - addresses == set(), "these lines have no address"
    assert len(lines) == len(set(lines))


@each_line(GUARDED)
def test_signed_out(client, line, subtests):
    for kind in kinds_of(line):
        with on_its_own(subtests, kind):
            response = ask(client, line, kind)
            if answers(line, kind) == 405:
                assert response.status_code == 405
            elif kind == "htmx":
                assert response["HX-Redirect"].startswith("/accounts/login/?next=/")
                assert body(response) == ""
            else:
                assert response.status_code == 302
                assert response["Location"].startswith("/accounts/login/?next=/")
            assert response.rows == [], "nobody was refused: the way leads on to the sign-in page"


@pytest.mark.slow
@each_line(GUARDED)
def test_every_other_right_but_this(make_user, signed_in, line, subtests):
    user = make_user(*(cell for cell in every_right() if cell != (line.tool, line.right)))
    gets_nothing(user, signed_in(user), line, subtests)


@pytest.mark.slow
@each_line(GUARDED)
def test_who_is_in_no_group_gets_nothing_not_even_own_data(make_user, signed_in, line, subtests):
    user = make_user()
    gets_nothing(user, signed_in(user), line, subtests)


def gets_nothing(user, client, line, subtests):
    for kind in kinds_of(line):
        with on_its_own(subtests, kind):
            if line.data:
                line.data(user)
            response = ask(client, line, kind)
            assert response.status_code == (405 if answers(line, kind) == 405 else 403)
            assert response.rows == ([] if response.status_code == 405 else REFUSED)
            assert MARK not in body(response)


@pytest.mark.slow
@each_line(GUARDED)
def test_this_right_alone_and_own_data(make_user, signed_in, line, subtests):
    user = make_user(*line.rights, username="owner")
    if (line.tool, line.right) == (Tool.USER_GROUPS, W):
        make_user(groups=["System Administrators"])
    client = signed_in(user)
    for kind in kinds_of(line):
        with on_its_own(subtests, kind):
            if line.data:
                line.data(user)
            response = ask(client, line, kind)
            assert response.status_code == answers(line, kind)
            assert response.rows == ([] if response.status_code == 405 else row(line.row(kind)))
            assert response["Cache-Control"] == "private, no-store"
            if line.data and response.status_code == 200:
                assert MARK in body(response)


@pytest.mark.slow
@each_line([line for line in GUARDED if line.look])
def test_who_reloads_a_page_or_its_fragment_goes_on_with_the_same_look(make_user, signed_in, line, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    user = make_user(*line.rights)
    line.data(user)
    client, kwargs = signed_in(user), line.of()
    address = reverse(line.name, kwargs=kwargs)
    rows = [audited(lambda kind=kind: REQUESTS[kind](client, address, {})).rows for kind in ("htmx", "get", "htmx")]
    assert rows == [[line.look], [], []]
    time_machine.shift(LOOK)
    client.force_login(user)
    assert audited(lambda: client.get(address)).rows == [line.look], "later it is another look"


@pytest.mark.slow
@each_line([line for line in GUARDED if line.data])
def test_this_right_alone_and_the_data_of_somebody_else(make_user, signed_in, line, subtests):
    owner, client = make_user(username="owner"), signed_in(make_user(*line.rights))
    for kind in kinds_of(line):
        with on_its_own(subtests, kind):
            line.data(owner)
            response = ask(client, line, kind)
            if isinstance(line.others, int):
                assert response.status_code == (405 if answers(line, kind) == 405 else line.others)
                assert response.rows == ([] if response.status_code == 405 else REFUSED)
                assert MARK not in body(response)
            else:
                assert response.status_code == answers(line, kind)
                assert response.rows == ([] if response.status_code == 405 else row(line.row(kind)))
                if response.status_code == 200:
                    assert (MARK in body(response)) == (line.others == SHOWN)


@pytest.mark.slow
@each_line(OPEN)
def test_pages_that_need_no_right(make_user, signed_in, line, subtests):
    user = make_user()
    for position, kind in enumerate(REQUESTS):
        for knows_user, number in ((False, line.signed_out[position]), (True, line.signed_in[position])):
            visitor = signed_in(user) if knows_user else Client()
            with on_its_own(subtests, kind):
                response = ask(visitor, line, kind)
                assert response.status_code == number
                signs_out = knows_user and (line.name, kind) == ("account_logout", "post")
                assert response.rows == (
                    REFUSED if number in (401, 403, 404) else row("sign_out.succeeded" if signs_out else "")
                )


def admin_addresses(user: User) -> Iterator[str]:
    pk = str(user.pk)
    samples = {"object_id": pk, "id": pk, "content_type_id": "1", "app_label": "accounts", "url": "x"}
    for name, pattern in patterns():
        if name.startswith("admin:") and pattern.name:
            yield reverse(name, kwargs={key: samples[key] for key in pattern.pattern.regex.groupindex})


@pytest.mark.slow
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_admin_site_lets_nobody_in_but_superusers(client, make_user, signed_in, method):
    everything = list(every_right())
    staff = make_user(*everything, is_staff=True)
    addresses = list(admin_addresses(staff))
    assert len(addresses) > 8
    for address in addresses:
        for visitor in (client, signed_in(make_user(*everything))):
            response = getattr(visitor, method)(address, follow=True)
            assert response.status_code == 403 or response.request["PATH_INFO"] == "/accounts/login/", address
        if address.startswith("/admin/accounts/"):
            assert getattr(signed_in(staff), method)(address, follow=True).status_code in (403, 404), address
