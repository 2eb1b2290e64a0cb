"""Bodies that come in chunks (Transfer-Encoding: chunked). Without a Content-Length, Django reads nothing of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, Any

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_PIECE = 64 * 1024
_IN_MEMORY = 1024 * 1024


class ChunkedBodies:
    """A WSGI application that measures bodies without a length before it hands them on.

    It reads `most` bytes and one more, so that what is too large is seen to be too large. A server that does not know
    where such a body ends gets 411.
    """

    def __init__(self, application: Application, *, most: int) -> None:
        self.application, self.most = application, most

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_TRANSFER_ENCODING", "").lower() in ("", "identity"):
            return self.application(environ, start_response)
        if not environ.get("wsgi.input_terminated"):
            return length_required(start_response)
        body, length = self.read(environ["wsgi.input"])
        return self.application(environ | {"wsgi.input": body, "CONTENT_LENGTH": str(length)}, start_response)

    def read(self, source: IO[bytes]) -> tuple[IO[bytes], int]:
        """Return the body, and its length or `most` + 1 if it is longer."""
        body = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (it goes with the request)
        left = self.most + 1
        while left and (piece := source.read(min(left, _PIECE))):
            left -= body.write(piece)
        body.seek(0)
        return body, self.most + 1 - left


def length_required(start_response: StartResponse) -> Iterable[bytes]:
    start_response("411 Length Required", [("Content-Type", "text/plain; charset=utf-8")])
    return [b"Send the length of the body as Content-Length.\n"]
