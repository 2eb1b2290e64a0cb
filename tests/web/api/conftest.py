import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.services import issue_token


class Caller:
    """A program with a token."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.headers = {"Authorization": f"Token {issue_token(user=user)[0]}"}

    def get(self, path: str, **query: Any) -> HttpResponse:
        address = path if path.startswith("http") else f"/api/v1/{path}"
        return Client().get(address, query or None, headers=self.headers)

    def post(self, path: str, body: Any, content_type: str = "application/json") -> HttpResponse:
        """`body` as JSON; bytes go as they are."""
        address = path if path.startswith("http") else f"/api/v1/{path}"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Client().post(address, data, content_type=content_type, headers=self.headers)


@pytest.fixture
def caller(make_user: Callable[..., User]) -> Callable[..., Caller]:
    """A program in the name of a user with just these rights."""
    return lambda *rights, **fields: Caller(make_user(*rights, **fields))
