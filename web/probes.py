"""What machines ask about this process: /healthz, /readyz and /metrics.

They are answered before all other middleware, so that a store that is away, a redirect to HTTPS or an unknown host name
holds none of them up.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST

from health.metrics import exposition
from health.services.readiness import findings

_READ = ("GET", "HEAD")
Answer = Callable[[HttpRequest], HttpResponseBase]


def answer_probes(get_response: Answer) -> Answer:
    """Answer the addresses of probes. Everything else goes on."""
    probes: dict[str, Answer] = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if probe := probes.get(request.path_info):
            return probe(request) if request.method in _READ else HttpResponseNotAllowed(_READ)
        return get_response(request)

    return middleware


def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process lives. It touches nothing."""
    return _text("This process lives.")


def readyz(request: HttpRequest) -> HttpResponse:
    """Say of each store whether it works; the status is 503 if one does not."""
    found = findings()
    lines = (f"{finding.name}: {finding.words}." for finding in found)
    return _text("\n".join(lines), status=200 if all(finding.works for finding in found) else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Give the figures to who has the token or comes from a named network. Where neither is set, nothing is here."""
    if not settings.METRICS_TOKEN and not settings.METRICS_NETWORKS:
        return _text("There is nothing at this address.", status=404)
    if not _has_token(request) and not _is_of_named_network(request):
        return _text("The figures need the token, or a named network.", status=403)
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def _text(words: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")


def _has_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "")
    return bool(settings.METRICS_TOKEN) and constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}")


def _is_of_named_network(request: HttpRequest) -> bool:
    """Whether every address on the way is in a named network: that of the peer, and those that proxies name.

    So who comes through a proxy of this network is not taken for the proxy. A forged name can only shut somebody out.
    """
    named = request.headers.get("X-Forwarded-For", "")
    way = [request.META.get("REMOTE_ADDR", ""), *filter(None, named.split(","))]
    return all(_is_named(address.strip()) for address in way)


def _is_named(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in settings.METRICS_NETWORKS)
