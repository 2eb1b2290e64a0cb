"""What Sentry and a collector get: the place of an error, and nothing about a person."""

import gzip
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.dispatch.conftest import database_url

SITE = Path(__file__).with_name("telemetry_site.py")
WHO = (b"anna", b"vang")


@pytest.fixture
def stand_in() -> Iterator[tuple[str, dict[str, list[bytes]]]]:
    """An HTTP server that keeps what it gets, by path."""
    kept: dict[str, list[bytes]] = defaultdict(list)

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            encoding = self.headers["Content-Encoding"]
            assert encoding in (None, "gzip")
            kept[self.path].append(gzip.decompress(body) if encoding else body)
            self.do_GET()

        def do_GET(self) -> None:
            kept["headers"].append(str(self.headers).encode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", kept
    server.shutdown()


@pytest.mark.slow
@pytest.mark.django_db
def test_errors_and_traces_name_the_place_and_no_person(stand_in) -> None:
    address, kept = stand_in
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "SENTRY_DSN": f"http://key@{address}/1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}",
        "PERSON": "anna.vang@example.org",
        "STAND_IN": f"http://{address}",
        "PYTHONPATH": os.getcwd(),
    }
    site = subprocess.run([sys.executable, SITE], env=environment, capture_output=True, text=True, timeout=120)
    assert site.stdout == "500 Internal Server Error\n", site.stderr[-2000:]

    errors, spans = b"".join(kept["/api/1/envelope/"]), b"".join(kept["/v1/traces"])
    assert b"DataError" in errors
    assert b"ValueError" in errors
    assert b"broken" in errors
    assert b"request-of-a-test" in errors
    assert b"broken/<str:person>/" in spans
    assert b"run/tests.fails" in spans
    assert b"GET" in spans
    for sent in (errors, spans):
        assert not [who for who in WHO if who in sent.lower()]
    assert not [headers for headers in kept["headers"] if b"baggage" in headers.lower()]
