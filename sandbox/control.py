"""The control endpoint: it lets tests control the stand-in when it runs as a separate program.

    GET    /sandbox/           the state
    POST   /sandbox/events     {"events": [{…}], "raw": [{"text": "…", "timestamp", "id"}], "domain", "visible_at"}
    GET    /sandbox/requests   the log of requests
    DELETE /sandbox/requests   clear it
    GET    /sandbox/accepted   accepted mails, calls and texts: ?kind=call&after=7 for calls after number 7
    DELETE /sandbox/accepted   clear them
    GET    /sandbox/callbacks  the requests that the provider made to the product about calls and texts
    GET    /sandbox/webhooks   the requests that it made about e-mails: attempt, content type and status of each
    POST   /sandbox/webhooks   {"what": "bad-signature", "times": 1, "seconds": 0}: a fault; see `Webhooks.fail`
    POST   /sandbox/texts      {"caller": "+1…", "text": "STOP", "times": 1}: a family sends a text
    POST   /sandbox/decide     {"kind": "call", "to": "+1…", "outcomes": ["busy", "live"]}: see `Chances.decide`
    POST   /sandbox/faults     {"what": 500 or "cut" …, and the options of `Provider.fail`}; "hold" is one of the kinds
    DELETE /sandbox/faults     clear the faults, the latency and the rate limit
    POST   /sandbox/release    release the held requests
    POST   /sandbox/settings   {"latency": s, "move": s, "now": epoch seconds, "retention_days": d,
                                "rate_limit": {"calls": n, "seconds": s}, "call_flow_url": "…", "texts_url": "…",
                                "pace": 0.1, "replies": 0.01, "events_api_gone": 410, "webhook_url": "…",
                                "webhook_signing_key": "…", "webhook_pace": 0.1}

It needs no key: by default the stand-in listens only on the local host, and it holds no real data.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sandbox.exchange import Request, Response
from sandbox.provider import Provider
from sandbox.webhooks import WebhookCall


def respond(provider: Provider, request: Request) -> Response:
    """Answer a request to the control endpoint: with the state, or with 400 and a message."""
    try:
        body = request.json() or {}
        match request.method, request.path.removeprefix("/sandbox/"):
            case "GET", "":
                return Response.json(_state(provider))
            case "POST", "events":
                _add_events(provider, **body)
            case "GET", "requests":
                return Response.json({"requests": [_as_dict(request) for request in provider.requests]})
            case "DELETE", "requests":
                provider.requests.clear()
            case "GET", "accepted":
                asked = dict(request.parameters)
                return Response.json(
                    {"accepted": provider.accepted.list(asked.get("kind", ""), int(asked.get("after", 0)))}
                )
            case "DELETE", "accepted":
                provider.accepted.clear()
            case "GET", "callbacks":
                return Response.json({"callbacks": [asdict(callback) for callback in provider.phones.callbacks]})
            case "GET", "webhooks":
                return Response.json({"webhooks": [_as_dict(call) for call in provider.webhooks.calls]})
            case "POST", "webhooks":
                provider.webhooks.fail(body.pop("what"), **body)
            case "POST", "texts":
                provider.phones.receive_text(body.pop("caller"), body.pop("text"), **body)
            case "POST", "decide":
                provider.decide(body["kind"], body["to"], *body["outcomes"])
            case "POST", "faults":
                provider.fail(body.pop("what"), **body)
            case "DELETE", "faults":
                provider.clear_faults()
            case "POST", "release":
                provider.release()
            case "POST", "settings":
                _set(provider, **body)
            case _:
                return Response.refuse(404, "There is nothing at this address")
    except (ValueError, TypeError, KeyError) as error:
        return Response.refuse(400, f"Not understood: {error!r}")
    return Response.json(_state(provider))


def _state(provider: Provider) -> dict[str, Any]:
    return {
        "now": provider.clock.now(),
        "events": {domain: len(store) for domain, store in provider.stores.items()},
        "accepted": provider.accepted.counts(),
        "requests": len(provider.requests),
        "most_at_once": provider.most_at_once,
        "held": provider.faults.held,
        "latency": provider.latency,
    }


def _as_dict(request: Request | WebhookCall) -> dict[str, Any]:
    fields = asdict(request)
    del fields["body"]  # bytes are no JSON
    return fields


def _add_events(
    provider: Provider,
    *,
    events: list[dict[str, Any]] | None = None,
    raw: list[dict[str, Any]] | None = None,
    domain: str | None = None,
    visible_at: float | None = None,
) -> None:
    for fields in events or []:
        provider.add(domain=domain, visible_at=visible_at, **fields)
    for options in raw or []:
        provider.add_raw(**{"domain": domain, "visible_at": visible_at, **options})


def _set(
    provider: Provider,
    *,
    latency: float | None = None,
    move: float | None = None,
    now: float | None = None,
    retention_days: float | None = None,
    rate_limit: dict[str, Any] | None = None,
    events_api_gone: int | None = None,
    webhook_url: str | None = None,
    webhook_signing_key: str | None = None,
    webhook_pace: float | None = None,
    **phones: str | float,
) -> None:
    if latency is not None:
        provider.latency = latency
    if now is not None:
        provider.clock.set(now)
    if move is not None:
        provider.clock.move(move)
    if retention_days is not None:
        provider.retention = timedelta(days=retention_days)
    if rate_limit is not None:
        provider.limit_rate(**rate_limit)
    if events_api_gone is not None:
        provider.events_api_gone = events_api_gone
    if webhook_pace is not None:
        provider.webhooks.pace = webhook_pace
    if webhook_url is not None:
        provider.webhooks.start(webhook_url, webhook_signing_key or provider.webhooks.signing_key)
    for name, value in phones.items():
        if name not in ("call_flow_url", "texts_url", "pace", "replies"):
            raise TypeError(f"There is no setting {name}")
        setattr(provider.phones, name, value)
