"""Requests and responses of the server, without sockets."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class Request:
    """A request as the log keeps it, without credentials."""

    method: str
    path: str
    query: str
    at: float
    """The time of arrival by the provider's clock, in epoch seconds."""
    host: str = ""
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    authorized: bool = False
    domain: str = ""
    page: int = 0
    """The number of the page in its traversal, from 1; 0 for other requests."""
    status: int | None = None
    """The status of the answer; None before it is written."""

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The query as pairs of name and value, in their order."""
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def url(self) -> str:
        return f"http://{self.host}{self.path}" + (f"?{self.query}" if self.query else "")

    def json(self) -> Any:
        """Return the body as JSON, None without a body. Raises ValueError if it is not JSON."""
        return json.loads(self.body) if self.body else None


@dataclass
class Response:
    """A complete answer, before the server writes it."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> "Response":
        return cls(status, json.dumps(value).encode(), headers=headers or {})

    @classmethod
    def refuse(cls, status: int, message: str, headers: dict[str, str] | None = None) -> "Response":
        """Return an error in the provider's form: a JSON object with a message."""
        return cls.json({"message": message}, status, headers)


class RefusedError(Exception):
    """Ends the handling of a request with an error answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.response = Response.refuse(status, message)
