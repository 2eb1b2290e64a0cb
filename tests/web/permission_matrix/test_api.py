"""Who gets which answer from every address of the API, and which row it leaves."""

import pytest

from accounts.tools import every_right
from tests.web.permission_matrix.api import API
from tests.web.permission_matrix.asking import REFUSED, body, call, each_api_line, row
from tests.web.permission_matrix.lines import SHOWN
from tests.web.permission_matrix.subjects import MARK

pytestmark = [pytest.mark.django_db, pytest.mark.every_case]


@each_api_line([line for line in API if (line.name, line.method) != ("api:tokens", "post")])
def test_the_api_without_a_token(signed_in, make_user, line):
    everything = make_user(*every_right())
    if line.data:
        line.data(everything)
    response = call(line, None)
    assert response.status_code == 401
    assert response.rows == REFUSED
    assert MARK not in body(response)
    # Nor does the session of a browser open it: then any page could make it write.
    assert signed_in(everything).generic(line.method.upper(), response.request["PATH_INFO"]).status_code == 401


@each_api_line([line for line in API if line.tool and line.only])
def test_the_api_with_every_other_right_but_this(make_user, line):
    user = make_user(*(cell for cell in every_right() if cell != (line.tool, line.right)))
    if line.data:
        line.data(user)
    response = call(line, user)
    assert response.status_code == 403
    assert response.rows == REFUSED
    assert MARK not in body(response)


@each_api_line([line for line in API if line.tool and not line.only])
def test_the_api_with_no_right_at_all(make_user, line):
    user = make_user()
    line.data(user)
    response = call(line, user)
    assert response.status_code == 403
    assert response.rows == REFUSED
    assert MARK not in body(response)


@each_api_line(API)
def test_the_api_with_this_right_alone_and_own_data(make_user, line):
    user = make_user(*line.rights)
    if line.data:
        line.data(user)
    response = call(line, user)
    assert response.status_code == line.answer
    assert response.rows == row(line.row)
    assert response["Cache-Control"] == "private, no-store"
    if line.data:
        assert MARK in body(response)


@pytest.mark.slow
@each_api_line([line for line in API if line.tool])
def test_a_program_has_this_right_alone_or_every_other(make_user, line):
    """The same rule as for a person, and each call names the program."""
    user = make_user(*line.rights)
    if line.data:
        line.data(user)
    response = call(line, user, as_program=True)
    assert response.status_code == line.answer
    assert response.rows == ["api.called", *row(line.row)]
    if line.only:
        other = make_user(*(cell for cell in every_right() if cell != (line.tool, line.right)))
        response = call(line, other, as_program=True)
        assert response.status_code == 403
        assert response.rows == ["api.called", *REFUSED]
        assert MARK not in body(response)


@each_api_line([line for line in API if line.data])
def test_the_api_with_this_right_alone_and_the_data_of_somebody_else(make_user, line):
    line.data(make_user(username="owner"))
    response = call(line, make_user(*line.rights))
    assert response.status_code == (line.others if isinstance(line.others, int) else line.answer)
    assert response.rows == (REFUSED if isinstance(line.others, int) else row(line.row))
    assert (MARK in body(response)) == (line.others == SHOWN)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({line.name for line in API}))
def test_the_api_knows_no_other_method(make_user, name):
    lines = [line for line in API if line.name == name]
    user = make_user(*every_right())
    for method in {"get", "post", "put", "patch", "delete"} - {line.method for line in lines}:
        assert call(lines[0], user, method).status_code == 405, method
