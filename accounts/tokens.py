"""Tokens of the REST API."""

from __future__ import annotations

import re
from typing import Any

from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.second_factor import note_missing_factor, refuse_token

TOKEN = re.compile(rb"[0-9a-f]{64}")


class TokenAuthentication(KnoxAuthentication):
    def authenticate_credentials(self, token: bytes) -> Any:
        # Other bytes would fail later, some of them in the database.
        if not TOKEN.fullmatch(token):
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)

    def authenticate(self, request: Request) -> Any:
        """Raises PermissionDenied for the token of a person who needs a second factor, if it was made without one."""
        found = super().authenticate(request)
        if found and (why := refuse_token(found[1])):
            note_missing_factor(request._request, found[0])
            raise PermissionDenied(why)
        return found
