"""Access to the API, by the same tool rights as the pages."""

from __future__ import annotations

from typing import Any, cast

from knox.models import AuthToken
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.access import refuse_without
from accounts.models import User
from accounts.second_factor import token_too_old
from accounts.tools import Right, Tool, ToolAndRight


class HasToolRight(IsAuthenticated):
    """Require the right that the view names. Without it the answer is 403, with the name of the right."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        tool, right = view.needed()
        refuse_without(cast(User, request.user), tool, right)
        return True


class ToolAPIView(APIView):
    """A view for users with a right on a tool. Others get 401 (not signed in) or 403 (without the right)."""

    permission_classes = [HasToolRight]
    tool: Tool
    right: Right = Right.READ

    def needed(self) -> ToolAndRight:
        """Return the right that this request needs."""
        return ToolAndRight(self.tool, self.right)

    @property
    def user(self) -> User:
        return cast(User, self.request.user)


def ask_new_token(request: Request) -> None:
    """Let a person whose group requires a second factor show it again, by a new token, for what can do harm.

    Raises PermissionDenied. Programs with an account of their own have no factor to show.
    """
    if isinstance(request.auth, AuthToken) and (why := token_too_old(request.auth)):
        raise PermissionDenied(why)
