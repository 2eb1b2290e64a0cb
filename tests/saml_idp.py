"""A SAML provider in a process of its own: `python -m tests.saml_idp PORT SP_ENTITY_ID SP_ACS`.

pysaml2 writes its metadata, reads the requests and writes the answers. It would sign with a program that is no Python
package, so python-xmlsec signs them here.

GET /metadata, GET /sso?SAMLRequest=… (the form that a browser would send on), PUT /user (who signs in there: a JSON
object with `name_id`, `attributes`, and optionally `session_minutes`, `sign` and `in_response_to`).
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import xmlsec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.md import EntityDescriptor
from saml2.metadata import do_idpsso_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.sigver import read_cert_from_file

from tests.certificates import self_signed

ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SP_METADATA = """<?xml version="1.0"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <AssertionConsumerService Binding="{binding}" Location="{acs}" index="1"/>
  </SPSSODescriptor>
</EntityDescriptor>"""


def make_key(folder: Path) -> tuple[str, str]:
    """Make a key and a certificate. Return their paths."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = self_signed(key, "idp.example")
    pem = serialization.Encoding.PEM
    form, no_password = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, form, no_password))
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    return str(folder / "key.pem"), str(folder / "certificate.pem")


def make_config(base: str, folder: Path, sp: str, acs: str) -> IdPConfig:
    key, certificate = make_key(folder)
    config = {
        "entityid": f"{base}/metadata",
        "xmlsec_binary": sys.executable,  # it has to exist, and never runs
        "key_file": key,
        "cert_file": certificate,
        "metadata": {"inline": [SP_METADATA.format(entity_id=sp, acs=acs, binding=BINDING_HTTP_POST)]},
        "service": {
            "idp": {"endpoints": {"single_sign_on_service": [(f"{base}/sso", BINDING_HTTP_REDIRECT)]}},
        },
    }
    return IdPConfig().load(config)


def signed(text: str, key_file: str, certificate_file: str) -> bytes:
    """Sign the assertion of an answer, as the standard wants it: the signature follows the issuer."""
    root = etree.fromstring(text.encode())
    assertion = root.find(f"{ASSERTION}Assertion")
    signature = xmlsec.template.create(assertion, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256, ns="ds")
    assertion.insert(1, signature)
    reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri=f"#{assertion.get('ID')}")
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    xmlsec.tree.add_ids(assertion, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(key_file, xmlsec.KeyFormat.PEM)
    context.key.load_cert_from_file(certificate_file, xmlsec.KeyFormat.PEM)
    context.sign(signature)
    return bytes(etree.tostring(root))


class Provider:
    def __init__(self, config: IdPConfig, sp: str, acs: str) -> None:
        self.config, self.sp, self.acs = config, sp, acs
        self.server = Server(config=config)
        self.user: dict[str, Any] = {}

    def metadata(self) -> bytes:
        role = do_idpsso_descriptor(self.config, read_cert_from_file(self.config.cert_file), [])
        return str(EntityDescriptor(entity_id=self.config.entityid, idpsso_descriptor=role)).encode()

    def answer(self, saml_request: str) -> bytes:
        """Return the answer for the person who is signed in here, as XML."""
        asked = self.server.parse_authn_request(saml_request, BINDING_HTTP_REDIRECT)
        minutes = self.user.get("session_minutes")
        until = datetime.now(UTC) + timedelta(minutes=minutes) if minutes else None
        response = self.server.create_authn_response(
            self.user["attributes"],
            self.user.get("in_response_to", asked.message.id),
            self.acs,
            self.sp,
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=self.user["name_id"]),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": self.sp},
            sign_assertion=False,
            sign_response=False,
            session_not_on_or_after=until.strftime("%Y-%m-%dT%H:%M:%SZ") if until else None,
        )
        if not self.user.get("sign", True):
            return str(response).encode()
        return signed(str(response), self.config.key_file, self.config.cert_file)


def handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == "/sso":
                self.respond(provider.answer(parse_qs(address.query)["SAMLRequest"][0]))
            else:
                self.respond(provider.metadata())

        def do_PUT(self) -> None:
            provider.user = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.respond(b"")

        def respond(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def main(port: int, sp: str, acs: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = make_config(f"http://127.0.0.1:{port}", Path(folder), sp, acs)
        ThreadingHTTPServer(("127.0.0.1", port), handler(Provider(config, sp, acs))).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
