"""The OpenAPI schema: what every operation may answer besides what it declares itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drf_spectacular.openapi import AutoSchema

from web.api.errors import ERRORS, ErrorSerializer
from web.api.listings import ListingAPIView


class APISchema(AutoSchema):
    """Adds the errors that an operation may answer. It finds them in the view, so no view lists them."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self.errors():
            if str(status) not in bodies:
                body = self._get_response_for_code(ErrorSerializer, str(status))  # type: ignore[no-untyped-call]
                bodies[str(status)] = body | {"description": ERRORS[status]}
        return bodies

    def errors(self) -> Iterator[int]:
        """Yield the statuses of errors that this operation may answer."""
        has_body = self.method == "POST" and self.get_request_serializer() is not None
        # 403 to everybody whose second factor is missing, also where no right is needed.
        yield from (401, 403, 406, 429, 503)
        if has_body:
            yield from (413, 415)
        if has_body or isinstance(self.view, ListingAPIView):
            yield 400
        if "{" in self.path:
            yield 404
