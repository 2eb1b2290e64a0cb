"""The HTTP server: it checks the key, finds the API, and applies the faults."""

import base64
import binascii
import hmac
import socket
import sys
import threading
from collections.abc import Iterable
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from typing import Any
from urllib.parse import unquote, urlsplit

from sandbox import control, domains_api, events_api, logs_api, messages_api, oneroster, suppressions, voxology_api
from sandbox.exchange import RefusedError, Request, Response
from sandbox.faults import Fault, Kind
from sandbox.provider import Provider

_MEGABYTE = 1024**2
_SLOW = {Kind.DRIP, Kind.DRIP_HEAD, Kind.ENDLESS}


class Sandbox(Provider):
    """The stand-in as a server in a thread of this process: `with Sandbox() as sandbox: … sandbox.url`."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self._server = _Server((host, port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Scheme, host and port: the value for `MAILGUN_API_BASE`."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Serve in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, release held requests, and close open connections."""
        self.clear_faults()
        self.phones.agenda.stop()
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], provider: Provider) -> None:
        self.provider = provider
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer.server_bind asks the name service for the host's name, which may be slow.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._connections):
            # Wakes the thread that waits for the client's next request.
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                self._connections.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # In some tests a client closes the connection early.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.server.provider.clock.now() if timestamp is None else timestamp, usegmt=True)

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: `provider.requests` is the log."""

    def do_GET(self) -> None:
        provider, request = self.server.provider, self._read_request()
        if request.path.startswith("/sandbox/"):
            self._write(control.respond(provider, request), None)
            return
        provider.begin_request(request)
        if request.method != "GET":
            body = request.body.decode(errors="replace")
            provider.journal.write("request", at=request.at, method=request.method, path=request.path, body=body)
        try:
            provider.before_answer()
            fault = provider.faults.next_for(request)
            response = _respond(provider, request, fault)
            if fault and fault.kind is Kind.LOST:
                self.close_connection = True
                return
            request.status = response.status
            self._write(response, fault)
        finally:
            provider.end_request()

    do_POST = do_PUT = do_DELETE = do_GET

    def _read_request(self) -> Request:
        target = urlsplit(self.path)
        length = self.headers.get("Content-Length", "0")
        request = Request(
            method=self.command,
            path=target.path,
            query=target.query,
            at=self.server.provider.clock.now(),
            host=self.headers.get("Host") or f"{self.server.server_name}:{self.server.server_port}",
            body=self.rfile.read(int(length)) if length.isdigit() else b"",
            content_type=self.headers.get("Content-Type", ""),
            authorized=_authorized(self.headers, self.server.provider.api_key),
        )
        if oneroster.is_of_roster(target.path):
            request.authorized = oneroster.authorized(self.server.provider.roster, request, self.headers)
        if target.path == logs_api.PATH:
            logs_api.read_request(request)
        steps = target.path.split("/")
        if len(steps) >= 4 and steps[1] == "v3":
            request.domain = unquote(steps[2])
            if steps[3] == "events":
                request.page = events_api.page_number(steps[4] if len(steps) == 5 else "")
        if steps[1:3] == ["v4", "domains"] and len(steps) == 4:
            request.domain = unquote(steps[3])
        return request

    def _write(self, response: Response, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        body = response.body[: len(response.body) // 2] if kind is Kind.HALF else response.body
        # Behind the first bracket, any white space is JSON.
        megabytes = fault.megabytes if fault and kind is Kind.LARGE else 0
        half = 1 if megabytes else len(body) // 2
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        if kind is not Kind.ENDLESS:
            self.send_header("Content-Length", str(len(body) + megabytes * _MEGABYTE))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if fault and kind in _SLOW:
            self._drip(body, fault)
            return
        self.end_headers()
        self.wfile.write(body[:half])
        for _ in range(megabytes):
            self.wfile.write(b" " * _MEGABYTE)
        if kind is Kind.CUT:
            self.close_connection = True
            return
        if fault and fault.mid_body:
            self.wfile.flush()
            fault.wait()
        self.wfile.write(body[half:])
        self.wfile.flush()

    def _drip(self, body: bytes, fault: Fault) -> None:
        """Write an answer that does not end, or does not end soon, until the client closes the connection."""
        self.close_connection = True
        if fault.kind is Kind.DRIP_HEAD:
            self.flush_headers()
            parts: Iterable[bytes] = repeat(b"X-Wait: yes\r\n")
        else:
            self.end_headers()
            parts = (
                repeat(b" " * 65536) if fault.kind is Kind.ENDLESS else (body[at : at + 1] for at in range(len(body)))
            )
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()
            if fault.released.wait(fault.seconds):
                return


def _respond(provider: Provider, request: Request, fault: Fault | None) -> Response:
    """Return the answer to a request, after latency, rate limit and faults."""
    headers: dict[str, str] = {}
    if provider.latency:
        threading.Event().wait(provider.latency)
    if provider.rate_limit:
        allowed, headers = provider.rate_limit.count()
        if not allowed:
            return Response.refuse(429, "Too many requests", headers)
    if fault:
        if not fault.mid_body:
            fault.wait()
        if refusal := fault.refuse(provider.clock.now()):
            if fault.accepted:
                _handle(provider, request, fault)
            return refusal
    response = _handle(provider, request, fault)
    response.headers |= headers
    return response


def _handle(provider: Provider, request: Request, fault: Fault | None) -> Response:
    try:
        return _route(provider, request, fault)
    except RefusedError as refused:
        return refused.response


def _route(provider: Provider, request: Request, fault: Fault | None) -> Response:
    if oneroster.is_of_roster(request.path):
        return oneroster.respond(provider.roster, request)
    if not request.authorized:
        raise RefusedError(401, "Invalid private key")
    if request.path == logs_api.PATH:
        return logs_api.respond(provider, request, fault)
    if request.path.startswith("/v1/"):
        return voxology_api.respond(provider, request, fault)
    match request.path.split("/"):
        case ["", "v3", _, "events", *_] if provider.events_api_gone:
            raise RefusedError(provider.events_api_gone, "This API does not exist any more")
        case ["", "v3", _, "events" | "messages"] if request.domain not in provider.stores:
            raise RefusedError(404, f"Domain not found: {request.domain}")
        case ["", "v4", "domains", _]:
            return domains_api.respond(provider, request, fault)
        case ["", "v3", _, name, *address] if name in suppressions.LISTS and len(address) < 2:
            if request.domain not in provider.stores:
                raise RefusedError(404, f"Domain not found: {request.domain}")
            return suppressions.respond(provider, request, name, "".join(address), fault)
        case ["", "v3", _, "messages"]:
            return messages_api.respond(provider, request, fault)
        case ["", "v3", _, "events", *token] if len(token) < 2 and request.domain in provider.stores:
            return events_api.respond(provider, request, "".join(token), fault)
    raise RefusedError(404, "There is nothing at this address")


def _authorized(headers: Message, api_key: str) -> bool:
    """Whether the request has the key: by basic authentication as user `api`, or in the header X-API-KEY."""
    if "X-API-KEY" in headers:
        return hmac.compare_digest(headers["X-API-KEY"].encode(), api_key.encode())
    scheme, _, credentials = headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(credentials, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given, f"api:{api_key}".encode())
