"""A webhook and a mail server on 127.0.0.1, with the faults that a test names."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook(ThreadingHTTPServer):
    """Keeps what is posted in `received`. `status` is its answer; `fault` is "", "drip", "hang" or "cut"."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.received: list[Any] = []
        self.paths: list[str] = []
        self.status, self.fault = 200, ""
        self.headers: dict[str, str] = {}
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/services/T000/B000/secret-of-the-hook"

    def stop(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """A client that gave up is no error."""


class _Hook(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        self.server.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.paths.append(self.path)
        fault = self.server.fault
        if fault == "hang":
            self.server.over.wait(60)
        if fault in ("hang", "cut"):
            self.close_connection = True
            return
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "5000" if fault == "drip" else "2")
        self.end_headers()
        if fault == "drip":
            with suppress(OSError):
                while not self.server.over.is_set():
                    self.wfile.write(b".")
                    self.wfile.flush()
                    time.sleep(0.05)
        else:
            self.wfile.write(b"ok")

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        pass


class MailServer(socketserver.ThreadingTCPServer):
    """Keeps mails in `received`. `answers` replaces its answer to a command; "" closes the connection instead."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.received: list[str] = []
        self.answers: dict[str, str] = {}
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Mail(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 stand-in")
        while line := self.rfile.readline():
            command = line.split()[0].decode().upper()
            if command == "DATA":
                self._say("354 go on")
                self.server.received.append(self._mail())
                command = "."
            answer = self.server.answers.get(
                command, {"EHLO": "250 stand-in", "QUIT": "221 bye"}.get(command, "250 ok")
            )
            if not answer:
                return
            self._say(answer)

    def _mail(self) -> str:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        return b"".join(lines).decode()

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())
