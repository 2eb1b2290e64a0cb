"""A right for one school shows nothing of another."""

from itertools import product

import pytest

from accounts.tools import DISTRICT_WIDE, SCOPED_RIGHTS
from messenger_logs.models import SentMessage
from tests.accounts.scoped import hold_for
from tests.messenger_logs.factories import make_school
from tests.web.permission_matrix.api import API
from tests.web.permission_matrix.asking import (
    OF_ALL_SCHOOLS,
    answers,
    ask,
    body,
    call,
    each_api_line,
    each_line,
    kinds_of,
    of_schools,
    on_its_own,
)
from tests.web.permission_matrix.pages import GUARDED
from tests.web.permission_matrix.subjects import MARK

pytestmark = [pytest.mark.django_db, pytest.mark.every_case]


def canceled_by(user):
    """Let the person be who canceled what there is: Upcoming Messages shows the proof of a cancel to that person."""
    SentMessage.objects.exclude(canceled_by=None).update(canceled_by=user)


def test_every_tool_of_everybodys_messages_is_asked():
    assert {*SCOPED_RIGHTS} == {line.tool for line in of_schools([*GUARDED, *API])} & {*SCOPED_RIGHTS}


@pytest.mark.slow
@each_line(of_schools(GUARDED))
def test_this_right_for_one_school(make_user, signed_in, of_school, line, subtests):
    owner, ours, theirs = make_user(username="owner"), make_school("Ours"), make_school("Theirs")
    user = hold_for(make_user(*line.rights_to_everybodys), ours)
    for kind, school in product(kinds_of(line), (ours, theirs)):
        with on_its_own(subtests, f"{kind} {school}"):
            of_school(school)
            line.data(owner)
            canceled_by(user)
            # Another visit: else a page has the note that the last answer left for the next page.
            response = ask(signed_in(user), line, kind, line.everybodys)
            seen = school == ours and line.tool not in OF_ALL_SCHOOLS
            assert seen or MARK not in body(response)
            if line.tool in OF_ALL_SCHOOLS:
                changes = kind == "post" and line.does
                assert response.status_code in ((403, 404) if changes else (200, 302, 403, 404, 405))
                continue
            hidden = 404 if not seen and line.of is not dict and answers(line, kind) != 405 else 0
            assert response.status_code == (hidden or answers(line, kind))
            if response.status_code == 200:
                assert (MARK in body(response)) == seen


@pytest.mark.slow
@each_api_line(of_schools(API))
def test_the_api_with_this_right_for_one_school(make_user, of_school, line, subtests):
    owner, ours, theirs = make_user(username="owner"), make_school("Ours"), make_school("Theirs")
    user = hold_for(make_user(*line.rights_to_everybodys), ours)
    for school in (ours, theirs):
        with on_its_own(subtests, str(school)):
            of_school(school)
            line.data(owner)
            response = call(line, user)
            seen = school == ours and line.tool not in OF_ALL_SCHOOLS
            refused = 403 if line.tool in DISTRICT_WIDE else 404 if not seen and line.of is not dict else 0
            assert response.status_code == (refused or line.answer)
            assert (MARK in body(response)) == seen
