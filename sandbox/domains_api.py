"""The Domains API: the state of a domain, and its DNS records. GET /v4/domains/{name} alone."""

from typing import Any

from sandbox.exchange import RefusedError, Request, Response
from sandbox.faults import Fault, Kind
from sandbox.provider import Provider

KEY = "k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ"


def respond(provider: Provider, request: Request, fault: Fault | None) -> Response:
    """Answer with a domain. A fault makes one of its records not valid: SPF, DKIM, CNAME or MX.

    Raises RefusedError if the provider does not know the domain.
    """
    if request.method != "GET":
        raise RefusedError(405, "Domains can only be read")
    if request.domain not in provider.stores:
        raise RefusedError(404, f"Domain not found: {request.domain}")
    broken = fault.record if fault and fault.kind is Kind.BROKEN_RECORD else ""
    name = request.domain
    return Response.json(
        {
            "domain": {
                "id": "5f5e1e1e1e1e1e1e1e1e1e1e",
                "name": name,
                "state": "unverified" if broken in ("SPF", "DKIM") else "active",
                "type": "custom",
                "is_disabled": False,
                "created_at": "Wed, 10 Jul 2013 19:26:52 GMT",
                "web_scheme": "https",
            },
            "sending_dns_records": [
                _record("TXT", name, "v=spf1 include:mailgun.org ~all", broken == "SPF"),
                _record("TXT", f"mx._domainkey.{name}", KEY, broken == "DKIM"),
                _record("CNAME", f"email.{name}", "mailgun.org", broken == "CNAME"),
            ],
            "receiving_dns_records": [
                _record("MX", "", f"mx{letter}.mailgun.org", broken == "MX") | {"priority": "10"} for letter in "ab"
            ],
        }
    )


def _record(kind: str, name: str, value: str, broken: bool) -> dict[str, Any]:
    named = {"name": name} if name else {}
    return {
        "record_type": kind,
        **named,
        "value": value,
        "valid": "invalid" if broken else "valid",
        "is_active": not broken,
        "cached": [] if broken else [value],
    }
