"""What goes in and out of the server, free of sockets."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class Request:
    """A request as the log keeps it; credentials are not part of it."""

    method: str
    path: str
    query: str
    at: float
    """When it came, by the provider's clock."""
    host: str = ""
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    authorized: bool = False
    domain: str = ""
    page: int = 0
    """Which page of a traversal it asked for, from 1; 0 where that means nothing."""
    status: int | None = None
    """The answer's status, once there is one."""

    @property
    def parameters(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def url(self) -> str:
        return f"http://{self.host}{self.path}" + (f"?{self.query}" if self.query else "")

    def json(self) -> Any:
        """The body as JSON; nothing where there is no body. Raises ValueError where it is none."""
        return json.loads(self.body) if self.body else None


@dataclass
class Response:
    """An answer, whole, before it is written."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> "Response":
        return cls(status, json.dumps(value).encode(), headers=headers or {})

    @classmethod
    def refuse(cls, status: int, words: str, headers: dict[str, str] | None = None) -> "Response":
        """An error as the provider tells it: a JSON object with a message."""
        return cls.json({"message": words}, status, headers)


class RefusedError(Exception):
    """Ends the handling of a request with an error answer."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.response = Response.refuse(status, words)
