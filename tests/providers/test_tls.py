"""Whom requests trust: the authorities of the environment, for what is asked and for what is handed over."""

import ipaddress
import ssl
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from providers import transport
from providers.http import Api, Content, Reply, TryLaterError
from providers.many_requests import connections
from tests.certificates import self_signed
from tests.loop import run


class Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key, and a certificate of 127.0.0.1 that nobody else signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = self_signed(key, "The provider", names, x509.BasicConstraints(ca=True, path_length=None))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path / "certificate.pem"
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem))
    return file


@pytest.fixture
def api(certificate: Path) -> Iterator[Api]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = HTTPServer(("127.0.0.1", 0), Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    transport.environment_of.cache_clear()
    yield Api("Provider", f"https://127.0.0.1:{server.server_port}", timeout=(2, 2))
    transport.environment_of.cache_clear()
    server.shutdown()
    server.server_close()
    thread.join()


def ask(api: Api) -> Reply:
    return api.ask("POST", "/", attempts=1, json={})


def hand_over(api: Api) -> Reply:
    async def before() -> None:
        pass

    async def do() -> Reply:
        async with connections():
            return await api.hand_over("/", Content.json({}), before=before, begun=lambda: None, attempts=1)

    return run(do())


@pytest.mark.parametrize("way", [ask, hand_over])
def test_a_provider_that_nobody_vouches_for_gets_nothing(
    api: Api, way: Callable[[Api], Reply], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(TryLaterError):
        way(api)
    transport.environment_of.cache_clear()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert way(api).ok
